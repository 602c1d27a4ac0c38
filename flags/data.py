"""Flags of the images: which, how they are split, how they are varied in training."""

from flags.section import Section
from kd_keras import data
from kd_keras.config import Data

SECTION = Section("data", Data)
SECTION.add("dataset", "The images.", choices=data.names())
SECTION.add("data_directory", "Where they lie; empty: the dataset's own place.")
SECTION.add("download", "Fetch what is missing.")
SECTION.add(
    "cache_directory", "Folder for decoded images that memory does not hold, and for stored logits."
)
SECTION.add("memory_limit_gigabytes", "Above it, images are mapped from disk.")
SECTION.add("validation_fraction", "Part of train held out to choose the model; 0: none.")
SECTION.add("test_fraction", "Part of train held out, where the data has no test split.")
SECTION.add("split_seed", "Seed of the held-out parts, the same for all runs to compare.")
SECTION.add("max_train_examples", "Use no more training images than this; 0: all.")
SECTION.add("image_size", "Side in pixels the pictures must have; 0: the first one's.")
SECTION.add("resize", "Scale pictures of another size to image_size.")
SECTION.add("crop_padding", "Pixels around the image before a random crop; -1: side / 8.")
SECTION.add("padding", "What those pixels are.")
SECTION.add("flip", "Mirror half of the images; auto: where the dataset allows it.")
SECTION.add("views", "Augmented views of an image before they repeat; 0: never.")
SECTION.add("view_seed", "Seed of the views, the same for all runs that share them.")
