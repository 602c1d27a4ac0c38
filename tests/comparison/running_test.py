"""What is run, in which order, and what is said of it; the processes are the test's own."""

import pathlib

import pytest

from kd_keras import comparison, files, groundwork, processes
from kd_keras.comparison import running
from kd_keras.config import Signal, Teacher
from tests.comparison import rows

SCRATCH = rows.METHODS[0]


@pytest.fixture
def ran(monkeypatch):
    """Tasks that would have run; what each does is set by its command's name."""

    class Ran:
        def __init__(self):
            self.tasks, self.jobs, self.does = [], [], {}

        def run(self, tasks, *, jobs=1, listener=None):
            self.jobs.append(jobs)
            return [self._end(task, listener) for task in tasks]

        def _end(self, task, listener):
            [command] = files.read_json(task.words[-1])["steps"]
            self.tasks.append((task.name, command))
            listener.started(task)
            listener.printed(task, "  a line")
            reason = self.does.get(command["command"], lambda task: "")(task)
            ending = processes.Ending(task, 2 if reason else 0, reason, 75.0)
            listener.ended(ending)
            return ending

    ran = Ran()
    monkeypatch.setattr(processes, "run", ran.run)
    return ran


def test_a_teacher_that_is_there_is_not_trained(tmp_path, ran, capsys):
    path = rows.write_teacher(tmp_path)
    planned = rows.plan(tmp_path, teacher=Teacher(path=str(path)))
    assert comparison.find_teacher(planned) == path
    assert ran.tasks == []
    assert capsys.readouterr().out == f"teacher: {path}\n"


def test_a_teacher_that_is_missing_is_trained_in_its_own_folder(tmp_path, ran, capsys):
    folder = tmp_path / "synthetic-wide_resnet-16-4-teacher"

    def train(task):
        folder.mkdir()
        rows.write_teacher(folder)
        return ""

    ran.does["train_teacher"] = train
    planned = rows.plan(tmp_path)
    assert comparison.find_teacher(planned) == folder / "teacher.keras"
    [(name, task)] = ran.tasks
    assert (name, task["config"]["run"]["name"]) == ("the teacher", "")
    assert (planned.path / "train_teacher.task.json").is_file()
    assert capsys.readouterr().out == (
        f"No teacher at {folder} yet: it is trained first.\n  a line\n"
        f"teacher: {folder / 'teacher.keras'}\n"
    )


def test_a_teacher_that_cannot_be_trained_ends_the_comparison(tmp_path, ran):
    ran.does["train_teacher"] = lambda task: "main.py: Too large a batch."
    planned = rows.plan(tmp_path)
    with pytest.raises(ChildProcessError) as caught:
        comparison.find_teacher(planned)
    assert str(caught.value) == (
        "train_teacher failed: Too large a batch. Its output is in "
        f"{planned.path / 'train_teacher.log'}."
    )


def test_a_teacher_that_was_named_and_is_not_there(tmp_path, ran):
    planned = rows.plan(tmp_path, teacher=Teacher(path="none.keras"))
    with pytest.raises(FileNotFoundError) as caught:
        comparison.find_teacher(planned)
    assert str(caught.value) == (
        "No teacher at none.keras. Expected a .keras file or the folder of a finished run."
    )


def test_labels_alone_need_no_teacher(tmp_path, ran):
    assert comparison.find_teacher(rows.plan(tmp_path, methods=(SCRATCH,))) is None
    assert ran.tasks == []


def test_answers_are_stored_once_for_all_rows_that_hear_the_same(tmp_path, ran):
    methods = (
        SCRATCH,
        ("adversarial", ()),
        ("hot", (("distillation.temperature", 9.0),)),
        ("long", (("training.epochs", 99),)),
        ("live", (("signal.source", "live"),)),
    )
    planned = rows.plan(tmp_path, methods=methods, signal=Signal(source="views"))
    comparison.build_caches(planned)
    configs = [task["config"] for _, task in ran.tasks]
    assert {task["command"] for _, task in ran.tasks} == {"cache"}
    assert [config["training"]["epochs"] for config in configs] == [30, 99]
    for config in configs:
        assert config["cache"]["action"] == "build"
        assert config["signal"]["source"] == "views"
        assert config["run"]["name"] == ""


def test_nothing_is_stored_for_finished_rows(tmp_path, ran):
    planned = rows.plan(tmp_path, signal=Signal(source="clean"), seeds=(0,))
    for row in planned.rows:
        rows.finish(row, 5.0)
    comparison.build_caches(planned)
    assert ran.tasks == []


def test_only_unfinished_rows_are_run_and_after_each_the_caller_is_told(tmp_path, ran, capsys):
    planned = rows.plan(tmp_path)
    rows.finish(planned.rows[0], 5.0)
    by_name = {row.name: row for row in planned.rows}

    def train(task):
        if task.name == "adversarial, seed 0":
            return "main.py: No space."
        rows.finish(by_name[task.name], 5.125)
        return ""

    ran.does["distill"] = train
    told = []
    failures = comparison.run_rows(
        planned, jobs=1, after_row=lambda failures: told.append(dict(failures))
    )
    assert failures == {("adversarial", 0): "No space."}
    assert told == [failures] * 3
    names = ["adversarial, seed 0", "from scratch, seed 1", "adversarial, seed 1"]
    assert [name for name, _ in ran.tasks] == names
    assert ran.tasks[0][1]["config"]["run"]["name"] == "some/adversarial-seed0"
    log = planned.rows[1].folder.path / "distill.log"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "some: methods x seeds = 2 x 2 = 4 rows, 1 of them finished",
        "adversarial, seed 0: begins",
        "  adversarial, seed 0 | a line",
    ]
    assert lines[3].startswith(
        f"adversarial, seed 0: FAILED: No space. ({log}), 1 min 15 s; 2 of 4 rows done, about "
    )
    assert lines[-1] == "adversarial, seed 1: error 5.12%, 1 min 15 s; 4 of 4 rows done"


def test_of_several_processes_a_line_within_a_minute_is_left_out(tmp_path, ran, capsys):
    planned = rows.plan(tmp_path)
    comparison.run_rows(planned, jobs=2, after_row=lambda failures: None)
    assert ran.jobs == [2]
    assert "a line" not in capsys.readouterr().out


def test_of_several_processes_a_line_after_a_minute_is_shown_by_name(capsys, monkeypatch):
    seconds = iter([0.0, 1.0, 59.0, 60.0, 61.0, 119.0, 120.5])
    monkeypatch.setattr(groundwork.time, "monotonic", lambda: next(seconds))
    progress = groundwork.Naming(2)
    first, second = (processes.Task(name, (), pathlib.Path()) for name in ("first", "second"))
    for task, line in [
        (first, "  at 0"),
        (second, "  at 1"),
        (first, "  at 59"),
        (first, "  at 60"),
        (second, "  at 61"),
        (first, "  at 119"),
        (first, "  at 120.5"),
    ]:
        progress.printed(task, line)
    assert capsys.readouterr().out == ("  first | at 60\n  second | at 61\n  first | at 120.5\n")


def test_the_last_row_alone_shows_all_its_lines(tmp_path, ran, capsys):
    planned = rows.plan(tmp_path)
    for row in planned.rows[1:]:
        rows.finish(row, 5.0)
    comparison.run_rows(planned, jobs=2, after_row=lambda failures: None)
    assert ran.jobs == [1]
    assert f"  {planned.rows[0].name} | a line\n" in capsys.readouterr().out


def test_a_finished_comparison_runs_nothing(tmp_path, ran):
    planned = rows.plan(tmp_path)
    for row in planned.rows:
        rows.finish(row, 5.0)
    assert comparison.run_rows(planned, jobs=2, after_row=lambda failures: None) == {}
    assert ran.tasks == []


def test_a_row_that_another_process_still_saves_waits(tmp_path, ran, capsys, monkeypatch):
    planned = rows.plan(tmp_path, seeds=(0,))
    by_name = {row.name: row for row in planned.rows}
    waits = ["main.py: The folder x is in use by process 7. Wait for its end."]
    monkeypatch.setattr(running, "_RETRY_SECONDS", 0.0)

    def train(task):
        if task.name == "adversarial, seed 0" and waits:
            return waits.pop()
        rows.finish(by_name[task.name], 5.0)
        return ""

    ran.does["distill"] = train
    assert comparison.run_rows(planned, jobs=1, after_row=lambda failures: None) == {}
    names = [name for name, _ in ran.tasks]
    assert names == ["from scratch, seed 0", *2 * ["adversarial, seed 0"]]
    said = capsys.readouterr().out
    assert "adversarial, seed 0: waits: The folder x is in use by process 7." in said
    assert "2 of 2 rows done" in said


def test_a_method_that_cannot_be_is_said_before_anything_is_trained(tmp_path):
    wrong = ("maps", (("distillation.loss", ("attention_transfer",)),))
    planned = rows.plan(tmp_path, methods=(SCRATCH, wrong), signal=Signal(source="views"))
    with pytest.raises(ValueError, match=r"^Method maps: Logits are all that is kept") as caught:
        comparison.require_possible(planned)
    assert "AttentionTransfer" in str(caught.value)
    for row in planned.rows:
        rows.finish(row, 5.0)
    comparison.require_possible(planned)
