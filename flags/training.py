"""Flags of the recipe: optimiser, schedule, precision and devices."""

from flags.section import Section
from kd_keras.config import Training

SECTION = Section("training", Training)
SECTION.add("epochs", "Passes over the training images.")
SECTION.add("patience", "End after so many epochs without a better validation error; 0: never.")
SECTION.add("batch_size", "Images in a step, over all devices together.")
SECTION.add("learning_rate", "Initial learning rate.")
SECTION.add("schedule", "How the learning rate falls.")
SECTION.add("learning_rate_drops", "Epochs, from 1, it falls at; empty: 40% and 80%.")
SECTION.add("learning_rate_drop_factor", "What it is multiplied by there.")
SECTION.add("warmup_epochs", "Epochs of a linear rise from 0.")
SECTION.add("momentum", "Momentum of SGD.")
SECTION.add("nesterov", "Nesterov's momentum.")
SECTION.add("weight_decay", "On every weight, coupled, as in PyTorch's SGD.")
SECTION.add("clip_norm", "Largest norm of the whole gradient; 0: any.")
SECTION.add("average_decay", "Of an exponential average of the weights; 0: none.")
SECTION.add("precision", "What the networks compute in; auto: what the machine is quick in.")
SECTION.add("xla", "Compile forward and backward passes with XLA; auto: where that is quicker.")
SECTION.add("devices", "How many GPUs (without one: logical CPUs), all, or which: 0,2.")
SECTION.add("micro_batches", "Parts a batch is run in, one after the other, to save memory.")
SECTION.add("checkpoint_gradients", "Save memory: compute activations again on the way back.")
SECTION.add("host_minutes", "How long the hosts of TF_CONFIG wait for each other.")
