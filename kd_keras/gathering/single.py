"""The cast of one run's page: the run, its teacher, and the control beside it."""

import json

from kd_keras import report, runs, subjects
from kd_keras.config import from_dictionary
from kd_keras.gathering import records
from kd_keras.gathering.cast import Cast

__all__ = ["add_teacher", "cast_run", "make_contender"]

_LABELS = {
    "teacher": "teacher",
    "control": "student from scratch",
    "student": "distilled student",
}
_LABELS_BY_COMMAND = {"prune": "pruned {}", "quantize": "{} trained for int8"}

_FIELDS_OF_A_METHOD = (
    "supervised_weight",
    "loss",
    "adversarial_weight",
    "joint",
    "joint_share",
    "joint_gradient_block",
)


def cast_run(folder, teacher_path=None):
    """Who is on the page of a run.

    Args:
        folder: The run's folder.
        teacher_path: The teacher's file, where it is not where the record says.

    Returns:
        The `Cast`.

    Raises:
        FileNotFoundError: If it is no run's folder.
        ValueError: If a file in it is damaged.
    """
    record = records.read_record(folder)
    subject = make_contender(record)
    cast = Cast(title=record.path.resolve().name, subject=subject.label)
    cast.add(subject, record)
    if subject.role == "student":
        was_changed = record.identity.get("command") in _LABELS_BY_COMMAND
        if not was_changed:
            _add_control(cast, record)
        if not was_changed or record.facts.get("teacher"):
            found = teacher_path or subjects.find_teacher(record.facts, record.path)
            add_teacher(cast, record, found)
    elif subject.role == "control":
        cast.control = subject.label
    if record.figures is None:
        total = record.identity.get("training.epochs", "?")
        cast.missing.append(
            f"The run has not come to its end: {len(record.history)} of {total} epochs are done, "
            "and there is no network to judge yet. The same command goes on where it was."
        )
    return cast


def role_of(record):
    """What a run's network is on the page."""
    if record.is_teacher:
        return "teacher"
    return "control" if record.is_control else "student"


def make_contender(record, label=""):
    """A contender with one run.

    Args:
        record: The run's `Record`.
        label: Its label; by default what its role is called.

    Returns:
        The `report.Contender`.
    """
    role = role_of(record)
    identity = record.identity
    best = (record.figures or {}).get("best")
    return report.Contender(
        label=label or _label_of(record, role),
        role=role,
        network=record.network,
        method=_method_of(record, role),
        recipe=_recipe_of(record),
        histories=(record.history,) if record.history else (),
        figures=record.figures,
        errors_percent=(best["top1_error_percent"],) if best else (),
        game=identity.get("discriminator.game", ""),
        label_weight=identity.get("discriminator.label_weight", 1.0),
    )


def _label_of(record, role):
    label = _LABELS_BY_COMMAND.get(record.identity.get("command"), _LABELS[role])
    origin = (record.facts.get("origin") or "").replace("\\", "/").rpartition("/")[2]
    return label.format("teacher" if origin.startswith("teacher") else "network")


def _method_of(record, role):
    if role == "teacher":
        return ""
    terms = {
        field: record.identity[f"distillation.{field}"]
        for field in _FIELDS_OF_A_METHOD
        if f"distillation.{field}" in record.identity
    }
    return runs.name_method(from_dictionary({"distillation": terms}).distillation)


def _recipe_of(record):
    of_recipe = {
        name: value
        for name, value in record.identity.items()
        if not name.startswith(("student.", "run."))
    }
    return json.dumps(of_recipe, sort_keys=True)


def _add_control(cast, record):
    control = records.find_control(record)
    if control is None:
        cast.missing.append(
            "No student from scratch lies beside this run: same network, data, recipe and seed, "
            "trained on labels alone. It is made by the same command with --loss= "
            "--adversarial_weight=0 after its flags."
        )
        return
    contender = make_contender(control)
    cast.control = contender.label
    cast.add(contender, control)


def add_teacher(cast, record, path, label=_LABELS["teacher"]):
    """Put a run's teacher on the page.

    Args:
        cast: The `Cast`.
        record: The `Record` of a run that learned from it.
        path: The teacher's file, or None where it was not found.
        label: The teacher's label.
    """
    if path is None:
        told = record.facts.get("teacher")
        cast.missing.append(
            f"The teacher is not there any more: {told}. Tell its place with --teacher_path."
            if told
            else "The student learned from several teachers; a page shows one alone."
        )
        return
    of_teacher = None
    if subjects.read_record(path.parent):
        of_teacher = records.read_record(path.parent)
    if of_teacher is None or of_teacher.model_path != path:
        contender = report.Contender(label=label, role="teacher", network=path.stem)
        cast.add(contender, model_path=path)
        return
    contender = make_contender(of_teacher, label)
    cast.add(contender, of_teacher)
    if of_teacher.identity.get("data") != record.identity.get("data"):
        # What it scored on other images does not compare; it is judged anew on these.
        sizes = {name: contender.size(name) for name in ("parameters", "multiply_adds")}
        sizes["size_bytes"] = contender.size("size_bytes")
        cast.change(label, figures=sizes, errors_percent=())
