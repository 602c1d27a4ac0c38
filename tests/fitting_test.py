"""Which fraction of the filters goes under a budget, and the command that asks for it."""

import functools
import re

import pytest

import main
from kd_keras import config, export, files, fitting, training
from tests.gathering import folders


class Bench:
    """Networks whose time falls evenly with the filters, up to one that is left."""

    def __init__(self, limit, floor=0.0):
        self.calls, self.figures = [], {}
        self.limit, self.floor = limit, floor

    def measure(self, fractions):
        self.calls.append(fractions)
        for one in fractions:
            self.figures[one] = {"latency_milliseconds": max(self.floor, 8.0 * (1.0 - one))}
        return fitting.Session({"latency_milliseconds": self.limit}, dict(self.figures))


def test_the_smallest_fraction_is_looked_for_roughly_and_then_finely():
    bench = Bench(limit=2.5)
    session = fitting.choose_fraction(bench.measure, "net")
    assert session.smallest() == 44 / 64  # 8 * 20 / 64 = 2.5, and 8 * 21 / 64 is more
    rough, fine = bench.calls
    assert rough == [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 63 / 64]
    assert fine == [number / 64 for number in range(41, 48)]


def test_the_last_measurement_decides():
    bench = Bench(limit=2.5)

    def measure(fractions):
        session = bench.measure(fractions)
        if len(bench.calls) == 2:  # the machine is slower now, all of it but what is asked for
            slower = {one: {"latency_milliseconds": 9.0 * (1.0 - one)} for one in session.figures}
            return fitting.Session(session.limits, slower)
        return session

    assert fitting.choose_fraction(measure, "net").smallest() == 47 / 64  # 9 * 17 / 64 < 2.5


def test_a_budget_that_no_pruning_keeps_is_refused():
    with pytest.raises(ValueError, match="No pruning makes") as caught:
        fitting.choose_fraction(Bench(limit=0.5, floor=0.75).measure, "net")
    assert str(caught.value) == (
        "No pruning makes net keep the budget. Expected at most 0.5 ms. Received: 0.75 ms without "
        "98.4% of the filters of every convolution that can lose some. Allow more, or prune a "
        "smaller network."
    )


def test_a_budget_that_the_network_keeps_is_refused():
    with pytest.raises(ValueError, match="No filter of net has to go") as caught:
        fitting.choose_fraction(Bench(limit=8.0).measure, "net")
    assert "Received: at most 8 ms, and it has 8 ms. Set --prune_fraction" in str(caught.value)


def test_of_several_limits_each_is_kept():
    figures = {0.5: {"parameters": 50, "size_bytes": 90}, 0.75: {"parameters": 25, "size_bytes": 9}}
    session = fitting.Session({"parameters": 60, "size_bytes": 10}, figures)
    assert session.missed(0.5) == ["size_bytes"]
    assert session.smallest() == 0.75
    assert fitting.Session({"parameters": 1}, figures).smallest() is None


def test_without_a_budget_nothing_is_measured():
    settings = config.Config()
    assert fitting.fit(settings, None, None, None) == (settings, {})


def test_there_has_to_be_a_network_to_be_as_fast_as(tmp_path):
    missing = config.Config(pruning=config.Pruning(as_fast_as=str(tmp_path / "none.keras")))
    with pytest.raises(FileNotFoundError, match=r"No network to be as fast as at .*none\.keras\."):
        fitting.fit(missing, None, None, training.RunFolder(tmp_path))


def make_time(path):
    """A time that every machine agrees on: the numbers in a file."""
    return export.Timing(
        num_threads=1,
        median_milliseconds=float(export.measure_complexity(path).parameters),
        percentile95_milliseconds=0.0,
        upper_milliseconds=0.0,
        runs=1,
    )


@pytest.fixture
def quickly(monkeypatch):
    """Few fractions are tried, and their times are those that every machine agrees on."""
    search = functools.partial(fitting.choose_fraction, steps=2)
    monkeypatch.setattr(fitting, "choose_fraction", search)
    measured = []

    def measure(paths, num_threads):
        measured.append(len(paths))
        return {path: make_time(path) for path in paths}

    monkeypatch.setattr(export, "measure_in_turn", measure)
    return measured


def test_what_was_found_is_remembered_for_the_same_request(tmp_path, capsys, quickly):
    folders.save_network(tmp_path / "rival.keras", 4)
    folders.save_network(tmp_path / "own.keras", 8)
    model = export.load_keras(tmp_path / "own.keras")
    folder = training.RunFolder(tmp_path / "run")
    asked = config.Config(pruning=config.Pruning(as_fast_as=str(tmp_path / "rival.keras")))
    settings, facts = fitting.fit(asked, model, folders.splits(), folder)
    assert settings.pruning.fraction == facts["fitted"]["fraction"] == 0.5
    assert quickly == [4, 5]  # the rival is among them
    printed = capsys.readouterr().out
    assert re.search(r"the budget: at most \d+ ms; the files, tflite_float32, were timed", printed)
    assert "fraction of the filters that go: 0.5\n" in printed
    tried = facts["fitted"]["tried"]
    assert [one["fraction"] for one in tried] == [0.0, 0.25, 0.5, 63 / 64]
    # 3x3x3 weights and one bias a filter, and the rows of a matrix with 4 columns and biases.
    assert [one["parameters"] for one in tried] == [260, 196, 132, 36]
    files.write_json(folder.config_path, facts)
    assert fitting.fit(asked, model, folders.splits(), folder) == (settings, facts)
    assert quickly == [4, 5]


@pytest.mark.slow
def test_prune_keeps_a_budget(tmp_path, capsys, quickly):
    rival = folders.make_run(tmp_path / "small")  # four filters, a teacher has eight
    teacher = folders.make_run(tmp_path / "big", command="train_teacher", width=2)
    words = ["prune", f"--run={teacher}", f"--prune_as_fast_as={rival}", "--refine_epochs=1"]
    assert main.main(words) == 0
    run = tmp_path / "big-pruned-as-fast-as-small-float32"
    record = files.read_json(run / "config.json")
    assert record["identity"]["pruning.fraction"] == record["fitted"]["fraction"] == 0.5
    assert files.read_json(run / "metrics.json")["parameters"] == 132
    capsys.readouterr()
    assert main.main(words) == 0
    printed = capsys.readouterr().out
    assert "is finished; nothing to do" in printed
    assert "to be timed" not in printed
    other = [f"--run_name={run.name}", f"--output_directory={tmp_path}", "--max_parameters=100"]
    assert main.main([*words, *other]) == 2
    assert "pruning.fraction (there 0.5, here 0.7421875)" in capsys.readouterr().err
