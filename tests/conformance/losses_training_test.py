"""Every loss of the table trains in the distiller, is saved with it, and runs on two replicas.

All of them train in one distiller, eagerly: that graphs give the same is another promise. On two
replicas it is those with variables of their own, since the others are functions of the batch.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, losses, training
from tests.distillation import toys

_BATCH = 12


def _make_network(width, seed):
    """Every tap of the table, as small as can be."""
    initializers = [keras.initializers.GlorotUniform(seed + number) for number in range(5)]
    image = keras.Input([8, 8, 3], name="image")
    x = keras.layers.Rescaling(1 / 128, -1)(image)
    sizes = {"stem": (2, 1), "group1": (width, 1), "group2": (2 * width, 2), "group3": (width, 2)}
    for initializer, (name, (filters, stride)) in zip(initializers[:4], sizes.items(), strict=True):
        x = keras.layers.Conv2D(
            filters,
            3,
            strides=stride,
            padding="same",
            activation="tanh",
            kernel_initializer=initializer,
            name=name,
        )(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    logits = keras.layers.Dense(toys.CLASSES, kernel_initializer=initializers[4])(x)
    return keras.Model(image, logits)


def _get(name):
    # So many negatives would take this test minutes.
    loss = losses.get(name, **({"negatives": 6} if name == "contrast_memory" else {}))
    if loss.needs_examples:
        loss.set_examples(toys.make_images(_BATCH)[1])
    return loss


def _train(distiller, epochs=1):
    images, labels = toys.make_images(_BATCH)
    data = toys.batches({"image": images, "examples": np.arange(_BATCH)}, labels, size=_BATCH)
    return distiller.fit(data, epochs=epochs, verbose=0, shuffle=False).history


def _names_with_variables():
    distiller, _ = _make_distiller()
    return [name for name, loss in distiller.terms.matching.items() if loss.variables]


@functools.cache
def _make_distiller(replicas=1):
    names = losses.names() if replicas == 1 else _names_with_variables()
    with training.make_strategy(str(replicas)).scope():
        keras.utils.set_random_seed(0)
        distiller = distillation.Distiller(
            _make_network(2, seed=1),
            _make_network(3, seed=7),
            # Other negatives in every step: its value goes up and down.
            matching=[(_get(name), 0.1 if name == "contrast_memory" else 1.0) for name in names],
        )
        distiller.compile(keras.optimizers.Adam(1e-2), run_eagerly=replicas == 1)
    # Contrasts of halves of a small batch rise before they fall.
    return distiller, _train(distiller, epochs=4 if replicas == 1 else 12)


def test_entries_were_found():
    assert len(losses.names()) > 15


@pytest.mark.parametrize("name", losses.names())
def test_every_loss_is_finite_and_its_parts_are_trained(name):
    distiller, history = _make_distiller()
    assert np.isfinite(history[name]).all()
    loss, untrained = distiller.terms.matching[name], _get(name)
    keras.utils.set_random_seed(0)
    if loss.trainable_variables:
        untrained.build_from_config(loss.get_build_config())
        moved = [
            np.abs(now.numpy() - before.numpy()).max() > 1e-4
            for now, before in zip(
                loss.trainable_variables, untrained.trainable_variables, strict=True
            )
        ]
        assert all(moved)


def test_the_sum_goes_down():
    _, history = _make_distiller()
    assert history["loss"][-1] < 0.9 * history["loss"][0]


def test_the_parts_are_saved_with_the_distiller_and_not_with_the_student(tmp_path):
    distiller, _ = _make_distiller()
    distiller.save(tmp_path / "distiller.keras")
    restored = keras.models.load_model(tmp_path / "distiller.keras")
    for name, loss in distiller.terms.matching.items():
        again = restored.terms.matching[name]
        assert again.get_config() == loss.get_config()
        assert len(again.weights) == len(loss.weights)
        for variable, other in zip(loss.weights, again.weights, strict=True):
            np.testing.assert_array_equal(variable.numpy(), other.numpy())
    restored.teacher = distiller.teacher
    restored.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    assert np.isfinite(_train(restored)["loss"]).all()
    images, _ = toys.make_images(4)
    distiller.student.save(tmp_path / "student.keras")
    student = keras.models.load_model(tmp_path / "student.keras")
    assert student.count_params() == distiller.student.count_params()
    np.testing.assert_allclose(student(images), distiller.student(images), atol=1e-6)


def test_a_teacher_of_another_width_is_refused_after_the_losses_were_fitted():
    distiller, _ = _make_distiller()
    restored = distillation.Distiller.from_config(distiller.get_config())
    with pytest.raises(ValueError, match=r"belongs to other networks"):
        restored.teacher = _make_network(4, seed=7)


@pytest.mark.slow
def test_two_replicas_train_and_hold_the_same_parts():
    distiller, history = _make_distiller(2)
    strategy, names = distiller.distribute_strategy, _names_with_variables()
    assert len(names) > 4
    assert all(np.isfinite(history[name]).all() for name in names)
    assert history["loss"][-1] < history["loss"][0]
    for variable in distiller.terms.matching_variables:
        copies = strategy.experimental_local_results(variable.value)
        assert len(copies) == 2
        np.testing.assert_array_equal(*(tf.convert_to_tensor(copy) for copy in copies))
