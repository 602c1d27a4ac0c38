"""Flags of what the student is trained on."""

from flags.section import Section
from kd_keras import losses
from kd_keras.config import Distillation

SECTION = Section("distillation", Distillation)
SECTION.add("supervised_weight", "Weight of the cross-entropy with the labels.")
SECTION.add(
    "loss",
    "Distillation losses, NAME with its published weight or NAME:WEIGHT; empty: none.",
    choices=losses.names(),
)
SECTION.add(
    "loss_option",
    "Arguments of these losses, NAME.ARGUMENT=VALUE, see docs/methods.md. Layers: "
    "NAME.taps=LAYER+LAYER of the student, NAME.teacher_taps=LAYER+LAYER of the teacher.",
)
SECTION.add("temperature", "T of the losses that soften.")
SECTION.add("reduction", "How a distance of logits is taken over the classes.")
SECTION.add("adversarial_weight", "Weight of the learned loss; 0: no discriminator.")
SECTION.add(
    "joint",
    "A second network, of the --teacher flags, that learns along from scratch: in mutual learning "
    "from the student too, in rocket launching from labels alone; see docs/methods.md.",
)
SECTION.add(
    "joint_share",
    "Convolutions that the two have in common in rocket launching: the second network's first "
    "ones, or the first ones of its every group.",
)
SECTION.add(
    "joint_gradient_block",
    "Whether the losses of rocket launching reach the student alone.",
)
SECTION.add(
    "weight_schedule",
    "Weights by the epoch, TERM=EPOCH:VALUE+EPOCH:VALUE with + for a step and ~ for a straight "
    "line, see docs/methods.md.",
)
SECTION.add("track_gradient_shares", "Record each term's share of the gradient.")
