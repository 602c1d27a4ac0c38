import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from kd_keras import machine, processes

# Without the site's packages an interpreter starts in a few milliseconds.
PYTHON = (sys.executable, "-I", "-S", "-u", "-c")


class Recorder(processes.Listener):
    """Keeps what it is told, and may act on it."""

    def __init__(self, on_line=None):
        self.events = []
        self._on_line = on_line

    def started(self, task):
        self.events.append(("started", task.name))

    def printed(self, task, line):
        self.events.append(("printed", task.name, line))
        if self._on_line:
            self._on_line(line)

    def ended(self, ending):
        self.events.append(("ended", ending.task.name, ending.status))

    def stopping(self):
        self.events.append(("stopping",))


def make_task(tmp_path, name, script, **environment):
    return processes.Task(name, (*PYTHON, script), tmp_path / f"{name}.log", environment)


def test_a_program_is_run_to_its_end_and_its_output_is_kept_and_passed_on(tmp_path):
    script = "import sys; print('one'); print('two', file=sys.stderr); print('three', end='')"
    recorder = Recorder()
    [ending] = processes.run([make_task(tmp_path, "a", script)], listener=recorder)
    assert (ending.status, ending.reason) == (0, "")
    assert ending.seconds > 0
    assert (tmp_path / "a.log").read_text() == "one\ntwo\nthree"
    lines = [("printed", "a", line) for line in ("one", "two", "three")]
    assert recorder.events == [("started", "a"), *lines, ("ended", "a", 0)]


def test_a_log_is_appended_to_and_old_lines_are_not_passed_on_again(tmp_path):
    (tmp_path / "a.log").write_text("old\n")
    recorder = Recorder()
    processes.run([make_task(tmp_path, "a", "print('new')")], listener=recorder)
    assert (tmp_path / "a.log").read_text() == "old\nnew\n"
    assert ("printed", "a", "old") not in recorder.events


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("print('a'); print('because'); print(' '); raise SystemExit(2)", 2, "because"),
        ("raise SystemExit(3)", 3, "Ended with status 3."),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            -9,
            "Ended by SIGKILL, perhaps for lack of memory.",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -15, "Ended by SIGTERM."),
    ],
)
def test_a_failure_has_its_reason_and_the_others_go_on(tmp_path, script, status, reason):
    tasks = [make_task(tmp_path, "bad", script), make_task(tmp_path, "good", "print('fine')")]
    bad, good = processes.run(tasks)
    assert (bad.task.name, bad.status, bad.reason) == ("bad", status, reason)
    assert (good.task.name, good.status) == ("good", 0)


def test_a_program_is_out_of_reach_of_the_terminals_interrupt(tmp_path):
    processes.run([make_task(tmp_path, "a", "import os; print(os.getsid(0))")])
    assert int((tmp_path / "a.log").read_text()) != os.getsid(0)


MEETING = """
import os, pathlib, time
here = pathlib.Path(os.environ["PLACE"])
(here / os.environ["OWN"]).touch()
deadline = time.monotonic() + 30
while not (here / os.environ["OTHER"]).exists():
    assert time.monotonic() < deadline
    time.sleep(0.01)
"""


def test_two_at_once_meet_and_the_third_is_taken_when_one_has_ended(tmp_path):
    place = str(tmp_path)
    tasks = [
        make_task(tmp_path, "a", MEETING, PLACE=place, OWN="a", OTHER="b"),
        make_task(tmp_path, "b", MEETING, PLACE=place, OWN="b", OTHER="a"),
        make_task(tmp_path, "c", "pass"),
    ]
    taken, recorder = [], Recorder()
    endings = processes.run((taken.append(t.name) or t for t in tasks), jobs=2, listener=recorder)
    assert sorted(ending.task.name for ending in endings) == ["a", "b", "c"]
    assert {ending.status for ending in endings} == {0}
    names = [event[:2] for event in recorder.events]
    assert names.index(("started", "c")) > min(names.index(("ended", x)) for x in "ab")


def test_a_process_gets_its_share_of_the_gpus_that_its_task_names(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    script = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"
    tasks = [make_task(tmp_path, name, script) for name in "ab"]
    tasks = [dataclasses.replace(task, devices="2,3") for task in tasks]
    processes.run(tasks, jobs=2)
    assert [(tmp_path / f"{name}.log").read_text() for name in "ab"] == ["6\n", "7\n"]


def test_a_task_of_a_gpu_that_is_not_there_does_not_begin(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    recorder = Recorder()
    task = dataclasses.replace(make_task(tmp_path, "a", "pass"), devices="2,")
    with pytest.raises(ValueError, match="Expected GPUs from 0 to 1"):
        processes.run([task], jobs=2, listener=recorder)
    assert recorder.events == []


def test_a_process_gets_its_share_of_the_machine_and_the_tasks_environment(tmp_path):
    script = "import os; print(os.environ['TF_NUM_INTRAOP_THREADS'], os.environ['MINE'])"
    tasks = [make_task(tmp_path, name, script, MINE=name) for name in "ab"]
    processes.run(tasks, jobs=2)
    threads = max(1, machine.count_processors() // 2)
    assert (tmp_path / "b.log").read_text() == f"{threads} b\n"


# Says when it can be stopped, then saves what it has.
STOPPABLE = """
import signal, sys, time
def stop(*_):
    print("saved")
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
print("ready")
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_waits_until_the_programs_have_saved(tmp_path, number):
    def interrupt(line):
        os.kill(os.getpid(), number)

    before = signal.getsignal(signal.SIGTERM)
    recorder = Recorder(on_line=interrupt)
    tasks = [make_task(tmp_path, "a", STOPPABLE), make_task(tmp_path, "b", STOPPABLE)]
    with pytest.raises(KeyboardInterrupt) as caught:
        processes.run(tasks, listener=recorder)
    assert getattr(caught.value, "exit_status", 130) == 128 + number
    assert (tmp_path / "a.log").read_text() == "ready\nsaved\n"
    assert not (tmp_path / "b.log").exists()
    assert recorder.events[-1] == ("stopping",)
    assert signal.getsignal(signal.SIGTERM) is before


STUBBORN = STOPPABLE.replace("    sys.exit(130)", "    time.sleep(60)")


def test_a_second_interruption_does_not_wait(tmp_path):
    log = tmp_path / "a.log"

    def interrupt_twice(line):
        if line == "ready":
            threading.Thread(target=interrupt_after_saving, daemon=True).start()
            os.kill(os.getpid(), signal.SIGINT)

    def interrupt_after_saving():
        while "saved" not in log.read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        processes.run([make_task(tmp_path, "a", STUBBORN)], listener=Recorder(interrupt_twice))


def test_an_error_of_a_listener_stops_the_programs(tmp_path):
    def fail(line):
        raise OSError("No space.")

    with pytest.raises(OSError, match="No space"):
        processes.run([make_task(tmp_path, "a", STOPPABLE)], listener=Recorder(on_line=fail))
    assert (tmp_path / "a.log").read_text() == "ready\nsaved\n"


PARENT = """
import pathlib, sys
from kd_keras import machine, processes
processes.run([processes.Task("child", (*sys.argv[2:4], {child!r}), pathlib.Path(sys.argv[1]))])
"""
CHILD = "import os\nprint('ready', flush=True)\nos.read(0, 1)\nprint('alone', flush=True)\n"


def test_a_program_sees_that_its_parent_was_killed(tmp_path):
    log = tmp_path / "child.log"
    words = [sys.executable, "-c", PARENT.format(child=CHILD), str(log), sys.executable, "-c"]
    with subprocess.Popen(words) as parent:
        wait_for(log, "ready\n")
        parent.kill()
    wait_for(log, "ready\nalone\n")


def wait_for(path, text):
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_text() != text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
