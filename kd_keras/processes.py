"""Programs in processes of their own, some at once: their output, their end, and stopping them.

A process is told that it is to stop by SIGTERM; and because its standard input is a pipe that
nothing is written to, it can see by the pipe's end that its parent is no longer there, however
that one ended. What the processes do is not known here.
"""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import threading
import time

from kd_keras import machine

__all__ = ["Ending", "Listener", "Task", "run"]

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 120.0


@dataclasses.dataclass(frozen=True)
class Task:
    """A program to run.

    Attributes:
        name: What it is, for those who are told.
        words: The program and its arguments.
        log_path: The file that its output is appended to.
        environment: Variables on top of this process's own.
        devices: Which GPUs it may share with the others, as of `machine.share`.
    """

    name: str
    words: tuple[str, ...]
    log_path: pathlib.Path
    environment: dict = dataclasses.field(default_factory=dict)
    devices: str = "all"


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a program came to its end.

    Attributes:
        task: The `Task`.
        status: Its exit status; minus the signal's number where a signal ended it.
        reason: "" after status 0, otherwise its last line or the signal.
        seconds: How long it ran.
    """

    task: Task
    status: int
    reason: str
    seconds: float


class Listener:
    """Is told what happens to the programs; by itself it does nothing."""

    def started(self, task):
        """A `Task` begins."""

    def printed(self, task, line):
        """A `Task` has put out a line."""

    def ended(self, ending):
        """A task has come to its `Ending`."""

    def stopping(self):
        """All programs have been asked to stop, and are waited for."""


def run(tasks, *, jobs=1, listener=None):
    """Run programs to their end, some at once.

    Ctrl-C and SIGTERM stop the programs, wait until they have saved what they save, and are then
    raised here as KeyboardInterrupt; a second one does not wait. A program that fails stops
    nothing.

    Args:
        tasks: `Task`s; the next is taken when a process is free.
        jobs: Processes at once. Each has its share of the processors and of its task's GPUs.
        listener: A `Listener`.

    Returns:
        The `Ending`s, in their order.

    Raises:
        ValueError: If a task names GPUs that are not there.

    Example:
        >>> import sys, tempfile
        >>> log = pathlib.Path(tempfile.mkdtemp()) / "log.txt"
        >>> [ending] = run([Task("sum", (sys.executable, "-c", "print(1 + 1)"), log)])
        >>> ending.status, log.read_text()
        (0, '2\\n')
    """
    listener = listener or Listener()
    waiting, running, endings = iter(tasks), {}, []
    graphics = machine.list_graphics_processors() if jobs > 1 else []
    with _termination_as_interrupt(), _stopped_at_last(running, listener):
        while True:
            free = sorted(set(range(jobs)) - set(running))
            for slot, task in zip(free, waiting, strict=False):
                share = machine.share(slot, jobs, graphics, task.devices)
                listener.started(task)
                running[slot] = _Process(task, share)
            if not running:
                return endings
            time.sleep(_POLL_SECONDS)
            for ending in _look(running, listener):
                endings.append(ending)
                listener.ended(ending)


def _look(running, listener):
    """Pass on what was printed; the endings since the last look, taken out of `running`."""
    for slot, process in list(running.items()):
        ending = process.look(listener)
        if ending:
            del running[slot]
            yield ending


class _Process:
    """A program that runs, and the lines of its output that were not yet looked at."""

    def __init__(self, task, share):
        self._task = task
        task.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(task.log_path, "ab") as log:
            self._place = log.tell()
            self._process = subprocess.Popen(
                task.words,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **share, **task.environment},
                # Ctrl-C goes to a terminal's whole session; here the parent passes it on.
                start_new_session=True,
            )
        self._started = time.monotonic()
        self._last_line = ""

    def look(self, listener):
        """Pass new lines on; its `Ending`, once it has ended."""
        status = self._process.poll()
        for line in self._read_lines(whole=status is None):
            self._last_line = line.strip() or self._last_line
            listener.printed(self._task, line)
        if status is None:
            return None
        self._process.stdin.close()
        seconds = time.monotonic() - self._started
        return Ending(self._task, status, self._explain(status), seconds)

    def _read_lines(self, whole):
        with open(self._task.log_path, "rb") as log:
            log.seek(self._place)
            text = log.read()
        if whole:
            text = text[: text.rfind(b"\n") + 1]
        self._place += len(text)
        return text.decode(errors="replace").splitlines()

    def _explain(self, status):
        if status < 0:
            names = {number.value: number.name for number in signal.Signals}
            advice = ", perhaps for lack of memory" if -status == signal.SIGKILL else ""
            return f"Ended by {names.get(-status, f'signal {-status}')}{advice}."
        return self._last_line or f"Ended with status {status}." if status else ""

    def terminate(self):
        """Ask it to stop."""
        self._process.terminate()

    def wait(self):
        """Wait until it has stopped, but not for ever."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)

    def kill(self):
        """End it."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()


@contextlib.contextmanager
def _stopped_at_last(running, listener):
    """Whatever ends the work ends the programs that still run."""
    try:
        yield
    finally:
        processes = list(running.values())
        try:
            for process in processes:
                process.terminate()
            if processes:
                listener.stopping()
            for process in processes:
                process.wait()
        finally:
            for process in processes:
                process.kill()


@contextlib.contextmanager
def _termination_as_interrupt():
    """SIGTERM raises a KeyboardInterrupt, as Ctrl-C does, so that both end alike."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Terminated(KeyboardInterrupt):
    exit_status = 128 + signal.SIGTERM


def _raise_terminated(number, frame):
    raise _Terminated
