"""What lies in the folder of a run, and which runs lie beside it. No network is loaded here."""

import csv
import dataclasses
import pathlib

from kd_keras import files, training
from kd_keras.config import from_dictionary

__all__ = ["Record", "find_control", "read_record"]

_MODELS = ("student.keras", "teacher.keras")
_OF_A_METHOD = ("signal.", "distillation.", "discriminator.", "teacher.")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """What a run has left.

    Attributes:
        path: Its folder.
        facts: `config.json`.
        history: Its epochs, each a dictionary of numbers.
        figures: `metrics.json`, or None before the run's end.
        model_path: The kept network, or None.
        verdicts: Of exported files, as `verdicts.json` has them.
        card: What the exported files say of themselves: their licence, their limits.
    """

    path: pathlib.Path
    facts: dict
    history: tuple
    figures: dict | None
    model_path: pathlib.Path | None
    verdicts: tuple
    card: dict

    @property
    def identity(self):
        """What makes the run this run."""
        return self.facts["identity"]

    @property
    def is_teacher(self):
        """Whether it is a teacher's."""
        return self.identity.get("command") == "train_teacher"

    @property
    def is_control(self):
        """Whether it is a student's that learned from labels alone."""
        loss, adversarial = (
            self.identity.get(f"distillation.{name}") for name in ("loss", "adversarial_weight")
        )
        return self.identity.get("command") == "distill" and not loss and not adversarial

    @property
    def has_peer(self):
        """Whether what its record calls the teacher is a network that learned along with it."""
        return self.identity.get("distillation.joint", "none") != "none"

    @property
    def network(self):
        """The name of its network, such as wide_resnet-10-2 or wide_resnet-16-4-pruned50."""
        section = "teacher" if self.is_teacher else "student"
        values = self.facts["config"][section]
        if values.get("path"):
            return pathlib.Path(values["path"]).stem + self._change
        return getattr(from_dictionary({section: values}), section).label + self._change

    @property
    def _change(self):
        """What was done to its network, as in a folder's name."""
        percent = 100 * self.identity.get("pruning.fraction", 0.0)
        changes = {"prune": f"-pruned{percent:g}", "quantize": "-int8"}
        return changes.get(self.identity.get("command"), "")


def read_record(path):
    """Read what a run has left.

    Args:
        path: The run's folder.

    Returns:
        The `Record`.

    Raises:
        FileNotFoundError: If it is no run's folder.
        ValueError: If a file in it is damaged.
    """
    folder = training.RunFolder(path)
    if not folder.config_path.is_file():
        raise FileNotFoundError(
            f"No run in {folder.path}. Expected config.json of a run, or comparison.json of a "
            "comparison."
        )
    facts = files.read_json(folder.config_path)
    unknown = [name for name in ("identity", "config", "class_names") if name not in facts]
    if unknown:
        raise ValueError(
            f"No run in {folder.path}. Expected identity, config and class_names in config.json. "
            f"Received: one without {', '.join(unknown)}. A comparison has a page once one of its "
            "runs has come to its end."
        )
    verdicts = folder.path / "exports" / "verdicts.json"
    about = folder.path / "exports" / "export.json"
    models = [folder.path / name for name in _MODELS]
    return Record(
        path=folder.path,
        facts=facts,
        history=_read_history(folder.history_path),
        figures=files.read_json(folder.metrics_path) if folder.finished else None,
        model_path=next((path for path in models if path.is_file()), None),
        verdicts=tuple(files.read_json(verdicts)) if verdicts.is_file() else (),
        card=files.read_json(about).get("metadata", {}) if about.is_file() else {},
    )


def _read_history(path):
    if not path.is_file():
        return ()
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
        return tuple({name: float(v) for name, v in row.items() if v} for row in rows)
    except (ValueError, TypeError, csv.Error) as error:
        raise ValueError(
            f"Damaged file {path}. Expected numbers by epoch. Received: {error}."
        ) from None


def find_control(record):
    """The finished run beside a student's that differs in being trained on labels alone.

    Args:
        record: A `Record`.

    Returns:
        Its `Record`, or None. Of several, the first by name.
    """
    for path in sorted(record.path.parent.glob("*/config.json")):
        if path.parent == record.path:
            continue
        try:
            other = read_record(path.parent)
        except ValueError:
            continue  # a damaged neighbour is no control
        alike = _without_method(other.identity) == _without_method(record.identity)
        if alike and other.is_control and other.figures and other.model_path:
            return other
    return None


def _without_method(identity):
    return {
        name: value
        for name, value in identity.items()
        if name != "teacher" and not name.startswith(_OF_A_METHOD)
    }
