"""Which trials run, and what becomes of them; the processes and the times are the test's own."""

import csv
import dataclasses

import pytest

from kd_keras import export, files, processes, search
from kd_keras.config import Training
from kd_keras.searching import results, running
from tests.searching import plans


@pytest.fixture
def machine(monkeypatch):
    """Processes that leave what a trial leaves, or fail; a width takes as many milliseconds."""

    class Machine:
        def __init__(self):
            self.configs, self.jobs, self.fails = {}, [], {}

        def run(self, tasks, *, jobs=1, listener=None):
            self.jobs.append(jobs)
            running = []
            while True:
                for task in tasks:
                    listener.started(task)
                    running.append(task)
                    if len(running) == jobs:
                        break
                if not running:
                    return []
                self._end(running.pop(0), listener)

        def _end(self, task, listener):
            distill, exported = files.read_json(task.words[-1])["steps"]
            assert exported["command"] == "export"
            self.configs[task.name] = distill["config"]
            reason = self.fails.get(task.name, "")
            if not reason:
                leave(task.log_path.parent, distill["config"])
            listener.printed(task, "  a line")
            listener.ended(processes.Ending(task, 2 if reason else 0, reason, 75.0))

        def measure(self, paths, **words):
            return {path: self._time(path) for path in paths}

        def _time(self, path):
            width = self.configs[path.parents[1].name]["student"]["width"]
            return export.Timing(1, float(width), width + 1.0, width + 0.5, 140)

    machine = Machine()
    monkeypatch.setattr(processes, "run", machine.run)
    monkeypatch.setattr(export, "measure_in_turn", machine.measure)
    monkeypatch.setattr(export, "measure_peak_memory", lambda path, num_threads: 4096)
    monkeypatch.setattr(running, "_ASK_AGAIN_SECONDS", 0.0)
    return machine


def leave(folder, config):
    """What `distill` and `export` leave: wider students err less."""
    epochs, width = config["training"]["epochs"], config["student"]["width"]
    files.write_json(
        folder / "metrics.json",
        {
            "epochs": epochs,
            "best_epoch": epochs,
            "judged_on": "test",
            "best": {"top1_error_percent": 9.0},
            "parameters": 1000 * width,
            "multiply_adds": 2000 * width,
            "training_seconds": 12.5,
        },
    )
    with (folder / "history.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "val_accuracy"])
        writer.writerow([epochs, 1 - 0.1 / width])
    (folder / "exports").mkdir(exist_ok=True)
    (folder / "exports" / "tflite_float32.tflite").write_bytes(b"12345")
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints" / "last.npz").write_text(f"after {epochs}")


def make_tuner(planned, **options):
    oracle = search.make_oracle(
        planned.section.oracle,
        planned.axes,
        trials=planned.section.trials,
        max_epochs=planned.config.training.epochs,
        **options,
    )
    return search.Tuner(oracle, planned.axes, planned.path)


def run(planned, *, jobs=1, **options):
    written = []
    running.run(
        planned,
        make_tuner(planned, **options),
        jobs=jobs,
        after_trial=lambda: written.append(results.write(planned, None)),
    )
    return written


def test_every_candidate_is_trained_exported_and_timed(tmp_path, machine, capsys):
    planned = plans.plan(tmp_path, section={"oracle": "grid"})
    written = run(planned)
    trials = search.read(planned.path)
    assert [trial.values["student.width"] for trial in trials] == [1, 2, 4]
    assert [trial.latency_milliseconds for trial in trials] == [1.0, 2.0, 4.0]
    assert trials[1].validation_error_percent == pytest.approx(5.0)
    assert trials[1].folder == "0001"
    assert [trial.status for trial in written[0]] == ["running"]
    assert machine.configs["0001"]["run"]["name"] == "some/0001"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "0000: begins, student.width=1",
        "  0000 | a line",
        "0000: validation error 10.00%, 1 ms (to 1.5), 1,000 parameters, 1 min 15 s",
    ]


def test_a_trial_that_fails_is_recorded_and_the_search_goes_on(tmp_path, machine, capsys):
    machine.fails["0001"] = "Ended by SIGKILL, perhaps for lack of memory."
    planned = plans.plan(tmp_path, section={"oracle": "grid"})
    run(planned)
    trials = search.read(planned.path)
    assert [trial.status for trial in trials] == ["finished", "failed", "finished"]
    log = planned.path / "0001" / "distill.log"
    assert trials[1].reason == f"Ended by SIGKILL, perhaps for lack of memory. ({log})"
    assert f"0001: FAILED: {trials[1].reason}" in capsys.readouterr().out


def test_a_folder_that_is_still_in_use_is_waited_for(tmp_path, machine, monkeypatch, capsys):
    monkeypatch.setattr(running, "_RETRY_SECONDS", 0.01)
    machine.fails["0001"] = "main.py: The folder a is in use by process 7 on b. Wait for its end."
    planned = plans.plan(tmp_path, section={"oracle": "grid"})
    end = machine._end

    def end_once(task, listener):
        end(task, listener)
        if task.name == "0001":
            machine.fails.clear()

    machine._end = end_once
    run(planned)
    assert [trial.status for trial in search.read(planned.path)] == ["finished"] * 3
    said = capsys.readouterr().out
    assert "0001: waits: The folder a is in use by process 7 on b. Wait for its end.\n" in said
    assert said.count("0001: begins") == 2


def test_a_file_that_cannot_be_timed_is_a_failure(tmp_path, machine, monkeypatch):
    def refuse(paths, **words):
        raise ValueError("Cannot run it.")

    monkeypatch.setattr(export, "measure_in_turn", refuse)
    planned = plans.plan(tmp_path, section={"oracle": "grid", "trials": 1})
    run(planned)
    [trial] = search.read(planned.path)
    assert (trial.status, trial.reason.partition(".")[0]) == ("failed", "Cannot run it")


def test_several_at_once_do_not_mix_their_lines(tmp_path, machine, capsys):
    planned = plans.plan(tmp_path, section={"oracle": "random"})
    run(planned, jobs=2)
    assert machine.jobs == [2]
    assert "a line" not in capsys.readouterr().out
    assert len(search.read(planned.path)) == 3


def test_a_killed_search_goes_on(tmp_path, machine):
    planned = plans.plan(tmp_path, section={"oracle": "grid"})

    def kill(task):
        raise KeyboardInterrupt

    machine.fails["0001"] = "x"
    end = machine._end
    machine._end = lambda task, listener: kill(task) if task.name == "0001" else end(task, listener)
    with pytest.raises(KeyboardInterrupt):
        run(planned)
    assert [trial.status for trial in search.read(planned.path)] == ["finished", "running"]
    machine._end, machine.fails = end, {}
    machine.configs = {"0000": machine.configs["0000"]}
    run(planned)
    assert [trial.status for trial in search.read(planned.path)] == ["finished"] * 3
    assert list(machine.configs) == ["0000", "0001", "0002"]


def test_the_seed_is_no_value_of_a_student(tmp_path, machine):
    axes = ("student.width=1,2", "run.seed=5,6")
    planned = plans.plan(tmp_path, axes=axes, section={"oracle": "grid"})
    run(planned)
    trials = search.read(planned.path)
    assert sorted(trial.seed for trial in trials) == [5, 5, 6, 6]
    assert {tuple(trial.values) for trial in trials} == {("student.width",)}


def test_the_same_student_is_not_trained_twice(tmp_path, machine, monkeypatch, capsys):
    """The oracle of Bayes may propose what it knows."""
    planned = plans.plan(tmp_path, axes=("student.width=1,2",), section={"oracle": "bayesian"})
    run(planned)
    trials = search.read(planned.path)
    trained = [trial for trial in trials if trial.status == "finished"]
    assert len(trained) == 2
    for trial in trials:
        if trial not in trained:
            assert trial.status == "skipped"
            assert trial.reason.startswith("The same student as 000")


@pytest.mark.parametrize("schedule", ["constant", "step"])
def test_hyperband_goes_on_where_it_may(tmp_path, machine, schedule):
    planned = plans.plan(
        tmp_path,
        axes=("student.width=1..20",),
        training=Training(epochs=9, schedule=schedule),
        section={"oracle": "hyperband", "trials": 13},
    )
    begun = {}
    make = running.tasks.make_task

    def note(name, command, config, *, folder, then):
        checkpoint = folder / "checkpoints" / "last.npz"
        begun[name] = checkpoint.read_text() if checkpoint.exists() else ""
        return make(name, command, config, folder=folder, then=then)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running.tasks, "make_task", note)
        run(planned)
    epochs = {name: config["training"]["epochs"] for name, config in machine.configs.items()}
    assert set(epochs.values()) == {1, 3, 9}
    longer = [name for name in begun if begun[name]]
    assert bool(longer) == (schedule == "constant")
    assert all(epochs[name] > 1 for name in longer)
    assert dataclasses.is_dataclass(search.read(planned.path)[0])
