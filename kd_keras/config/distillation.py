"""What the student is trained on: its terms, and the learned one among them."""

import dataclasses
import math

from kd_keras import schedules
from kd_keras.config.checks import (
    Section,
    choice,
    require,
    require_fraction,
    require_not_negative,
    require_positive,
)

__all__ = ["Discriminator", "Distillation"]

_PUBLISHED_JOINT = {
    "mutual": "--loss=soft_target --temperature=1 as published",
    "rocket": "--loss=logit_regression:0.03 as published",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Distillation(Section):
    """What the student is trained on: its weighted terms."""

    supervised_weight: float = 1.0  # of the cross-entropy with the labels
    loss: tuple[str, ...] = ("logit_l1",)  # "name" or "name:weight", any number
    loss_option: tuple[str, ...] = ()  # "name.argument=value", of those losses
    temperature: float = 4.0  # T of the soft target
    reduction: str = choice("sum", "mean")  # over the classes; the paper prints a sum
    adversarial_weight: float = 1.0  # of the learned loss; 0: no discriminator
    joint: str = choice("none", "mutual", "rocket")  # a second network that learns along
    joint_share: str = choice("none", "bottom", "interval")  # convolutions, of rocket alone
    joint_gradient_block: bool = True  # of rocket: the losses do not reach the second network
    weight_schedule: tuple[str, ...] = ()  # "term=1:0+6:4~30:1", of weights by the epoch
    track_gradient_shares: bool = False  # each term's share of the gradient on the logits

    def __post_init__(self):
        super().__post_init__()
        require_not_negative(self, "supervised_weight", "adversarial_weight")
        require_positive(self, "temperature")
        for entry in self.loss:
            name, separator, weight = entry.partition(":")
            try:
                valid = not separator or 0 < float(weight) < math.inf
            except ValueError:
                valid = False
            require(
                name and valid, "loss", "NAME or NAME:WEIGHT with a weight above 0", repr(entry)
            )
        names = [name for name, _ in self.weighted_losses]
        require(len(set(names)) == len(names), "loss", "each loss once", ",".join(self.loss))
        self._check_options(names)
        self._check_schedules(names)
        self._check_joint()
        require(
            self.supervised_weight or self.adversarial_weight or self.loss,
            "supervised_weight, loss and adversarial_weight",
            "at least one term to train on",
            "none",
        )

    def _check_options(self, names):
        seen = set()
        for entry in self.loss_option:
            name, argument, value = _split_option(entry)
            require(
                name and argument and value is not None,
                "loss_option",
                "NAME.ARGUMENT=VALUE",
                repr(entry),
            )
            expected = f"an option of a loss in --loss ({', '.join(names) or 'there is none'})"
            require(name in names, "loss_option", expected, repr(entry))
            require((name, argument) not in seen, "loss_option", "each option once", repr(entry))
            seen.add((name, argument))

    def _check_schedules(self, names):
        terms = ["supervised", *names, *(["adversarial"] if self.adversarial_weight else [])]
        given = [entry.partition("=")[0] for entry in self.weight_schedule]
        require(
            len(set(given)) == len(given),
            "weight_schedule",
            "each term once",
            ",".join(self.weight_schedule),
        )
        for name, entry in zip(given, self.weight_schedule, strict=True):
            expected = f"TERM=POINTS, a term of {', '.join(terms)}, or TERM.temperature"
            require(name.partition(".")[0] in terms, "weight_schedule", expected, repr(entry))
        for name, points in self.schedules.items():
            positive = all(point.value > 0 for point in points)
            require(
                positive or "." not in name, "weight_schedule", f"values above 0 for {name}", "0"
            )

    def _check_joint(self):
        if self.joint != "rocket":
            expected = "{}, because joint is not rocket"
            require(
                self.joint_share == "none", "joint_share", expected.format("none"), self.joint_share
            )
            require(
                self.joint_gradient_block, "joint_gradient_block", expected.format("true"), "false"
            )
        if self.joint == "none":
            return
        require(
            not self.adversarial_weight,
            "adversarial_weight",
            f"0, because joint is {self.joint}: a discriminator needs a teacher that is trained",
            self.adversarial_weight,
        )
        published = _PUBLISHED_JOINT[self.joint]
        require(
            self.loss, "loss", f"at least one, because joint is {self.joint}: {published}", "none"
        )

    @property
    def schedules(self):
        """The schedules: points by the term's name."""
        pairs = (entry.partition("=") for entry in self.weight_schedule)
        try:
            return {name: schedules.read_schedule(points) for name, _, points in pairs}
        except ValueError as error:
            raise ValueError(f"Invalid value for weight_schedule. {error}") from None

    @property
    def weighted_losses(self):
        """Pairs of a loss's name and its weight, None where the published one is meant."""
        pairs = (entry.partition(":") for entry in self.loss)
        return tuple((name, float(weight) if weight else None) for name, _, weight in pairs)

    def options_of(self, name):
        """The options of one loss: texts by the argument's name."""
        options = map(_split_option, self.loss_option)
        return {argument: value for loss, argument, value in options if loss == name}

    @property
    def on_labels_alone(self):
        """Whether the student hears of no other network."""
        return not self.loss and not self.adversarial_weight

    @property
    def needs_teacher(self):
        """Whether any term looks at a teacher that has been trained before."""
        return not self.on_labels_alone and self.joint == "none"

    @property
    def learns_both_ways(self):
        """Whether a second network that learns along learns from the student, too."""
        return self.joint == "mutual" or not self.joint_gradient_block


def _split_option(entry):
    """The loss's name, the argument's and the value, which is None where there is none."""
    key, separator, value = entry.partition("=")
    name, _, argument = key.strip().partition(".")
    return name, argument, value.strip() if separator else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Discriminator(Section):
    """The network that learns the loss, and the game it plays."""

    game: str = "minimax"  # what takes the place of L_A
    depth: int = 3  # layers of C nodes
    count_output_layer: bool = False  # the output layer is one of the depth
    dropout: float = 0.3  # probability, inside the residual blocks
    head: str = choice("auxiliary", "joint")  # C + 2 outputs, or 2C (class x real/fake)
    real_fake_output: str = choice("softmax", "sigmoid")  # two outputs or one
    condition: str = choice("none", "label", "image", "teacher_logits")
    batch_statistics: str = choice("separate", "joint")  # of teacher and student logits
    frozen_in_student_update: bool = False  # no dropout, moving statistics in that update
    label_weight: float = 1.0  # of L_DS inside both objectives; 0: the plain game
    learning_rate: float = 1e-3  # initial, on the student's schedule
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    weight_clip: float = 0.01  # of the wasserstein game alone
    penalty_weight: float = 10.0  # of the slope, in the wasserstein_penalty game alone
    look_ahead: bool = False  # it learns to tell the student expected after another update
    several_teachers: bool = False  # each of an ensemble is real, not the mean of their logits
    tap: str = ""  # the student's layer that it is shown; empty: the logits
    teacher_tap: str = ""  # the teacher's beside it; empty: the same

    def __post_init__(self):
        super().__post_init__()
        require(1 <= self.depth <= 16, "depth", "1 to 16", self.depth)
        require_fraction("dropout", self.dropout)
        require_fraction("momentum", self.momentum)
        require_not_negative(self, "label_weight", "weight_decay")
        require_positive(self, "learning_rate", "weight_clip", "penalty_weight")
        require(
            self.tap or not self.teacher_tap,
            "teacher_tap",
            "none, because tap is not set",
            self.teacher_tap,
        )
        of_logits = {
            "look_ahead": self.look_ahead,
            "several_teachers": self.several_teachers,
            "condition": self.condition == "teacher_logits",
        }
        for name, is_set in of_logits.items():
            expected = "another, because tap is set, and this is of logits"
            require(not (is_set and self.tap), name, expected, getattr(self, name))
        require(
            self.momentum > 0 or not self.nesterov,
            "momentum",
            "a number above 0, because nesterov is set",
            self.momentum,
        )
