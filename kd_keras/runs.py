"""The runs of a configuration: their folders, what makes a run this run, finished models.

What a run is made of is in `assembly`, what a finished one has left in `subjects`.
"""

import dataclasses
import hashlib
import os
import pathlib
import shlex
import sys

import lazy_loader

from kd_keras import __version__, files, machine, models, training

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
np = lazy_loader.load("numpy")
tf = lazy_loader.load("tensorflow")

__all__ = [
    "OF_A_STUDENT",
    "command_line",
    "converted_folder",
    "find_model",
    "identify",
    "identify_files",
    "name_method",
    "require_same_images",
    "settings_with_effect",
    "student_folder",
    "teacher_folder",
    "teacher_path",
]

# The sections that a student's run depends on.
OF_A_STUDENT = ("run", "data", "student", "signal", "distillation", "discriminator", "training")

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
    "training.host_minutes",
    # How the fraction was found, which has the effect.
    "pruning.as_fast_as",
    "pruning.format",
}

# What decides which images are for test and for validation, and what else for which at all.
_OF_A_SPLIT = ("split_seed", "test_fraction", "validation_fraction")
_OF_THE_IMAGES = (*_OF_A_SPLIT, "dataset", "max_train_examples", "image_size", "resize")

# They came later: at their default a run is the one that it was before.
_CAME_LATER = {
    "discriminator.look_ahead",
    "discriminator.penalty_weight",
    "discriminator.several_teachers",
    "discriminator.tap",
    "discriminator.teacher_tap",
    "distillation.joint",
    "distillation.joint_gradient_block",
    "distillation.joint_share",
    "distillation.weight_schedule",
    "signal.mean_temperature",
    "student.binary_weights",
    "student.option",
    "teacher.option",
    "training.checkpoint_gradients",
    "training.micro_batches",
    "training.patience",
}


def teacher_folder(config, name=""):
    """The folder of the teacher's run: the one of that name, or the one made from the teacher."""
    name = name or f"{config.data.dataset}-{config.teacher.label}-teacher"
    return training.RunFolder(pathlib.Path(config.run.output_directory) / name)


def teacher_path(config):
    """Where the teacher's file is, or will be once it is trained."""
    if config.teacher.path:
        return find_model(config.teacher.path)
    return teacher_folder(config).path / "teacher.keras"


def require_same_images(config, path, fingerprint=None):
    """Refuse a teacher of the usual folder that learned from another split of the images.

    It may have learned from images that are now for test or validation. One that is named by
    `--teacher_path` is taken as it is, and so is one without a record.

    Args:
        config: The configuration of who wants to learn from it.
        path: The teacher's file.
        fingerprint: Of the data, where it has been read.

    Raises:
        ValueError: If its record has other settings of the split, or the same for other images.
    """
    try:
        identity = files.read_json(path.parent / "config.json")["identity"]
        there = {name: identity[f"data.{name}"] for name in _OF_THE_IMAGES}
    except (OSError, ValueError, KeyError, TypeError):
        return
    if config.teacher.path:
        return
    here = {name: getattr(config.data, name) for name in _OF_THE_IMAGES}
    differing = [name for name in _OF_A_SPLIT if there[name] != here[name]]
    if differing == ["validation_fraction"] and not here["validation_fraction"]:
        return  # no image is for validation now, and those for test are the same
    found = [f"--{name} was {there[name]} and is {here[name]}" for name in differing]
    if not found and there == here and fingerprint not in (None, identity.get("data")):
        found = ["the images have changed since"]
    if found:
        raise ValueError(
            f"The teacher in {path.parent} learned from another split of the images: "
            f"{', '.join(found)}. It may know images that are now for test or validation. Train "
            "one for this split, with another --output_directory, or take that one as it is: "
            f"--teacher_path={shlex.quote(str(path))}."
        )


def student_folder(config, name=""):
    """The folder of a student's run: the one of that name, or the one made from its parts."""
    section = config.student
    network = pathlib.Path(section.path).name.removesuffix(".keras") or section.label
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
    if section.joint != "none":
        parts += [section.joint]
        parts += [section.joint_share] if section.joint_share != "none" else []
        parts += [] if section.joint_gradient_block else ["unblocked"]
    parts += ["scheduled"] if section.weight_schedule else []
    return "-".join(parts)


def converted_folder(config, network):
    """Where a teacher lies that was made of another project's file.

    Raises:
        FileExistsError: If there is a model already.
    """
    name = config.run.name or f"{network.name}-converted"
    folder = pathlib.Path(config.run.output_directory) / name
    if folder.is_dir() and any(folder.glob("*.keras")):
        raise FileExistsError(
            f"There is a model in {folder} already. Remove it, or choose another --run_name."
        )
    return folder


def find_model(path):
    """The model file that a path stands for: itself, or the model in a run's folder.

    Raises:
        FileNotFoundError: If there is nothing, or the run has not come to its end.
    """
    path = pathlib.Path(path)
    if not path.is_dir() or (path / "saved_model.pb").is_file():
        return path
    # The second network of a joint run is there before the student is.
    names = ["student.keras"] if _is_a_students(path) else ["student.keras", "teacher.keras"]
    for name in names:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(
        f"No model in {path}. Expected student.keras or teacher.keras, which a run writes at its "
        "end. Start its command again: it goes on where it was."
    )


def _is_a_students(path):
    try:
        return files.read_json(path / "config.json")["identity"]["command"] == "distill"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def identify(config, command, splits, sections, teacher=None, origin=None):
    """What makes a run this run, and what else is kept beside it.

    Args:
        config: The configuration.
        command: The command's name.
        splits: The data.
        sections: Names of the configuration's sections that have an effect.
        teacher: The teacher's model, or None.
        origin: The model that the run goes on from and its path, or None.

    Returns:
        Two dictionaries: the identity, by which a folder is recognised, and the record.
    """
    identity = {"command": command, "data": splits.fingerprint}
    identity |= settings_with_effect(config, sections)
    if origin is None:
        identity |= identify_files(config, sections)
    if teacher is not None:
        identity["teacher"] = models.fingerprint_weights(teacher)
    if origin is not None:
        identity["origin"] = models.fingerprint_weights(origin[0])
    record = {
        "command_line": command_line(),
        "config": config.to_dictionary(),
        "origin": origin and str(origin[1]),
        "class_names": list(splits.class_names),
        "image_shape": list(splits.image_shape),
        # Sums of floating-point numbers depend on how many threads share them.
        "threads": int(os.environ.get("TF_NUM_INTRAOP_THREADS") or machine.count_processors()),
        "versions": {
            "kd_keras": __version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
    return identity, record


def identify_files(config, sections):
    """SHA-256 of the networks that training begins with, as `student_file`; none without a path.

    Args:
        config: The configuration.
        sections: Names of its sections that have an effect.

    Returns:
        A dictionary; what is not there, or no file, is told when it is loaded.
    """
    found = {}
    for name in ("student", "teacher"):
        path = getattr(config, name).path
        path = find_model(path) if name in sections and path else None
        if path and path.is_file():
            found[f"{name}_file"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def settings_with_effect(config, sections):
    """The fields of some sections that change what comes out of a run, as `section.field`."""
    without_effect = _WITHOUT_EFFECT | _unheard_of_the_teacher(config)
    without_effect |= {field for field in _CAME_LATER if _has_default(config, field)}
    settings = {}
    if "distillation" in sections and config.distillation.joint != "none":
        sections = dict.fromkeys([*sections, "teacher"])  # The second network is made of it.
    for name in sections:
        for field, value in dataclasses.asdict(getattr(config, name)).items():
            if f"{name}.{field}" not in without_effect:
                settings[f"{name}.{field}"] = value
    return settings


def _has_default(config, name):
    section, _, field = name.partition(".")
    section = getattr(config, section)
    return getattr(section, field) == type(section).__dataclass_fields__[field].default


def _unheard_of_the_teacher(config):
    """The fields of the signal without effect: all without a teacher; live, how it is kept."""
    if config.distillation.needs_teacher:
        return {"signal.storage"} if config.signal.source == "live" else set()
    return {f"signal.{field.name}" for field in dataclasses.fields(config.signal)}


def command_line():
    """The words that this program was started with, as they can be typed again."""
    program = pathlib.Path(sys.argv[0]).name
    return " ".join(["python", program, shlex.join(sys.argv[1:])]).strip()
