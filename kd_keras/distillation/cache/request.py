"""What is asked of a teacher: which logits, of which images, kept how."""

import dataclasses
import functools
import hashlib
import json

import keras

from kd_keras import data, models
from kd_keras.distillation.cache import records

__all__ = ["Request"]

_LAYOUT = 1  # to be raised when the same request is written as other bytes


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """The logits that a signal needs, without how many views of them.

    Args:
        teacher: A functional model from images to logits, such as `models.mean_of` and
            `models.with_active_dropout` make it.
        split: The `data.Split` that is trained on.
        augmentation: The `data.Augmentation` of the views; None for the images as they are.
        view_seed: Of the views; see `data.training_batches`.
        samples: Answers to each view, where the teacher's dropout is active.
        top_k: How many of the largest logits are kept; 0: all of them.
        storage: `"float16"` or `"float32"`.
        batch_size: Images that the teacher is asked about at once.
        xla: Whether the teacher's forward pass is compiled with XLA.

    Raises:
        TypeError: If the teacher is not functional.
        ValueError: If there are not more classes than `top_k`.

    Example:
        >>> split = data.load("synthetic").train
        >>> image = keras.Input(split.image_shape)
        >>> teacher = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
        >>> request = Request(teacher=teacher, split=split)
        >>> len(request.fingerprint), request.record.size_bytes
        (64, 8)
    """

    teacher: keras.Model
    split: data.Split
    augmentation: data.Augmentation | None = None
    view_seed: int = 0
    samples: int = 1
    top_k: int = 0
    storage: str = "float16"
    batch_size: int = 128
    xla: bool = False

    @property
    def num_classes(self):
        """How many classes the teacher knows."""
        return self.teacher.output_shape[-1]

    @functools.cached_property
    def record(self):
        """How the logits of one image are kept."""
        return records.make_record(self.num_classes, top_k=self.top_k, storage=self.storage)

    @functools.cached_property
    def is_random(self):
        """Whether the teacher answers the same question differently every time."""
        return bool(models.active_random_states(self.teacher))

    @functools.cached_property
    def identity(self):
        """Everything that the logits depend on, plain values by name."""
        is_seeded = self.augmentation is not None or self.is_random
        replicas = self.teacher.distribute_strategy.num_replicas_in_sync
        # Each device draws its part's masks from the same state: others than one device draws.
        divided = {"replicas": replicas} if self.is_random and replicas > 1 else {}
        # XLA draws other masks from a state than TensorFlow's kernels do.
        divided |= {"xla": True} if self.is_random and self.xla else {}
        return {
            **divided,
            "layout": _LAYOUT,
            "teacher": models.fingerprint(self.teacher),
            "images": self.split.fingerprint,
            "augmentation": self.augmentation and dataclasses.asdict(self.augmentation),
            "view_seed": self.view_seed if is_seeded else None,
            "samples": self.samples,
            "top_k": self.top_k,
            "storage": self.storage,
        }

    @functools.cached_property
    def fingerprint(self):
        """SHA-256 of the identity, hexadecimal."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()
