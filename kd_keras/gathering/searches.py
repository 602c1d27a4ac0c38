"""From the folder of a search to the content of its page. No network is loaded here."""

import pathlib

from kd_keras import commands, files, report, search, training
from kd_keras.gathering import trial_folders

__all__ = ["gather_search"]

_SIZE = ("student.network", "student.depth", "student.width")


def gather_search(folder):
    """Read a search.

    Args:
        folder: Its folder.

    Returns:
        The `report.Content`.

    Raises:
        FileNotFoundError, ValueError: As `search.read`.
    """
    folder = pathlib.Path(folder)
    record = _read_record(folder)
    facts, found = {**record, **search.read_facts(folder)}, trial_folders.read_search(folder)
    tried, sentences, missing, student = (), (), (), None
    if search.gather_candidates(found):
        choice = search.choose(found)
        tried, sentences, student = _rank(choice.fitting), choice.sentences, choice.student
    else:
        missing = ("No trial of this search has come to its end.",)
    volume, reference = _measure_volume(tried)
    return report.Content(
        title=folder.resolve().name,
        kind="search",
        contenders=(),
        subject="",
        control="",
        class_names=(),
        missing=missing,
        search=report.Searched(
            tried=tried,
            unfinished=tuple(_describe_unfinished(found)),
            sentences=sentences,
            hypervolume=volume,
            reference=reference,
            timing=_describe_timing(found, facts),
        ),
        commands=tuple(_list_commands(folder, facts, student)),
        identities={"search": _list_settings(record)} if record else {},
    )


def _read_record(folder):
    """What the search wrote when it began, or nothing."""
    path = training.RunFolder(folder).config_path
    return files.read_json(path) if path.is_file() else {}


def _list_settings(record):
    """What makes it this search; every axis as it is typed."""
    identity = record.get("identity", {})
    axes = identity.get("search.axes", {}).items()
    return {**identity, "search.axes": [f"{name}={text}" for name, text in axes]}


def _rank(candidates):
    """`report.Tried`s, ranked by error and time among those whose time is known."""
    timed = [c for c in candidates if c.quantity("latency_milliseconds") is not None]
    points = [_point(candidate) for candidate in timed]
    rank_of = {c: int(rank) for c, rank in zip(timed, search.ranks(points), strict=True)}
    labels = _label(candidates)
    return tuple(_describe(candidate, rank_of, labels) for candidate in candidates)


def _label(candidates):
    """The name of its network for a student that alone has it, else its whole name."""
    networks = {
        candidate: search.name_candidate(
            {field: value for field, value in candidate.values.items() if field in _SIZE}
        )
        for candidate in candidates
    }
    names = list(networks.values())
    return {
        candidate: name if names.count(name) == 1 else candidate.name
        for candidate, name in networks.items()
    }


def _point(candidate):
    return (candidate.validation_error_percent, candidate.quantity("latency_milliseconds"))


def _describe(candidate, rank_of, labels):
    return report.Tried(
        label=labels[candidate],
        values=candidate.values,
        depth=candidate.values.get("student.depth"),
        width=candidate.values.get("student.width"),
        errors_percent=tuple(candidate.errors_percent.values()),
        validation_error_percent=candidate.validation_error_percent,
        test_error_percent=candidate.test_error_percent,
        rank=rank_of.get(candidate),
        dominated_by=_find_better(candidate, rank_of, labels),
        latency_range=candidate.latency_range,
        **{quantity: candidate.quantity(quantity) for quantity in search.QUANTITIES},
    )


def _find_better(candidate, rank_of, labels):
    """The label of one on the front that is no worse in error and in time, or ""."""
    if not rank_of.get(candidate):
        return ""
    own = _point(candidate)
    return next(
        labels[other]
        for other, rank in rank_of.items()
        if rank == 0 and all(a <= b for a, b in zip(_point(other), own, strict=True))
    )


def _measure_volume(tried):
    """The front's hypervolume up to the worst error and the longest time, and those two."""
    points = [
        (one.validation_error_percent, one.latency_milliseconds)
        for one in tried
        if one.latency_milliseconds is not None
    ]
    if not points:
        return None, ()
    reference = tuple(max(column) for column in zip(*points, strict=True))
    return search.hypervolume(points, reference), reference


def _describe_unfinished(found):
    for trial in found:
        if trial.status != "finished":
            yield {
                "trial": trial.name,
                "student": search.name_candidate(trial.values),
                "status": trial.status,
                "reason": trial.reason or "",
            }


def _describe_timing(found, facts):
    latency = next((trial.latency for trial in found if trial.latency), None)
    if latency is None:
        return ""
    place = f" on {facts['machine']}" if facts.get("machine") else ""
    return (
        "Time is the median of the quickest of several rounds, images at a time: "
        f"{latency.get('batch')}, of the file {latency.get('format')}, threads: "
        f"{latency.get('threads')}{place}. Another machine gives other times; compare their "
        "ratios."
    )


def _list_commands(folder, facts, student):
    if facts.get("command_line"):
        yield "The search:", facts["command_line"]
    yield "This page:", commands.format_command("report", run=folder)
    yield (
        "The best student under a budget:",
        commands.format_command("choose", run=folder, max_latency_milliseconds=2),
    )
    if student is not None:
        run = folder / student.best_trial.folder
        yield f"The files of {student.name}:", commands.format_command("export", run=run)
        yield f"The page of {student.name}:", commands.format_command("report", run=run)
