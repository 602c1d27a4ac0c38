"""What the discriminator's heads and conditions give, and in which forms it can be used."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.models.discriminators import make_opinionated

_IMAGE_SHAPE = (8, 8, 3)
_VARIANTS = {
    "softmax": {},
    "sigmoid": {"real_fake_output": "sigmoid"},
    "joint": {"head": "joint"},
    "label": {"condition": "label"},
    "image": {"condition": "image", "image_shape": _IMAGE_SHAPE},
    "teacher_logits": {"condition": "teacher_logits"},
}

every_variant = pytest.mark.parametrize("arguments", _VARIANTS.values(), ids=_VARIANTS)


def _random_inputs(condition="none", **_):
    random = np.random.default_rng(0)
    conditions = {
        "label": random.integers(0, 5, 6),
        "image": random.uniform(0.0, 255.0, (6, *_IMAGE_SHAPE)).astype(np.float32),
        "teacher_logits": random.normal(size=(6, 5)).astype(np.float32),
    }
    inputs = {"logits": random.normal(size=(6, 5)).astype(np.float32)}
    if condition != "none":
        inputs[condition] = conditions[condition]
    return inputs


def _outputs_of_last_layer(model, inputs):
    last = keras.Model(model.input, model.get_layer("outputs").output)
    return last(inputs, training=False).numpy().astype(np.float64)


def _logsumexp(x, axis):
    return np.log(np.exp(x).sum(axis=axis))


def _perturb_normalization(model):
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])


@every_variant
def test_gives_a_score_and_class_logits_per_example(arguments):
    outputs = make_opinionated(**arguments)(_random_inputs(**arguments))
    assert set(outputs) == {"real_score", "class_logits"}
    assert (outputs["real_score"].shape, outputs["real_score"].dtype) == ((6,), tf.float32)
    assert (outputs["class_logits"].shape, outputs["class_logits"].dtype) == ((6, 5), tf.float32)


def test_softmax_score_is_the_log_odds_of_the_two_outputs():
    model, inputs = make_opinionated(), _random_inputs()
    last = _outputs_of_last_layer(model, inputs)
    outputs = model(inputs, training=False)
    real, fake = last[:, 5], last[:, 6]
    log_real = real - np.logaddexp(real, fake)
    np.testing.assert_allclose(outputs["class_logits"], last[:, :5], rtol=1e-5)
    np.testing.assert_allclose(
        tf.math.log_sigmoid(outputs["real_score"]), log_real, rtol=1e-5, atol=1e-6
    )


def test_sigmoid_score_is_the_one_output():
    model, inputs = make_opinionated(real_fake_output="sigmoid"), _random_inputs()
    last = _outputs_of_last_layer(model, inputs)
    outputs = model(inputs, training=False)
    np.testing.assert_allclose(outputs["class_logits"], last[:, :5], rtol=1e-5)
    np.testing.assert_allclose(outputs["real_score"], last[:, 5], rtol=1e-5)


def test_joint_head_gives_the_marginals_of_one_softmax():
    model, inputs = make_opinionated(head="joint"), _random_inputs()
    last = _outputs_of_last_layer(model, inputs)
    log_joint = (last - _logsumexp(last, axis=1)[:, None]).reshape(-1, 2, 5)
    outputs = model(inputs, training=False)
    log_real = _logsumexp(log_joint[:, 0], axis=1)
    np.testing.assert_allclose(
        tf.math.log_sigmoid(outputs["real_score"]), log_real, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        tf.nn.log_softmax(outputs["class_logits"]),
        _logsumexp(log_joint, axis=1),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("condition", ["label", "image", "teacher_logits"])
def test_the_condition_reaches_both_outputs(condition):
    model = make_opinionated(condition=condition, image_shape=_IMAGE_SHAPE)
    inputs = _random_inputs(condition)
    outputs = model(inputs, training=False)
    changed = model(inputs | {condition: np.roll(inputs[condition], 1, axis=0)}, training=False)
    for key in outputs:
        assert np.abs(outputs[key] - changed[key]).max() > 1e-4


def test_the_embedding_is_projected_beside_the_normalised_logits():
    model, inputs = make_opinionated(condition="teacher_logits"), _random_inputs("teacher_logits")
    _perturb_normalization(model)
    names = ("logits_normalization", "embedding3", "projection")
    tapped = keras.Model(model.input, [model.get_layer(name).output for name in names])
    normalized, embedding, projected = (x.numpy() for x in tapped(inputs, training=False))
    kernel, bias = model.get_layer("projection").get_weights()
    expected = np.concatenate([normalized, embedding], axis=1) @ kernel + bias
    np.testing.assert_allclose(projected, expected, rtol=1e-4, atol=1e-5)


def test_the_embedding_of_a_vector_is_three_linear_layers_with_relu_between():
    model, inputs = make_opinionated(condition="label"), _random_inputs("label")
    x = np.eye(5)[inputs["label"]]
    for index in (1, 2, 3):
        kernel, bias = model.get_layer(f"embedding{index}").get_weights()
        x = x @ kernel + bias
        x = np.maximum(x, 0.0) if index < 3 else x
    embedding = keras.Model(model.input, model.get_layer("embedding3").output)(inputs)
    np.testing.assert_allclose(embedding, x, rtol=1e-4, atol=1e-6)


def test_the_embedding_of_an_image_is_two_strided_convolutions_an_average_and_a_linear_layer():
    model = make_opinionated(**_VARIANTS["image"])
    inputs = _random_inputs("image")
    x = inputs["image"] / 127.5 - 1.0
    for index in (1, 2):
        kernel, bias = model.get_layer(f"embedding{index}").get_weights()
        x = np.maximum(tf.nn.conv2d(x, kernel, strides=2, padding="SAME") + bias, 0.0)
    kernel, bias = model.get_layer("embedding3").get_weights()
    expected = x.mean(axis=(1, 2)) @ kernel + bias
    embedding = keras.Model(model.input, model.get_layer("embedding3").output)(inputs)
    np.testing.assert_allclose(embedding, expected, rtol=1e-4, atol=1e-5)


def test_pixels_are_scaled_to_plus_minus_one():
    model = make_opinionated(condition="image", image_shape=_IMAGE_SHAPE)
    scaling = keras.Model(model.get_layer("image").output, model.get_layer("image_scaling").output)
    corners = np.zeros((2, *_IMAGE_SHAPE), np.uint8)
    corners[1] = 255
    scaled = scaling(corners).numpy()
    np.testing.assert_allclose(scaled[0], -1.0)
    np.testing.assert_allclose(scaled[1], 1.0, rtol=1e-6)


@every_variant
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_is_float32_whatever_the_policy(policy, arguments):
    inputs = _random_inputs(**arguments)
    expected = make_opinionated(**arguments)(inputs, training=False)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make_opinionated(**arguments)
        outputs = model(inputs, training=False)
    finally:
        keras.config.set_dtype_policy(before)
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    for key, value in outputs.items():
        assert value.dtype == tf.float32
        np.testing.assert_array_equal(value, expected[key])


def test_half_precision_logits_are_accepted():
    model, inputs = make_opinionated(), _random_inputs()
    rounded = tf.cast(inputs["logits"], tf.float16)
    expected = model({"logits": tf.cast(rounded, tf.float32)}, training=False)
    outputs = model({"logits": rounded}, training=False)
    np.testing.assert_array_equal(outputs["real_score"], expected["real_score"])


@every_variant
def test_is_saved_and_loaded_without_this_project(tmp_path, arguments):
    model = make_opinionated(**arguments)
    _perturb_normalization(model)
    model.save(tmp_path / "discriminator.keras")
    restored = keras.saving.load_model(tmp_path / "discriminator.keras", safe_mode=True)
    modules = {type(operation).__module__.split(".")[0] for operation in restored.operations}
    assert modules == {"keras"}
    inputs = _random_inputs(**arguments)
    outputs = restored(inputs, training=False)
    for key, value in model(inputs, training=False).items():
        np.testing.assert_array_equal(outputs[key], value)


@every_variant
def test_compiles_with_xla(arguments):
    model = make_opinionated(**arguments)
    inputs = {key: tf.constant(value) for key, value in _random_inputs(**arguments).items()}
    compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)(inputs)
    for key, value in model(inputs, training=False).items():
        np.testing.assert_allclose(compiled[key], value, rtol=1e-4, atol=1e-5)
