"""Flags of what the student is trained on."""

from flags.section import Section
from kd_keras import losses
from kd_keras.config import Distillation

SECTION = Section("distillation", Distillation)
SECTION.add("supervised_weight", "Weight of the cross-entropy with the labels.")
SECTION.add(
    "loss", "Distillation losses, NAME or NAME:WEIGHT; empty: none.", choices=losses.names()
)
SECTION.add("temperature", "T of the soft target.")
SECTION.add("reduction", "How a distance of logits is taken over the classes.")
SECTION.add("adversarial_weight", "Weight of the learned loss; 0: no discriminator.")
SECTION.add("track_gradient_shares", "Record each term's share of the gradient.")
