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
    "weight_schedule",
    "Weights by the epoch, TERM=EPOCH:VALUE+EPOCH:VALUE with + for a step and ~ for a straight "
    "line, see docs/methods.md.",
)
SECTION.add("track_gradient_shares", "Record each term's share of the gradient.")
