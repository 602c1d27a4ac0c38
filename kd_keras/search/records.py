"""What a search leaves: its trials and what was asked, in `search.json`."""

import dataclasses
import pathlib

from kd_keras import files

__all__ = ["FILE_NAME", "STATUSES", "Trial", "read", "read_facts", "write"]

FILE_NAME = "search.json"
STATUSES = ("finished", "failed", "skipped", "running")

_FORMAT_VERSION = 1
_ADVICE = "The command search writes it anew after its next trial."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One candidate of a search and what came of it. What is not known is None.

    Attributes:
        name: Its number in the search, such as "0003".
        values: By field, such as `student.depth`, what the search chose.
        status: One of `STATUSES`.
        reason: Why it failed or was skipped, or "".
        seed: Of its run.
        folder: Of its run, relative to the search's.
        epochs: Trained.
        validation_error_percent: Of the epoch that was best on the validation images.
        test_error_percent: Of the same epoch. Nothing is chosen by it.
        parameters: Learned numbers.
        multiply_adds: For one image.
        size_bytes: Of its TensorFlow Lite file in float32.
        latency: How long that file takes for one image: `format`, `threads`, `batch`,
            `median_milliseconds` of the quickest of several rounds, `upper_milliseconds` of the
            slowest, `p95_milliseconds` of all calls, `runs`.
        peak_memory_bytes: Of running the file, beyond what Python and the runtime take.
        seconds: Of training.
    """

    name: str
    values: dict
    status: str
    reason: str = ""
    seed: int = 0
    folder: str = ""
    epochs: int | None = None
    validation_error_percent: float | None = None
    test_error_percent: float | None = None
    parameters: int | None = None
    multiply_adds: int | None = None
    size_bytes: int | None = None
    latency: dict | None = None
    peak_memory_bytes: int | None = None
    seconds: float | None = None

    @property
    def latency_milliseconds(self):
        """The time for one image, or None."""
        return (self.latency or {}).get("median_milliseconds")


def write(folder, trials, **facts):
    """Write the trials of a search, atomically.

    Args:
        folder: The search's folder.
        trials: `Trial`s.
        **facts: What holds for all of them: axes, objectives, oracle, machine, teacher.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> trial = Trial(name="0000", values={"student.depth": 10}, status="running")
        >>> write(folder, [trial], oracle="pareto")
        >>> read(folder) == [trial], read_facts(folder)["oracle"]
        (True, 'pareto')
    """
    described = [dataclasses.asdict(trial) for trial in trials]
    content = {"format_version": _FORMAT_VERSION, **facts, "trials": described}
    files.write_json(pathlib.Path(folder) / FILE_NAME, content)


def read(folder):
    """Read the trials of a search.

    Args:
        folder: The search's folder.

    Returns:
        A list of `Trial`.

    Raises:
        FileNotFoundError: If there is no search.
        ValueError: If its file is damaged, or of a version that is not known.
    """
    content = _read(folder)
    try:
        trials = [Trial(**described) for described in content["trials"]]
    except (KeyError, TypeError) as error:
        raise _damaged(folder, f"trials that are not whole ({error})") from None
    for trial in trials:
        if trial.status not in STATUSES:
            raise _damaged(folder, f"a trial with the status {trial.status}")
    return trials


def read_facts(folder):
    """Read what holds for all trials of a search.

    Args:
        folder: The search's folder.

    Returns:
        The content of its file without the trials.

    Raises:
        FileNotFoundError, ValueError: As `read`.
    """
    return {name: value for name, value in _read(folder).items() if name != "trials"}


def _read(folder):
    path = pathlib.Path(folder) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"No search in {folder}. Expected {FILE_NAME}, which the command search writes."
        )
    content = files.read_json(path, _ADVICE)
    if not isinstance(content, dict):
        raise _damaged(folder, "no dictionary")
    if content.get("format_version") != _FORMAT_VERSION:
        raise _damaged(folder, f"format version {content.get('format_version')}")
    return content


def _damaged(folder, received):
    return ValueError(
        f"Damaged file {pathlib.Path(folder) / FILE_NAME}. Expected a search as the command "
        f"search writes it, format version {_FORMAT_VERSION}. Received: {received}. {_ADVICE}"
    )
