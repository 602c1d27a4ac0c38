"""The configuration of one command: frozen dataclasses with the defaults and the range checks.

One class per section. A field's default stands beside it, its unit in its comment. Types are
checked by the flags, names by the tables, shapes by the constructors; ranges and combinations
are checked here and nowhere else. Nothing here imports more than the standard library.
"""

import dataclasses
import math
import typing

from kd_keras import registry, sizes

__all__ = [
    "Config",
    "Data",
    "Discriminator",
    "Distillation",
    "Evaluation",
    "Export",
    "Run",
    "Student",
    "Teacher",
    "Training",
    "from_dictionary",
]


def _require(condition, name, expected, received):
    if not condition:
        raise ValueError(f"Invalid value for {name}. Expected {expected}. Received: {received}.")


def _require_fraction(name, value):
    _require(0.0 <= value < 1.0, name, "a number from 0 up to but not including 1", value)


def _require_positive(section, *names):
    for name in names:
        value = getattr(section, name)
        _require(value > 0, name, "a number above 0", value)


def _require_not_negative(section, *names):
    for name in names:
        value = getattr(section, name)
        _require(value >= 0, name, "0 or more", value)


def _choice(default, *others):
    return dataclasses.field(default=default, metadata={"choices": (default, *others)})


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Section:
    def __post_init__(self):
        for field in dataclasses.fields(self):
            choices = field.metadata.get("choices")
            value = getattr(self, field.name)
            if choices and value not in choices:
                raise registry.unknown_name(field.name, choices, value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run(_Section):
    """Where a run lives and what makes it repeatable."""

    output_directory: str = "saved_models"  # the folder of run folders
    name: str = ""  # the run's own folder; empty: made from what is trained
    seed: int = 0  # of initialisation, order, augmentation and dropout
    deterministic: bool = False  # slower kernels that give the same bits every time
    debug: bool = False  # show the traceback of an error

    def __post_init__(self):
        super().__post_init__()
        _require(0 <= self.seed < 2**31, "seed", "a number from 0 to 2147483647", self.seed)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Data(_Section):
    """Which images, how they are split, and how they are varied in training."""

    dataset: str = "digits"
    data_directory: str = ""  # where the data lies; empty: the dataset's own place
    download: bool = False  # fetch what is missing
    cache_directory: str = "~/.cache/kd_keras"  # decoded images larger than memory
    memory_limit_gigabytes: float = 4.0  # above it, images are mapped from disk
    validation_fraction: float = 0.1  # of train; 0: no validation, the last epoch is kept
    test_fraction: float = 0.1  # of train, where the data has no test split
    split_seed: int = 0  # of the validation and test split, apart from the run's seed
    max_train_examples: int = 0  # use no more training images than this; 0: all
    image_size: int = 0  # side in pixels that the pictures must have; 0: the first one's
    resize: bool = False  # scale pictures of another size to image_size
    crop_padding: int = -1  # pixels on each side before a random crop; -1: an eighth of the side
    padding: str = _choice("zero", "reflect")
    flip: str = _choice("auto", "yes", "no")  # auto: where the dataset allows it

    def __post_init__(self):
        super().__post_init__()
        _require_positive(self, "memory_limit_gigabytes")
        _require_fraction("validation_fraction", self.validation_fraction)
        _require_fraction("test_fraction", self.test_fraction)
        _require_not_negative(self, "split_seed", "max_train_examples", "image_size")
        _require(self.crop_padding >= -1, "crop_padding", "-1 or more", self.crop_padding)
        _require(
            not self.resize or self.image_size > 0,
            "image_size",
            "the side in pixels to scale to, because resize is set",
            self.image_size,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Network(_Section):
    """What a teacher and a student have in common."""

    network: str = "wide_resnet"
    depth: int = 16  # layers, as in WRN-depth-width
    width: int = 4  # factor on the channels
    dropout: float = 0.3  # probability, inside the residual blocks
    path: str = ""  # a .keras file or a run's folder instead of a new network

    def __post_init__(self):
        super().__post_init__()
        _require_positive(self, "width")
        sizes.check(self.network, self.depth)
        _require_fraction("dropout", self.dropout)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Teacher(_Network):
    """The network that is known to be good."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Student(_Network):
    """The network that is to be small and fast."""

    depth: int = 10  # layers, as in WRN-depth-width
    width: int = 2  # factor on the channels


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(_Section):
    """What the student is trained on: its weighted terms."""

    supervised_weight: float = 1.0  # of the cross-entropy with the labels
    loss: tuple[str, ...] = ("logit_l1",)  # "name" or "name:weight", any number
    temperature: float = 4.0  # T of the soft target
    reduction: str = _choice("sum", "mean")  # over the classes; the paper prints a sum
    adversarial_weight: float = 1.0  # of the learned loss; 0: no discriminator
    teacher_signal: str = _choice("live", "clean")  # of the view the student sees, or plain
    track_gradient_shares: bool = False  # each term's share of the gradient on the logits

    def __post_init__(self):
        super().__post_init__()
        _require_not_negative(self, "supervised_weight", "adversarial_weight")
        _require_positive(self, "temperature")
        for entry in self.loss:
            name, separator, weight = entry.partition(":")
            try:
                valid = not separator or 0 < float(weight) < math.inf
            except ValueError:
                valid = False
            _require(
                name and valid, "loss", "NAME or NAME:WEIGHT with a weight above 0", repr(entry)
            )
        names = [name for name, _ in self.weighted_losses]
        _require(len(set(names)) == len(names), "loss", "each loss once", ",".join(self.loss))
        _require(
            self.supervised_weight or self.adversarial_weight or self.loss,
            "supervised_weight, loss and adversarial_weight",
            "at least one term to train on",
            "none",
        )

    @property
    def weighted_losses(self):
        """Pairs of a loss's name and its weight."""
        pairs = (entry.partition(":") for entry in self.loss)
        return tuple((name, float(weight or 1.0)) for name, _, weight in pairs)

    @property
    def needs_teacher(self):
        """Whether any term looks at the teacher."""
        return bool(self.loss) or self.adversarial_weight > 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Discriminator(_Section):
    """The network that learns the loss, and the game it plays."""

    game: str = "minimax"  # what takes the place of L_A
    depth: int = 3  # layers of C nodes
    count_output_layer: bool = False  # the output layer is one of the depth
    dropout: float = 0.3  # probability, inside the residual blocks
    head: str = _choice("auxiliary", "joint")  # C + 2 outputs, or 2C (class x real/fake)
    real_fake_output: str = _choice("softmax", "sigmoid")  # two outputs or one
    condition: str = _choice("none", "label", "image", "teacher_logits")
    batch_statistics: str = _choice("separate", "joint")  # of teacher and student logits
    frozen_in_student_update: bool = False  # no dropout, moving statistics in that update
    label_weight: float = 1.0  # of L_DS inside both objectives; 0: the plain game
    learning_rate: float = 1e-3  # initial, on the student's schedule
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    weight_clip: float = 0.01  # of the wasserstein game alone

    def __post_init__(self):
        super().__post_init__()
        _require(1 <= self.depth <= 16, "depth", "1 to 16", self.depth)
        _require_fraction("dropout", self.dropout)
        _require_fraction("momentum", self.momentum)
        _require_not_negative(self, "label_weight", "weight_decay")
        _require_positive(self, "learning_rate", "weight_clip")
        _require(
            self.momentum > 0 or not self.nesterov,
            "momentum",
            "a number above 0, because nesterov is set",
            self.momentum,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training(_Section):
    """The recipe: optimiser, schedule, precision and devices."""

    epochs: int = 30
    batch_size: int = 128  # images, over all devices together
    learning_rate: float = 0.1  # initial
    schedule: str = _choice("step", "cosine", "constant")
    learning_rate_drops: tuple[int, ...] = ()  # epochs, from 1; empty: at 40% and 80%
    learning_rate_drop_factor: float = 0.1
    warmup_epochs: int = 0  # of a linear rise from 0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4  # coupled, on every weight, as in PyTorch's SGD
    clip_norm: float = 0.0  # of the whole gradient; 0: none
    average_decay: float = 0.0  # of the exponential average of the weights; 0: none
    precision: str = _choice("float32", "mixed_bfloat16", "mixed_float16")
    xla: bool = False
    devices: str = "1"  # all, or how many

    def __post_init__(self):
        super().__post_init__()
        _require_positive(self, "epochs", "batch_size", "learning_rate")
        _require_not_negative(self, "warmup_epochs", "weight_decay", "clip_norm")
        _require_fraction("momentum", self.momentum)
        _require_fraction("average_decay", self.average_decay)
        factor = self.learning_rate_drop_factor
        _require(0 < factor <= 1, "learning_rate_drop_factor", "above 0 and no more than 1", factor)
        drops = self.learning_rate_drops
        _require(
            list(drops) == sorted(set(drops)) and all(drop >= 1 for drop in drops),
            "learning_rate_drops",
            "epochs from 1 on, in ascending order",
            ",".join(map(str, drops)),
        )
        _require(
            self.warmup_epochs <= self.epochs,
            "warmup_epochs",
            f"no more than the {self.epochs} epochs",
            self.warmup_epochs,
        )
        _require(
            self.momentum > 0 or not self.nesterov,
            "momentum",
            "a number above 0, because nesterov is set",
            self.momentum,
        )
        valid = self.devices == "all" or (self.devices.isdecimal() and int(self.devices) > 0)
        _require(valid, "devices", "all or a number above 0", self.devices)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation(_Section):
    """Which finished model is looked at, and on which images."""

    run: str = ""  # a run's folder
    model: str = ""  # a .keras file, a SavedModel folder or a .tflite file
    split: str = _choice("test", "validation", "train")

    def __post_init__(self):
        super().__post_init__()
        _require(not (self.run and self.model), "run and model", "one of the two", "both")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(_Section):
    """Which files are written, and when one of them fails."""

    formats: tuple[str, ...] = ("saved_model", "tflite_float32")
    include_preprocessing: bool = True  # the file takes pixels from 0 to 255
    max_logit_difference: float = 1e-3  # largest allowed, to the Keras model
    max_error_increase: float = 0.0  # percentage points allowed on the split

    def __post_init__(self):
        super().__post_init__()
        _require(self.formats, "formats", "at least one format", "none")
        _require_not_negative(self, "max_logit_difference", "max_error_increase")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that one command needs to know."""

    run: Run = Run()
    data: Data = Data()
    teacher: Teacher = Teacher()
    student: Student = Student()
    distillation: Distillation = Distillation()
    discriminator: Discriminator = Discriminator()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    export: Export = Export()

    def to_dictionary(self):
        """Nested dictionaries of plain values, as they are written to `config.json`."""
        return dataclasses.asdict(self)


def _as_declared(value, annotation):
    if typing.get_origin(annotation) is tuple:
        return tuple(value)
    return value


def from_dictionary(dictionary):
    """The inverse of `Config.to_dictionary`.

    Args:
        dictionary: Sections by name, each a dictionary of its fields. What is missing takes its
            default.

    Returns:
        The `Config`.

    Raises:
        ValueError: If there is a section or a field that this version does not know, or a value
            is out of range.

    Example:
        >>> from_dictionary({"training": {"epochs": 3}}).training.epochs
        3
    """
    sections = {field.name: field.type for field in dataclasses.fields(Config)}
    unknown = sorted(set(dictionary) - set(sections))
    _require(not unknown, "configuration", f"sections {', '.join(sections)}", ", ".join(unknown))
    built = {}
    for name, values in dictionary.items():
        annotations = {field.name: field.type for field in dataclasses.fields(sections[name])}
        unknown = sorted(set(values) - set(annotations))
        _require(not unknown, name, f"fields {', '.join(annotations)}", ", ".join(unknown))
        built[name] = sections[name](
            **{key: _as_declared(value, annotations[key]) for key, value in values.items()}
        )
    return Config(**built)
