import keras
import numpy as np
import pytest

from kd_keras import models


def build(activation="relu", inner="a", dtype="float32"):
    image = keras.Input((4,))
    block_input = keras.Input((4,))
    block = keras.Model(block_input, keras.layers.Dense(4, dtype=dtype)(block_input), name=inner)
    x = keras.layers.Dense(4, activation)(block(image))
    return keras.Model(image, keras.layers.Dense(3)(keras.layers.Add()([x, image])))


def with_weights_of(first, second):
    second.set_weights(first.get_weights())
    return second


def test_weights_count_to_the_last_bit():
    model = build()
    before = models.fingerprint(model), models.fingerprint_weights(model)
    assert before == (models.fingerprint(model), models.fingerprint_weights(model))
    weights = model.get_weights()
    weights[1] = np.nextafter(weights[1], np.float32(1))
    model.set_weights(weights)
    after = models.fingerprint(model), models.fingerprint_weights(model)
    assert all(a != b for a, b in zip(before, after, strict=True))


def test_names_do_not_count():
    first = build()
    second = with_weights_of(first, build(inner="another"))
    names = [[layer.name for layer in model.layers] for model in (first, second)]
    assert names[0] != names[1]
    assert models.fingerprint(first) == models.fingerprint(second)


@pytest.mark.parametrize("change", [{"activation": "tanh"}, {"dtype": "mixed_bfloat16"}])
def test_architecture_and_precision_count(change):
    first = build()
    second = with_weights_of(first, build(**change))
    assert models.fingerprint_weights(first) == models.fingerprint_weights(second)
    assert models.fingerprint(first) != models.fingerprint(second)


def test_it_is_the_same_after_saving(tmp_path):
    network = models.get(
        "wide_resnet",
        image_shape=(8, 8, 3),
        num_classes=4,
        depth=10,
        width=1,
        mean=(1.0, 2.0, 3.0),
        standard_deviation=(4.0, 5.0, 6.0),
    )
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert models.fingerprint(loaded) == models.fingerprint(network)


def test_a_model_without_a_graph_is_refused():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(TypeError, match=r"^Expected a functional or sequential keras\.Model\."):
        models.fingerprint(Subclassed())
