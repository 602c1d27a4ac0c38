import itertools
import types

import numpy as np
import pytest

from kd_keras.export import latency


@pytest.fixture
def calls(monkeypatch):
    """Files that only note when they are run; a call of the n-th takes n milliseconds."""
    noted, now = [], itertools.count()
    clock = {"seconds": 0.0}

    def load(path, num_threads):
        number = next(now)

        def run(batch):
            noted.append((path, num_threads, batch.shape))
            clock["seconds"] += (number + 1) / 1000

        kind = "saved_model" if path == "folder" else "tflite"
        batch = 8 if path == "eight" else None
        return types.SimpleNamespace(
            kind=kind, image_shape=(batch, 2, 2, 1), input_shape=(2, 2, 1), run=run
        )

    monkeypatch.setattr(latency.predictor, "load_predictor", load)
    monkeypatch.setattr(latency.time, "perf_counter", lambda: clock["seconds"])
    return noted


def test_files_take_turns_after_a_warm_up(calls):
    image = np.zeros((2, 2, 1))
    latency.measure_latency(["folder", "file"], image, threads=(1, 2), repeats=3)
    warm, measured = calls[: 3 * 10], calls[3 * 10 :]
    assert warm[:10] == [("folder", 1, (1, 2, 2, 1))] * 10
    assert [(path, threads) for path, threads, _ in measured] == [
        ("folder", 1),
        ("file", 1),
        ("file", 2),
    ] * 3


def test_threads_are_named_and_times_are_milliseconds(calls):
    measured = latency.measure_latency(iter(["folder", "file"]), np.zeros((2, 2, 1)), repeats=4)
    [folder], [one, two] = measured["folder"], measured["file"]
    assert (folder.num_threads, one.num_threads, two.num_threads) == (None, 1, 2)
    assert folder.median_milliseconds == pytest.approx(1.0)
    assert one.median_milliseconds == pytest.approx(3.0)
    assert two.percentile95_milliseconds == pytest.approx(4.0)
    assert {folder.repeats, one.repeats, two.repeats} == {4}
    assert {folder.batch, one.batch, two.batch} == {1}


def test_a_file_with_a_batch_of_its_own_says_how_many_images_a_call_has(calls):
    measured = latency.measure_latency(["eight"], np.zeros((2, 2, 1)), threads=(1,), repeats=2)
    assert measured["eight"][0].batch == 8
    assert calls[-1] == ("eight", 1, (8, 2, 2, 1))


def test_every_form_is_timed(exported, images):
    paths = [path for name, path in exported.items() if name != "tflite_int16x8"]
    measured = latency.measure_latency(paths, images[0], threads=(1,), repeats=2)
    assert list(measured) == paths
    for of_file in measured.values():
        assert 0 < of_file[0].median_milliseconds <= of_file[0].percentile95_milliseconds


def test_rounds_open_every_file_anew_and_change_the_order(calls):
    timings = latency.measure_in_turn(["folder", "a", "b", "a"], rounds=3, repeats=2, seed=1)
    assert list(timings) == ["folder", "a", "b"]
    measured = [path for path, _, _ in calls]
    per_round = 3 * latency._WARM_UP + 3 * 2
    assert len(measured) == 3 * per_round
    orders = []
    for number in range(3):
        turns = measured[number * per_round + 3 * latency._WARM_UP : (number + 1) * per_round]
        assert turns[:3] == turns[3:]
        orders.append(tuple(turns[:3]))
    assert len(set(orders)) > 1


def test_the_spread_is_that_of_the_rounds(calls):
    # The file of the n-th opening takes n milliseconds: 1, 2, 3.
    timing = latency.measure_in_turn(["a"], num_threads=4, rounds=3, repeats=4)["a"]
    assert (timing.num_threads, timing.runs) == (4, 12)
    assert timing.median_milliseconds == pytest.approx(1.0)
    assert timing.upper_milliseconds == pytest.approx(3.0)
    assert timing.percentile95_milliseconds == pytest.approx(3.0)


def test_a_runtime_with_threads_of_its_own_has_no_number_of_them(calls):
    assert latency.measure_in_turn(["folder"], rounds=1, repeats=1)["folder"].num_threads is None


def test_a_free_image_size_cannot_be_timed(calls, monkeypatch):
    opened = types.SimpleNamespace(path="a", kind="tflite", input_shape=(None, None, 3))
    monkeypatch.setattr(latency.predictor, "load_predictor", lambda path, num_threads: opened)
    with pytest.raises(ValueError, match=r"^Cannot time a\. Expected a fixed image size\."):
        latency.measure_in_turn(["a"])
