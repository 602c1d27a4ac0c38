"""The steps of the command: what is prepared, who searches in which part, and how it ends."""

import contextlib

from kd_keras import commands, groundwork, search
from kd_keras.searching import measuring, results, running
from kd_keras.searching.feasibility import Sieve, look_at_images

__all__ = ["describe_plan", "finish", "prepare", "run_trials"]

_PULSES = "workers"
_PAUSE_SECONDS = 2.0  # between the rounds of the last timing


def describe_plan(planned):
    """What is to be tried, in lines."""
    count, section = planned.num_candidates, planned.section
    of_candidates = "" if count is None else f" of {count} candidates"
    lines = [f"{planned.name}: up to {section.trials} trials{of_candidates} by {section.oracle}"]
    lines += [f"  {axis.field}={axis.text}" for axis in planned.axes]
    if section.oracle == "hyperband":
        how = "go on where the shorter ones ended"
        if not planned.goes_on:
            how = "start anew, because the learning rate falls by the share of the epochs; " + (
                "--schedule=constant or --learning_rate_drops let them go on"
            )
        lines.append(f"  longer trials of a student {how}")
    return "\n".join(lines)


def prepare(planned, role):
    """See that the teacher and its answers are there, once for all trials.

    Args:
        planned: The `Plan`.
        role: Of this process.

    Returns:
        The teacher's path, or None where no student hears one.

    Raises:
        FileNotFoundError, ChildProcessError: As `groundwork.find_teacher`.
        ValueError: If there are no images to choose a student by.
    """
    if role != "worker" and not planned.config.data.validation_fraction:
        look_at_images(planned.config)  # A teacher may take hours.
    configs = planned.heard_configs()
    teacher_path = None
    if any(config.distillation.needs_teacher for config in configs):
        teacher_path = groundwork.find_teacher(planned.config, planned.path)
    groundwork.claim_teacher(planned.path, teacher_path, what="search")
    folder = planned.path
    if role == "worker":
        folder = folder / _PULSES / search.tuner_name()
    groundwork.build_caches(configs, folder)
    return teacher_path


def run_trials(planned, teacher_path, *, role, jobs):
    """Train until the oracle has nothing any more, in this process's part.

    Args:
        planned: The `Plan`.
        teacher_path: The teacher's file, or None.
        role: `"alone"`, `"chief"` or `"worker"`.
        jobs: Processes at once.

    Raises:
        ConnectionError: If a worker has no chief any more.
        OSError: If the chief cannot be reached where it is to be.
    """
    pulses = planned.path / _PULSES
    oracle = _make_oracle(planned, teacher_path, role)
    tuner = search.Tuner(oracle, planned.axes, planned.path)
    if role == "chief":
        print("chief: waiting for workers", flush=True)
        with search.watch(pulses, oracle):
            tuner.serve()
        return
    alive = contextlib.nullcontext()
    if role == "worker":
        alive = search.pulse(pulses, search.tuner_name())
    with alive:
        running.run(
            planned, tuner, jobs=jobs, after_trial=lambda: results.write(planned, teacher_path)
        )


def _make_oracle(planned, teacher_path, role):
    section, seed = planned.section, planned.config.run.seed

    def refuse_and_record(name, values, reason):
        of_student = {field: value for field, value in values.items() if field != "run.seed"}
        trial = search.Trial(
            name=name,
            values=of_student,
            status="skipped",
            reason=reason,
            seed=values.get("run.seed", seed),
        )
        results.write_trial(planned, trial)
        results.write(planned, teacher_path)
        print(f"{name}: skipped, {search.describe(values)}: {reason}", flush=True)

    refuse = {}
    if role != "worker":  # there the chief has refused already
        images = look_at_images(planned.config)
        refuse = {"refuse": Sieve(planned, images, refuse_and_record).refuse}
    return search.make_oracle(
        section.oracle,
        planned.axes,
        trials=section.trials,
        seed=seed,
        max_epochs=planned.config.training.epochs,
        factor=section.hyperband_factor,
        **refuse,
    )


def finish(planned, teacher_path):
    """Time all files once more, side by side on a machine that trains nothing, and tell the front.

    Args:
        planned: The `Plan`.
        teacher_path: The teacher's file, or None.

    Returns:
        The text for the screen, and whether any student was finished.
    """
    finished = [trial for trial in results.collect(planned) if trial.status == "finished"]
    lines = []
    if finished:
        print(f"{len(finished)} files are timed side by side", flush=True)
        timed = measuring.time_trials(planned, finished, pause_seconds=_PAUSE_SECONDS)
        within, count = measuring.count_within(finished, timed)
        lines.append(
            f"ms: one image, threads: {planned.section.latency_threads}, the median of the "
            f"quickest of {planned.section.latency_rounds} rounds; to: of the slowest; 95%: of all "
            f"{timed[0].latency['runs']} calls. For {within} of {count} the time measured before "
            "differs by no more than its own distance to its 95%."
        )
    trials = results.write(planned, teacher_path)
    results.write_tables(planned, trials)
    lines.insert(0, results.describe(trials))
    if finished:
        choose = commands.format_command("choose", run=planned.path, max_latency_milliseconds="...")
        lines.append(f"Under a budget: {choose}")
    return "\n".join(lines), bool(finished)
