"""Every loss on logits trains inside the stock `keras.distillation.Distiller`."""

import keras
import numpy as np
import pytest

from kd_keras import losses

_CLASSES = 4
_EXAMPLES = 64


def _reads_only_logits(name):
    loss = losses.get(name)
    return not loss.taps and not loss.needs_labels


# By how much the loss goes down at least; noise is left over.
_FACTORS = {"noisy_teacher": 2}
_NAMES = [name for name in losses.names() if _reads_only_logits(name)]


def _make_network(seed):
    initializer = keras.initializers.RandomNormal(stddev=1.0, seed=seed)
    return keras.Sequential(
        [keras.Input([8]), keras.layers.Dense(_CLASSES, kernel_initializer=initializer)]
    )


def _make_distiller(loss):
    distiller = keras.distillation.Distiller(
        teacher=_make_network(seed=1),
        student=_make_network(seed=2),
        distillation_losses=loss,
        student_loss_weight=0.0,
    )
    distiller.compile(
        optimizer=keras.optimizers.Adam(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return distiller


def test_entries_were_found():
    assert len(_NAMES) > 0


@pytest.mark.parametrize("name", _NAMES)
def test_the_loss_goes_down(name):
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(_EXAMPLES, 8)).astype(np.float32)
    labels = np.zeros(_EXAMPLES, np.int32)
    loss = losses.get(name)
    distiller = _make_distiller(loss)
    before = distiller.evaluate(inputs, labels, return_dict=True, verbose=0)["distillation_loss"]
    history = distiller.fit(inputs, labels, batch_size=16, epochs=10, verbose=0)
    after = distiller.evaluate(inputs, labels, return_dict=True, verbose=0)["distillation_loss"]
    assert history.history["distillation_loss"][-1] < before
    assert 0 < after < before / _FACTORS.get(name, 4)
    if loss.relates_examples or loss.variables:
        return  # The value is that of a batch, or of the numbers drawn for it.
    teacher, student = (
        network(inputs, training=False) for network in (distiller.teacher, distiller.student)
    )
    assert after == pytest.approx(np.mean(loss.per_example(teacher, student)), rel=1e-4)
