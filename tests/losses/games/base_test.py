import re

import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses.games import base


class _Unfinished(base.Game):
    pass


def test_a_game_leaves_the_weights_alone_unless_it_says_otherwise():
    assert base.Game.weight_clip is None


def test_a_game_without_the_discriminators_half_says_what_to_write():
    message = (
        "_Unfinished does not say what the discriminator minimises. Write its method "
        "discriminator_per_example(self, teacher_score, student_score), which returns one "
        "float32 value per example, shape (batch,)."
    )
    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        _Unfinished().discriminator_per_example(tf.zeros([1]), tf.zeros([1]))


def test_a_game_without_the_students_half_says_what_to_write():
    message = (
        "_Unfinished does not say what the student minimises. Write its method "
        "student_per_example(self, student_score), which returns one float32 value per "
        "example, shape (batch,)."
    )
    with pytest.raises(NotImplementedError, match=f"^{re.escape(message)}$"):
        _Unfinished().student_per_example(tf.zeros([1]))


def test_configuration_follows_from_the_signature():
    class Weighted(base.Game):
        def __init__(self, weight=2.0):
            self.weight = weight

    config = Weighted(weight=3.0).get_config()
    assert config == {"weight": 3.0}
    assert Weighted.from_config(config).weight == 3.0
    assert _Unfinished().get_config() == {}


def test_a_score_becomes_float32_and_keeps_its_gradient():
    score = tf.constant([1.0, 2.0], tf.float16)
    with tf.GradientTape() as tape:
        tape.watch(score)
        doubled = 2.0 * base.as_score(score)
    assert doubled.dtype == tf.float32
    np.testing.assert_array_equal(tape.gradient(doubled, score), [2.0, 2.0])


def test_a_score_with_a_second_axis_is_refused():
    message = "Expected a score of shape (batch,). Received: (4, 1)."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        base.as_score(tf.zeros([4, 1]))


def test_a_game_with_a_penalty_weight_says_what_to_write():
    assert base.Game.penalty_weight is None
    with pytest.raises(NotImplementedError, match=r"^_Unfinished has a penalty_weight and does"):
        _Unfinished().penalty_per_example(tf.zeros([1]))
