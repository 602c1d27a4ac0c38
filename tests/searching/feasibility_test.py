import types

import numpy as np
import pytest

from kd_keras import assembly, export
from kd_keras.config import Budget, Data
from kd_keras.searching import feasibility
from tests.searching import plans

IMAGES = types.SimpleNamespace(
    name="made",
    image_shape=(8, 8, 1),
    num_classes=3,
    mean=np.zeros(1, np.float32),
    standard_deviation=np.ones(1, np.float32),
)


def make_sieve(tmp_path, **limits):
    told = []
    planned = plans.plan(tmp_path, axes=("student.width=1,2",), budget=Budget(**limits))
    sieve = feasibility.Sieve(planned, IMAGES, lambda *refusal: told.append(refusal))
    return sieve, told


@pytest.fixture
def built(monkeypatch):
    """How often a network is built."""
    count = []
    build = assembly.build_network

    def counted(*arguments):
        count.append(arguments)
        return build(*arguments)

    monkeypatch.setattr(assembly, "build_network", counted)
    return count


def test_without_a_limit_nothing_is_built(tmp_path, built):
    sieve, told = make_sieve(tmp_path)
    assert sieve.refuse("0000", {"student.width": 2}) == ""
    assert built == told == []


def test_what_is_counted(tmp_path, built):
    sieve, told = make_sieve(tmp_path, max_parameters=100_000)
    assert sieve.refuse("0000", {"student.width": 1, "tuner/epochs": 3}) == ""
    reason = sieve.refuse("0001", {"student.width": 2})
    # WRN-10-2 with one channel and three classes.
    assert reason == "302,515 parameters, more than 100,000"
    assert sieve.refuse("0002", {"student.width": 2}) == reason
    assert told == [("0001", {"student.width": 2}, reason), ("0002", {"student.width": 2}, reason)]
    assert len(built) == 2


def test_what_is_measured_on_the_untrained_file(tmp_path, monkeypatch):
    timing = types.SimpleNamespace(median_milliseconds=2.5)
    monkeypatch.setattr(export, "measure_in_turn", lambda paths, **words: {paths[0]: timing})
    sieve, _ = make_sieve(tmp_path, max_latency_milliseconds=2.0)
    assert sieve.refuse("0000", {"student.width": 1}) == "2.5 ms for one image, more than 2 ms"
    sieve, _ = make_sieve(tmp_path, max_latency_milliseconds=3.0, max_size_megabytes=0.1)
    reason = sieve.refuse("0000", {"student.width": 1})
    assert reason.startswith("a file of 3")
    assert reason.endswith(" bytes, more than 100,000")


def test_a_candidate_that_is_not_possible_is_turned_away(tmp_path):
    planned = plans.plan(tmp_path, axes=("training.momentum=0..0.9",))
    sieve = feasibility.Sieve(planned, IMAGES, lambda *refusal: None)
    assert sieve.refuse("0000", {"training.momentum": 1.5}).startswith(
        "There is no candidate training.momentum=1.5: Invalid value for momentum."
    )


def test_without_validation_there_is_nothing_to_choose_by(tmp_path):
    config = plans.make_config(tmp_path, data=Data(dataset="synthetic", validation_fraction=0.0))
    with pytest.raises(ValueError, match="chooses by validation images") as caught:
        feasibility.look_at_images(config)
    assert str(caught.value).endswith("Expected --validation_fraction above 0. Received: 0.")


def test_arguments_that_a_network_or_loss_does_not_take_are_told_at_once(tmp_path):
    planned = plans.plan(tmp_path, axes=("student.option=depths=3,depths=4",))
    with pytest.raises((ValueError, TypeError), match="depths"):
        feasibility.start(planned)
    feasibility.start(plans.plan(tmp_path))
