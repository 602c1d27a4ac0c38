import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import games
from kd_keras.losses.games import wasserstein_penalty

_RANDOM = tuple(np.random.default_rng(0).normal(scale=2.0, size=(2, 12)).astype(np.float32))


def test_the_players_are_those_of_the_wasserstein_game_without_a_clip():
    game, clipped = games.get("wasserstein_penalty"), games.get("wasserstein")
    assert game.weight_clip is None
    assert game.penalty_weight == 10.0
    np.testing.assert_array_equal(
        game.discriminator_per_example(*_RANDOM), clipped.discriminator_per_example(*_RANDOM)
    )
    np.testing.assert_array_equal(
        game.student_per_example(_RANDOM[1]), clipped.student_per_example(_RANDOM[1])
    )


@pytest.mark.parametrize("slope", [np.abs(_RANDOM[0]), np.ones(4, np.float32), [0.0, 1e4]])
def test_the_penalty_is_the_weighted_squared_difference_from_1(slope):
    slope = tf.constant(slope)
    with tf.GradientTape() as tape:
        tape.watch(slope)
        penalty = wasserstein_penalty.WassersteinPenalty(3.0).penalty_per_example(slope)
    exact = slope.numpy().astype(np.float64)
    assert penalty.dtype == tf.float32
    np.testing.assert_allclose(penalty, 3 * (exact - 1) ** 2, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(penalty, slope), 6 * (exact - 1), rtol=1e-6)


@pytest.mark.parametrize("weight", [0.0, -1.0])
def test_a_weight_that_is_not_above_zero_is_refused(weight):
    message = f"Invalid value for penalty_weight. Expected a number above 0. Received: {weight}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        wasserstein_penalty.WassersteinPenalty(weight)
