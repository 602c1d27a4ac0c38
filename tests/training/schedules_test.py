import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training


def make(kind="step", **arguments):
    arguments = {"epochs": 10, "steps_per_epoch": 5, **arguments}
    return training.EpochSchedule(0.1, kind, **arguments)


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in steps])


def test_the_papers_drops_at_80_and_160_of_200():
    steps = 390
    schedule = training.EpochSchedule(0.1, epochs=200, steps_per_epoch=steps)
    assert schedule.drops == (80, 160)
    # The epoch numbered 80, counted from 1, begins after 79 epochs.
    first_step = {number: (number - 1) * steps for number in (1, 80, 160)}
    last_step = {number: number * steps - 1 for number in (79, 159, 200)}
    wanted = [
        (first_step[1], 0.1),
        (last_step[79], 0.1),
        (first_step[80], 0.01),
        (last_step[159], 0.01),
        (first_step[160], 0.001),
        (last_step[200], 0.001),
    ]
    for step, rate in wanted:
        assert float(schedule(step)) == pytest.approx(rate, rel=1e-6)


@pytest.mark.parametrize(
    ("epochs", "drops"),
    [(1, (2,)), (2, (2,)), (3, (2,)), (5, (2, 4)), (10, (4, 8)), (30, (12, 24)), (70, (28, 56))],
)
def test_drops_at_40_and_80_percent_and_never_in_the_first_epoch(epochs, drops):
    schedule = make(epochs=epochs)
    assert schedule.drops == drops
    assert float(schedule(0)) == pytest.approx(0.1)


def test_drops_of_ones_own_and_another_factor():
    schedule = make(drops=(2, 3, 7), drop_factor=0.5)
    wanted = [0.1 * 0.5 ** sum(step >= 5 * (drop - 1) for drop in (2, 3, 7)) for step in range(60)]
    np.testing.assert_allclose(rates(schedule, range(60)), wanted, rtol=1e-6)


def test_no_drops():
    np.testing.assert_allclose(rates(make(drops=()), range(60)), 0.1, rtol=1e-6)


def test_constant():
    np.testing.assert_allclose(rates(make("constant"), range(60)), 0.1, rtol=1e-6)


def test_cosine():
    wanted = [0.1 * (1 + math.cos(math.pi * min(step, 50) / 50)) / 2 for step in range(60)]
    np.testing.assert_allclose(rates(make("cosine"), range(60)), wanted, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("kind", ["step", "cosine", "constant"])
def test_warmup_rises_in_a_line_and_ends_at_the_full_rate(kind):
    schedule = make(kind, warmup_epochs=2)
    risen = rates(schedule, range(10))
    np.testing.assert_allclose(risen, 0.1 * np.arange(1, 11) / 10, rtol=1e-5)
    assert float(schedule(10)) == pytest.approx(0.1)


def test_cosine_falls_over_what_warmup_leaves():
    wanted = [0.1 * (1 + math.cos(math.pi * (step - 10) / 40)) / 2 for step in range(10, 50)]
    schedule = make("cosine", warmup_epochs=2)
    np.testing.assert_allclose(rates(schedule, range(10, 50)), wanted, rtol=1e-5, atol=1e-8)
    assert np.isfinite(rates(make("cosine", warmup_epochs=10), range(60))).all()


@pytest.mark.parametrize("kind", ["step", "cosine", "constant"])
def test_the_same_in_a_graph(kind):
    schedule = make(kind, warmup_epochs=1)
    in_graph = tf.function(schedule)
    for step in (0, 4, 5, 14, 15, 16, 49, 60):
        rate = in_graph(tf.Variable(step, dtype=tf.int64))
        assert rate.dtype == tf.float32
        assert float(rate) == pytest.approx(float(schedule(step)), rel=1e-6)


def test_an_optimiser_follows_it():
    variable = keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(make(drops=(2,)))
    followed = []
    for _ in range(7):
        followed.append(float(optimizer.learning_rate))
        optimizer.apply([tf.ones([1])], [variable])
    np.testing.assert_allclose(followed, [0.1] * 5 + [0.01] * 2, rtol=1e-6)
    assert float(variable.numpy()[0]) == pytest.approx(-0.52)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"drops": (2, 5), "drop_factor": 0.2, "warmup_epochs": 1},
        {"kind": "cosine", "warmup_epochs": 3},
        {"kind": "constant"},
    ],
)
def test_it_comes_back_from_its_configuration(arguments):
    schedule = make(**arguments)
    serialize = keras.optimizers.schedules.serialize
    again = keras.optimizers.schedules.deserialize(serialize(schedule))
    assert isinstance(again, training.EpochSchedule)
    assert again.get_config() == schedule.get_config()
    np.testing.assert_array_equal(rates(again, range(60)), rates(schedule, range(60)))


def test_every_argument_is_in_the_configuration():
    arguments = {
        "learning_rate": 0.3,
        "kind": "cosine",
        "epochs": 7,
        "steps_per_epoch": 3,
        "drops": (2, 4),
        "drop_factor": 0.3,
        "warmup_epochs": 2,
    }
    assert training.EpochSchedule(**arguments).get_config() == arguments


def test_an_unknown_kind():
    with pytest.raises(ValueError, match="Unknown schedule") as caught:
        make("cosinus")
    assert str(caught.value) == (
        "Unknown schedule. Expected one of constant, cosine, step. Received: cosinus. "
        "Did you mean cosine?"
    )


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"epochs": 0}, "0.1, 0, 5, 0.1, 0"),
        ({"steps_per_epoch": 0}, "0.1, 10, 0, 0.1, 0"),
        ({"drop_factor": 0.0}, "0.1, 10, 5, 0.0, 0"),
        ({"warmup_epochs": -1}, "0.1, 10, 5, 0.1, -1"),
    ],
)
def test_a_number_out_of_range(arguments, received):
    with pytest.raises(ValueError, match="Invalid schedule") as caught:
        make(**arguments)
    assert str(caught.value) == (
        "Invalid schedule. Expected learning_rate, epochs, steps_per_epoch and drop_factor above 0 "
        f"and warmup_epochs of 0 or more. Received: {received}."
    )


def test_a_learning_rate_of_zero():
    with pytest.raises(ValueError, match=r"Received: 0.0, 10, 5, 0.1, 0\."):
        training.EpochSchedule(0.0, epochs=10, steps_per_epoch=5)


@pytest.mark.parametrize("drops", [(0, 2), (3, 2), (2, 2), (-1,)])
def test_drops_out_of_order(drops):
    with pytest.raises(ValueError, match="Invalid value for drops") as caught:
        make(drops=drops)
    assert str(caught.value) == (
        "Invalid value for drops. Expected epochs from 1 on, in ascending order. "
        f"Received: {drops}."
    )
