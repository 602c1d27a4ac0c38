import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import NoisyTeacher
from tests.losses import numeric


def _formula(noise):
    return lambda teacher, student, labels: (
        0.5 * ((student - (1 + noise) * teacher) ** 2).sum(axis=-1)
    )


def test_value_and_gradient_follow_the_formula():
    loss = NoisyTeacher(probability=0.5, deviation=0.9, seed=3)
    teacher, student, _ = numeric.make_inputs(loss)
    start = loss.seed_generator.state.numpy()
    noise = loss._draw_noise(teacher).numpy().astype("float64")
    assert 0 < (noise != 0).any(axis=1).sum() < numeric.BATCH
    loss.seed_generator.state.assign(start)
    numeric.check(loss, _formula(noise), teacher, student)


def test_the_noise_is_normal_and_of_an_example_as_a_whole():
    loss = NoisyTeacher(probability=0.25, deviation=0.5)
    noise = loss._draw_noise(tf.zeros([4000, 10])).numpy()
    perturbed = (noise != 0).all(axis=1)
    assert (noise[~perturbed] == 0).all()
    assert perturbed.mean() == pytest.approx(0.25, abs=0.03)
    drawn = noise[perturbed] / 0.5
    assert drawn.mean() == pytest.approx(0.0, abs=0.05)
    assert drawn.std() == pytest.approx(1.0, abs=0.03)
    assert (np.abs(drawn) > 1.96).mean() == pytest.approx(0.05, abs=0.015)


def test_every_batch_has_new_noise_and_the_seed_repeats_it():
    logits = np.ones([6, 5])
    first, second = (NoisyTeacher(seed=4) for _ in range(2))
    values = [numeric.value_and_gradient(first, logits, logits)[0] for _ in range(2)]
    assert np.abs(values[0] - values[1]).max() > 0.1
    np.testing.assert_array_equal(numeric.value_and_gradient(second, logits, logits)[0], values[0])


def test_without_deviation_it_is_half_the_regression():
    loss = NoisyTeacher(deviation=0.0)
    teacher, student, _ = numeric.make_inputs(loss)
    numeric.check(loss, _formula(0.0), teacher, student)


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match=r"probability\. Expected above 0 and no more than 1"):
        NoisyTeacher(probability=0.0)
    with pytest.raises(ValueError, match=r"deviation\. Expected 0 or more\. Received: -1"):
        NoisyTeacher(deviation=-1.0)
