import numpy as np
import pytest
import tensorflow as tf

from kd_keras.data.randomness import Purpose, draw_integers


def draw(shape=(1000,), *, purpose=Purpose.ORDER, seed=5, index=2):
    return draw_integers(shape, purpose=purpose, seed=seed, index=index).numpy()


def test_numbers_are_a_function_of_the_arguments():
    np.testing.assert_array_equal(draw(), draw(index=tf.constant(2, tf.int32)))


@pytest.mark.parametrize("changed", [{"purpose": Purpose.AUGMENTATION}, {"seed": 6}, {"index": 3}])
def test_every_argument_gives_another_stream(changed):
    assert not (draw() == draw(**changed)).any()


def test_the_largest_seeds_of_two_purposes_do_not_meet():
    largest = 2**31 - 1
    streams = {
        tuple(draw([4], purpose=purpose, seed=seed).tolist())
        for purpose in Purpose
        for seed in (0, 1, largest)
    }
    assert len(streams) == 3 * len(Purpose)


def test_first_rows_do_not_depend_on_how_many_follow():
    np.testing.assert_array_equal(draw([3, 5]), draw([700, 5])[:3])


def test_numbers_fill_the_whole_range_evenly():
    counts, _ = np.histogram(draw([8000]), bins=8, range=(-(2**31), 2**31 - 1))
    np.testing.assert_allclose(counts, 1000, atol=150)


def test_numbers_are_the_same_on_every_machine():
    assert draw([3], seed=0, index=0).tolist() == [1838336762, -1037282417, -2047432712]
