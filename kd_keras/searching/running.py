"""The trials of a search: each an ordinary `distill` and `export` in a process of its own."""

import os
import shutil
import time

from kd_keras import groundwork, processes, search, tasks, training
from kd_keras.durations import format_duration
from kd_keras.searching import measuring, results

__all__ = ["Trials", "run"]

_BESIDE = 4  # other files that a new one is timed with
_ASK_AGAIN_SECONDS = 1.0
_RETRY_SECONDS = 5.0


def run(planned, tuner, *, jobs, after_trial):
    """Train what an oracle proposes until it proposes nothing any more.

    Args:
        planned: The `Plan`.
        tuner: The `search.Tuner`.
        jobs: Processes at once.
        after_trial: Called whenever a trial has begun or ended.

    Raises:
        ConnectionError: If the chief is gone.
    """
    jobs = min(jobs, planned.section.trials)
    trials = Trials(planned, tuner, jobs=jobs, after_trial=after_trial)
    while not trials.done:
        processes.run(trials, jobs=jobs, listener=trials)
        if not trials.done:
            time.sleep(_ASK_AGAIN_SECONDS)


class Trials(groundwork.Naming):
    """The tasks of a search, taken one by one as processes get free, and what becomes of them.

    Its end is not final: the oracle may have nothing to train until another trial has ended.

    Args:
        planned: The `Plan`.
        tuner: The `search.Tuner`.
        jobs: Processes at once. A single one shows its lines, of several each one a minute.
        after_trial: Called whenever a trial has begun or ended.
    """

    def __init__(self, planned, tuner, *, jobs, after_trial):
        super().__init__(jobs)
        self._planned = planned
        self._tuner = tuner
        self._after_trial = after_trial
        self._asking = set(range(jobs))  # slots that the oracle may still have something for
        self._running = {}  # slot, proposal and trial by the trial's name
        self._not_before = 0.0

    @property
    def done(self):
        """Whether the oracle has nothing any more, and no trial runs."""
        return not self._asking and not self._running

    def __iter__(self):
        return self

    def __next__(self):
        busy = {slot for slot, _, _ in self._running.values()}
        for slot in sorted(self._asking - busy):
            if time.monotonic() < self._not_before:
                break
            task = self._take(slot)
            if task:
                return task
        raise StopIteration

    def _take(self, slot):
        """The next task; None where there is none for this slot, now or any more."""
        while True:
            proposal = self._tuner.propose(slot)
            if proposal is search.END:
                self._asking.discard(slot)
                return None
            if proposal is search.WAIT:
                self._not_before = time.monotonic() + _ASK_AGAIN_SECONDS
                return None
            task = self._begin(slot, proposal)
            if task:
                return task

    def _begin(self, slot, proposal):
        """The task of a proposal; None where it is known without training how it comes out."""
        values = dict(proposal.values)
        seed = values.pop("run.seed", self._planned.config.run.seed)
        trial = search.Trial(
            name=proposal.name, values=values, status="running", seed=seed, folder=proposal.name
        )
        if self._is_known(proposal, trial):
            return None
        try:
            config = self._planned.make_config(proposal.name, proposal.values, proposal.epochs)
        except ValueError as error:
            self._fail(proposal, trial, str(error))
            return None
        folder = self._planned.folder(proposal.name)
        if proposal.earlier and self._planned.goes_on:
            _copy_checkpoints(self._planned.folder(proposal.earlier), folder)
        self._running[proposal.name] = slot, proposal, trial
        self._record(trial)
        export = measuring.export_config(config, folder)
        then = [("export", export)]
        return tasks.make_task(proposal.name, "distill", config, folder=folder.path, then=then)

    def _is_known(self, proposal, trial):
        """Whether the same student has been trained alike; then the oracle is told that."""
        if proposal.epochs is not None:
            return False
        for other in results.collect(self._planned):
            same = (other.values, other.seed) == (trial.values, trial.seed)
            if other.name != trial.name and other.status == "finished" and same:
                self._tuner.report(
                    proposal,
                    error_percent=other.validation_error_percent,
                    latency_milliseconds=other.latency_milliseconds,
                )
                self._close(trial, "skipped", f"The same student as {other.name}.")
                return True
        return False

    def started(self, task):
        """Say what begins."""
        _, proposal, _ = self._running[task.name]
        epochs = f", {proposal.epochs} epochs" if proposal.epochs else ""
        earlier = f", as {proposal.earlier}" if proposal.earlier else ""
        described = search.describe(proposal.values)
        print(f"{task.name}: begins, {described}{epochs}{earlier}", flush=True)

    def ended(self, ending):
        """Measure what has been trained, and tell the oracle."""
        _, proposal, trial = self._running.pop(ending.task.name)
        reason = ending.reason.removeprefix("main.py: ")
        if training.IN_USE in reason:
            # A killed search leaves a process that still saves. The oracle gives the same again.
            print(f"{trial.name}: waits: {reason}", flush=True)
            self._not_before = time.monotonic() + _RETRY_SECONDS
            return
        if not ending.status:
            try:
                self._finish(proposal, trial, ending)
                return
            except (ValueError, OSError) as error:
                if isinstance(error, ConnectionError):
                    raise
                reason = str(error)
        else:
            reason = measuring.explain(self._planned, trial, reason)
        self._fail(proposal, trial, f"{reason} ({ending.task.log_path})")

    def _finish(self, proposal, trial, ending):
        trial = measuring.describe_run(self._planned, trial)
        others = [t for t in results.collect(self._planned) if t.status == "finished"]
        others = [other for other in others if other.name != trial.name][-_BESIDE:]
        *_, trial = measuring.time_trials(self._planned, [*others, trial])
        self._tuner.report(
            proposal,
            error_percent=trial.validation_error_percent,
            latency_milliseconds=trial.latency_milliseconds,
        )
        self._after_trial()
        latency = trial.latency
        print(
            f"{trial.name}: validation error {trial.validation_error_percent:.2f}%, "
            f"{latency['median_milliseconds']:.3g} ms (to {latency['upper_milliseconds']:.3g}), "
            f"{trial.parameters:,} parameters, "
            f"{format_duration(ending.seconds)}",
            flush=True,
        )

    def _fail(self, proposal, trial, reason):
        self._tuner.fail(proposal, reason)
        self._close(trial, "failed", reason)

    def _close(self, trial, status, reason):
        fields = {**vars(trial), "status": status, "reason": reason}
        self._record(search.Trial(**fields))
        print(f"{trial.name}: {status.upper()}: {reason}", flush=True)

    def _record(self, trial):
        results.write_trial(self._planned, trial)
        self._after_trial()


def _copy_checkpoints(earlier, later):
    """Let a longer run begin where the shorter one of the same student ended."""
    if later.checkpoints_path.is_dir():
        return
    # Its name is one of those that are removed if this process is killed meanwhile.
    partial = later.path / f".checkpoints.{os.getpid()}.partial"
    shutil.copytree(earlier.checkpoints_path, partial, dirs_exist_ok=True)
    os.replace(partial, later.checkpoints_path)
