"""From a configuration to the objects of a run: data, networks, distiller, folders.

What a command then does with them is in `pipeline`.
"""

import dataclasses
import hashlib
import pathlib

import lazy_loader

from kd_keras import __version__, data, distillation, export, losses, models, training
from kd_keras.config import from_dictionary

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
np = lazy_loader.load("numpy")
tf = lazy_loader.load("tensorflow")

__all__ = [
    "Subject",
    "build_distiller",
    "build_network",
    "find_model",
    "find_subject",
    "fingerprint_weights",
    "identify",
    "load_model",
    "load_splits",
    "make_augmentation",
    "name_method",
    "read_teacher",
    "student_folder",
    "teacher_folder",
]

# Where a run lives and how it is stored does not change what comes out of it.
_WITHOUT_EFFECT = {
    "run.output_directory",
    "run.name",
    "run.debug",
    "data.data_directory",
    "data.download",
    "data.cache_directory",
    "data.memory_limit_gigabytes",
    "teacher.path",
}


def load_splits(config):
    """Load the data that a configuration asks for, and print what it is."""
    section = config.data
    splits = data.load(
        section.dataset,
        section.data_directory,
        download=section.download,
        cache_directory=section.cache_directory,
        memory_limit_gigabytes=section.memory_limit_gigabytes,
        validation_fraction=section.validation_fraction,
        test_fraction=section.test_fraction,
        split_seed=section.split_seed,
        max_train_examples=section.max_train_examples,
        image_size=section.image_size,
        resize=section.resize,
    )
    height, width, channels = splits.image_shape
    print(
        f"{splits.name}: {len(splits.train)} images to train on, {len(splits.validation)} for "
        f"validation, {len(splits.test)} for test; {height}x{width}x{channels}, "
        f"{splits.num_classes} classes"
    )
    for note in splits.notes:
        print(f"  {note}")
    return splits


def make_augmentation(config, splits):
    """The augmentation that a configuration asks for, on these images."""
    return data.Augmentation.resolve(
        splits,
        crop_padding=config.data.crop_padding,
        padding=config.data.padding,
        flip=config.data.flip,
    )


def build_network(section, splits, seed):
    """A new network of a `Teacher` or `Student` section, or the student's own file."""
    if section.path:
        model = load_model(section.path)
        _require_fit(model, section.path, splits)
        return model
    return models.get(
        section.network,
        image_shape=splits.image_shape,
        num_classes=splits.num_classes,
        depth=section.depth,
        width=section.width,
        dropout=section.dropout,
        mean=splits.mean,
        standard_deviation=splits.standard_deviation,
        seed=seed,
    )


def load_model(path):
    """Load a `.keras` classifier, in safe mode, and make it give logits.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If the file is damaged, runs code, or is no classifier.
    """
    return models.to_logits(export.load_keras(path))


def _require_fit(model, path, splits):
    shape = tuple(model.input_shape[1:])
    if shape != tuple(splits.image_shape) and None not in shape:
        raise ValueError(
            f"{path} takes other images. Expected {splits.image_shape}. Received: {shape}. "
            "Set --image_size and --resize, or take another model."
        )
    if model.output_shape[-1] != splits.num_classes:
        raise ValueError(
            f"{path} knows another number of classes. Expected {splits.num_classes}, as in "
            f"{splits.name}. Received: {model.output_shape[-1]}."
        )


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
            return training.read_json(folder / "config.json")
    return {}


def read_teacher(config, splits):
    """Load the teacher of a configuration.

    Returns:
        The teacher, and the path it came from.

    Raises:
        FileNotFoundError: If it has not been trained.
        ValueError: If it does not fit the data.
    """
    if config.teacher.path:
        path = find_model(config.teacher.path)
    else:
        path = teacher_folder(config).path / "teacher.keras"
        if not path.is_file():
            section = config.teacher
            raise FileNotFoundError(
                f"No teacher at {path.parent}. Train one first: python main.py train_teacher "
                f"--dataset={config.data.dataset} --teacher={section.network} "
                f"--teacher_depth={section.depth} --teacher_width={section.width}, with your "
                "other flags; or name one: --teacher_path=FILE."
            )
    teacher = load_model(path)
    _require_fit(teacher, path, splits)
    return teacher, path


def build_distiller(config, splits, student, teacher=None):
    """Put the parts together and compile them; without a teacher it trains on labels alone."""
    section = config.distillation
    matching, adversary = [], None
    if teacher is not None:
        matching = [
            (losses.get(name, **_loss_arguments(name, section)), weight)
            for name, weight in section.weighted_losses
        ]
        if section.adversarial_weight:
            adversary = _build_adversary(config, splits)
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=matching,
        supervised_weight=section.supervised_weight if teacher is not None else 1.0,
        adversary=adversary,
        adversarial_weight=section.adversarial_weight,
        track_gradient_shares=section.track_gradient_shares,
    )
    steps = data.steps_per_epoch(splits.train, config.training.batch_size)
    recipe = config.training
    distiller.compile(
        _make_optimizer(recipe, recipe, steps, average_decay=recipe.average_decay),
        _make_optimizer(config.discriminator, recipe, steps) if adversary else None,
        xla=recipe.xla,
        clip_norm=recipe.clip_norm or None,
    )
    return distiller


def _loss_arguments(name, section):
    accepted = losses.arguments(name)
    return {key: value for key, value in dataclasses.asdict(section).items() if key in accepted}


def _build_adversary(config, splits):
    section = config.discriminator
    image_shape = splits.image_shape if section.condition == "image" else None
    discriminator = models.get(
        "discriminator",
        num_classes=splits.num_classes,
        depth=section.depth,
        count_output_layer=section.count_output_layer,
        dropout=section.dropout,
        head=section.head,
        real_fake_output=section.real_fake_output,
        condition=section.condition,
        image_shape=image_shape,
        seed=config.run.seed + 1,
    )
    arguments = {"weight_clip": section.weight_clip} if section.game == "wasserstein" else {}
    return distillation.Adversary(
        discriminator,
        losses.games.get(section.game, **arguments),
        label_weight=section.label_weight,
        batch_statistics=section.batch_statistics,
        frozen_in_student_update=section.frozen_in_student_update,
    )


def _make_optimizer(section, recipe, steps_per_epoch, *, average_decay=0.0):
    schedule = training.EpochSchedule(
        section.learning_rate,
        recipe.schedule,
        epochs=recipe.epochs,
        steps_per_epoch=steps_per_epoch,
        drops=recipe.learning_rate_drops or None,
        drop_factor=recipe.learning_rate_drop_factor,
        warmup_epochs=recipe.warmup_epochs,
    )
    averaging = {"use_ema": True, "ema_momentum": average_decay} if average_decay else {}
    return training.CoupledSGD(
        schedule,
        coupled_weight_decay=section.weight_decay,
        momentum=section.momentum,
        nesterov=section.nesterov,
        **averaging,
    )


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
