"""Flags of the discriminator and its game."""

from flags.section import Section
from kd_keras.config import Discriminator
from kd_keras.losses import games

SECTION = Section("discriminator", Discriminator, prefix="discriminator_")
SECTION.add("game", "What takes the place of L_A.", name="game", choices=games.names())
SECTION.add("depth", "Layers of as many nodes as classes.")
SECTION.add("count_output_layer", "The output layer is one of the depth.")
SECTION.add("dropout", "Dropout probability.")
SECTION.add("head", "Class and real/fake outputs apart, or one output for each pair.")
SECTION.add("real_fake_output", "Real/fake as a softmax of two outputs, or one sigmoid.")
SECTION.add("condition", "What it sees beside the logits.")
SECTION.add("batch_statistics", "Of teacher and student logits: apart or together.")
SECTION.add("frozen_in_student_update", "Inference mode while the student is updated.")
SECTION.add("label_weight", "Weight of L_DS in both objectives; 0: the plain game.")
SECTION.add("learning_rate", "Initial learning rate, on the student's schedule.")
SECTION.add("momentum", "Momentum.")
SECTION.add("nesterov", "Nesterov's momentum.")
SECTION.add("weight_decay", "Coupled weight decay.")
SECTION.add("weight_clip", "Largest weight in the wasserstein game.")
SECTION.add("penalty_weight", "Weight of the slope's penalty in the wasserstein_penalty game.")
SECTION.add("look_ahead", "It learns from the student expected after another update.")
SECTION.add("tap", "The student's layer that it is shown, such as pooled; empty: the logits.")
SECTION.add("teacher_tap", "The teacher's layer beside it; empty: of the same name.")
SECTION.add("several_teachers", "Each teacher of --teacher_ensemble is real, not their mean.")
