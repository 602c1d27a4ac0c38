"""The runs of a configuration: their folders, what makes a run this run, finished models.

What a run is made of is in `assembly`.
"""

import dataclasses
import hashlib
import pathlib

import lazy_loader

from kd_keras import __version__, files, training
from kd_keras.config import from_dictionary

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
np = lazy_loader.load("numpy")
tf = lazy_loader.load("tensorflow")

__all__ = [
    "Subject",
    "find_model",
    "find_subject",
    "fingerprint_weights",
    "identify",
    "name_method",
    "student_folder",
    "teacher_folder",
]

# Where a run lives and how it is stored does not change what comes out of it.
_WITHOUT_EFFECT = {
    "run.output_directory",
    "run.name",
    "run.checkpoint_minutes",
    "run.tensorboard",
    "run.debug",
    "data.data_directory",
    "data.download",
    "data.cache_directory",
    "data.memory_limit_gigabytes",
}


def teacher_folder(config, name=""):
    """The folder of the teacher's run: the one of that name, or the one made from the teacher."""
    section = config.teacher
    name = name or (
        f"{config.data.dataset}-{section.network}-{section.depth}-{section.width}-teacher"
    )
    return training.RunFolder(pathlib.Path(config.run.output_directory) / name)


def student_folder(config, name=""):
    """The folder of a student's run: the one of that name, or the one made from its parts."""
    section = config.student
    network = f"{section.network}-{section.depth}-{section.width}"
    if section.path:
        network = pathlib.Path(section.path).stem
    method = name_method(config.distillation)
    name = name or f"{config.data.dataset}-{network}-{method}-seed{config.run.seed}"
    return training.RunFolder(pathlib.Path(config.run.output_directory) / name)


def name_method(section):
    """The names of the terms that a student is trained on, joined by hyphens.

    Example:
        >>> from kd_keras.config import Distillation
        >>> name_method(Distillation(loss=("soft_target",), adversarial_weight=0.0))
        'supervised-soft_target'
    """
    parts = ["supervised"] if section.supervised_weight else []
    parts += [name for name, _ in section.weighted_losses]
    parts += ["adversarial"] if section.adversarial_weight else []
    return "-".join(parts)


def find_model(path):
    """The model file that a path stands for: itself, or the model in a run's folder.

    Raises:
        FileNotFoundError: If there is nothing, or the run has not come to its end.
    """
    path = pathlib.Path(path)
    if not path.is_dir() or (path / "saved_model.pb").is_file():
        return path
    for name in ("student.keras", "teacher.keras"):
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(
        f"No model in {path}. Expected student.keras or teacher.keras, which a run writes at its "
        "end. Start its command again: it goes on where it was."
    )


@dataclasses.dataclass(frozen=True)
class Subject:
    """A finished model to look at.

    Attributes:
        path: Its file or folder.
        config: The configuration with the data that the model was trained on.
        teacher_path: Its teacher's file, or None where none is known.
    """

    path: pathlib.Path
    config: object
    teacher_path: pathlib.Path | None


def find_subject(config):
    """Find the model of `--run` or `--model`, and the data of the run that it came from.

    The data is that of the run's record, which lies beside the model or above it; where it lies
    on this machine may be told anew. A model without a record is looked at on the data of the
    flags.

    Raises:
        ValueError: If neither is given.
        FileNotFoundError: If there is no such model.
    """
    section = config.evaluation
    if not (section.run or section.model):
        raise ValueError(
            "Nothing to look at. Expected --run=FOLDER, a run's folder under "
            f"{config.run.output_directory}, or --model=FILE."
        )
    path = find_model(section.run or section.model)
    if not path.exists():
        raise FileNotFoundError(f"No model at {path}. Expected a run's folder or a model's file.")
    record = _read_record(path)
    teacher_path = config.teacher.path or record.get("teacher")
    if record:
        of_run = from_dictionary(record["config"])
        here = {"download", "cache_directory", "memory_limit_gigabytes"}
        here |= {"data_directory"} if config.data.data_directory else set()
        location = {name: getattr(config.data, name) for name in here}
        config = dataclasses.replace(config, data=dataclasses.replace(of_run.data, **location))
    return Subject(path, config, teacher_path and find_model(teacher_path))


def _read_record(path):
    for folder in list(path.parents)[:3]:
        if (folder / "config.json").is_file():
            return files.read_json(folder / "config.json")
    return {}


def identify(config, command, splits, sections, teacher=None):
    """What makes a run this run, and what else is kept beside it.

    Args:
        config: The configuration.
        command: The command's name.
        splits: The data.
        sections: Names of the configuration's sections that have an effect.
        teacher: The teacher's model, or None.

    Returns:
        Two dictionaries: the identity, by which a folder is recognised, and the record.
    """
    identity = {"command": command, "data": splits.fingerprint}
    for name in sections:
        for field, value in dataclasses.asdict(getattr(config, name)).items():
            if f"{name}.{field}" not in _WITHOUT_EFFECT:
                identity[f"{name}.{field}"] = value
    if teacher is not None:
        identity["teacher"] = fingerprint_weights(teacher)
    record = {
        "config": config.to_dictionary(),
        "class_names": list(splits.class_names),
        "image_shape": list(splits.image_shape),
        "versions": {
            "kd_keras": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
    return identity, record


def fingerprint_weights(model):
    """SHA-256 of a model's weights in their order, hexadecimal."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.dtype}{weight.shape}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()
