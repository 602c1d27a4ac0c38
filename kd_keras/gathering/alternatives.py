"""The exported files of several runs, timed against each other."""

from kd_keras import commands, export, report
from kd_keras.gathering import records, single

__all__ = ["find_alternatives"]

_ROUNDS = 3
_REPEATS = 40  # calls of each file in a round


def find_alternatives(cast, beside):
    """Time the exported files of the page's run and of others, all in turns on one thread.

    Their errors are those of their verification. What cannot be compared is left out, with a
    sentence in `cast.missing`.

    Args:
        cast: The `Cast`.
        beside: Folders of the other runs.

    Returns:
        A tuple of `report.Alternative`, the fastest first; none where there are no others.

    Raises:
        FileNotFoundError: If a folder is no run's.
        ValueError: If a file in it is damaged.
    """
    if not beside or cast.subject not in cast.records:
        return ()
    subject = cast.records[cast.subject]
    runs = {}
    for record in (subject, *map(records.read_record, beside)):
        runs.setdefault(record.path.resolve(), record)  # one that is named twice counts once
    names, files = _tell_apart(runs), {}
    for place, record in runs.items():
        files |= _files_of(record, subject, cast, names[place])
    if not files:
        return ()
    print(f"  time for one image, exported files: {len(files)}", flush=True)
    timings = export.measure_in_turn(files, rounds=_ROUNDS, repeats=_REPEATS)
    found = [
        _alternative(
            record,
            verdict,
            path,
            timings[path],
            run=names[record.path.resolve()],
            is_own=record is subject,
        )
        for path, (record, verdict) in files.items()
    ]
    return tuple(sorted(found, key=lambda one: one.median_milliseconds))


def _tell_apart(paths):
    """For each absolute path the shortest end of it that no other has, as text."""
    parts = {path: path.parts for path in paths}
    names = {}
    for path, own in parts.items():
        others = [other for other in parts.values() if other != own]
        ends = (own[start:] for start in reversed(range(len(own))))
        end = next(end for end in ends if all(other[-len(end) :] != end for other in others))
        names[path] = "/".join(end)
    return names


def _files_of(record, subject, cast, name):
    """The files of a run that run: its record and their verdicts by their paths."""
    if record.identity.get("data") != subject.identity.get("data"):
        cast.missing.append(f"{name} is of other images, so its files do not compare.")
        return {}
    named = {record.path / "exports" / _name(verdict): verdict for verdict in record.verdicts}
    files = {
        path: (record, verdict)
        for path, verdict in named.items()
        if path.exists() and verdict.get("error_after_percent") is not None
    }
    if not files:
        cast.missing.append(
            f"{name} has no exported files to be timed. They are made by: "
            f"{commands.format_command('export', run=record.path, formats='all')}"
        )
    return {path: found for path, found in files.items() if _can_be_timed(path)}


def _name(verdict):
    return verdict["path"].replace("\\", "/").rpartition("/")[2]


def _can_be_timed(path):
    """Whether a file takes one image, of one size."""
    batch, *image = export.load_predictor(path).image_shape
    return batch in (None, 1) and None not in image


def _alternative(record, verdict, path, timing, *, run, is_own):
    return report.Alternative(
        run=run,
        is_own=is_own,
        kind=single.make_contender(record).label,
        file=path.name,
        error_percent=verdict["error_after_percent"],
        size_bytes=verdict["size_bytes"],
        passed=verdict["passed"],
        median_milliseconds=timing.median_milliseconds,
        percentile95_milliseconds=timing.percentile95_milliseconds,
    )
