import itertools

import numpy as np
import pytest
import tensorflow as tf

from kd_keras import models
from tests.distillation.cache import asked


def answers(request, passes, **arguments):
    given = asked.make_respondent(request).answers(passes, **{"batch_size": 5, **arguments})
    return list(given)


@pytest.mark.parametrize("xla", [False, True])
def test_the_answers_are_those_to_the_views_in_their_order(xla):
    request = asked.make_request(xla=xla)
    given = answers(request, [(2, 0), (0, 0)])
    assert [len(part) for part in given] == [5, 5, 5, 5, 3] * 2
    expected = np.concatenate([asked.expected_logits(request, view) for view in (2, 0)])
    np.testing.assert_allclose(np.concatenate(given), expected, rtol=1e-5, atol=1e-5)


def test_a_later_start_gives_the_same_answers():
    request = asked.make_request()
    whole, rest = (
        answers(request, [(1, 0), (2, 0)]),
        answers(request, [(1, 0), (2, 0)], first_row=15),
    )
    assert len(rest) == len(whole) - 3
    for expected, part in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(expected, part)


def test_no_question_has_no_answer():
    assert answers(asked.make_request(), []) == []


def test_masks_are_of_the_view_the_sample_and_the_batch():
    request = asked.make_random_request()
    passes = list(itertools.product((0, 1), range(3)))
    first, second = answers(request, passes), answers(request, passes)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    samples = [np.concatenate(first[5 * i : 5 * i + 5]) for i in range(3)]
    for one, two in itertools.combinations(samples, 2):
        assert not np.allclose(one, two)
    # In the middle, whatever was asked before.
    rest = answers(request, [(1, 1)], first_row=10)
    np.testing.assert_array_equal(np.concatenate(rest), np.concatenate(first[22:25]))


def test_masks_of_two_batches_of_one_pass_differ():
    split = asked.make_split(10)
    twice = split.select([*range(5), *range(5)])
    request = asked.make_random_request(augmentation=None, split=twice)
    first, second = answers(request, [(0, 0)])
    assert not np.allclose(first, second)


def test_on_two_replicas_the_answers_keep_their_order():
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        request = asked.make_request(asked.make_teacher())
    given = answers(request, [(0, 0)])
    assert [len(part) for part in given] == [5, 5, 5, 5, 3]
    expected = asked.expected_logits(request, 0)
    np.testing.assert_allclose(np.concatenate(given), expected, rtol=1e-5, atol=1e-5)


def test_an_ensemble_answers_with_its_mean():
    teachers = [asked.make_teacher(seed) for seed in (1, 5)]
    given = np.concatenate(answers(asked.make_request(models.mean_of(teachers)), [(0, 0)]))
    expected = [asked.expected_logits(asked.make_request(teacher), 0) for teacher in teachers]
    np.testing.assert_allclose(given, np.mean(expected, axis=0), rtol=1e-5, atol=1e-5)
