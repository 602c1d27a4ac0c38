"""What the student hears of the teacher: live, or from logits that were asked for once."""

import typing

import keras

from kd_keras import models, registry
from kd_keras.distillation.cache import Request, open_signal

__all__ = ["Signal", "make_request", "make_signal", "require_kept"]

_KEPT = ("clean", "views")


class Signal(typing.NamedTuple):
    """How a student is given a teacher's logits.

    Attributes:
        extras: For `data.training_batches`, which then carry the logits; None where the teacher
            is asked in every step.
        teacher: For the `Distiller`, which runs it where batches carry no logits.
    """

    extras: typing.Callable | None
    teacher: keras.Model


def require_kept(source):
    """Refuse a source of which nothing is kept.

    Raises:
        ValueError: If it is none that asks the teacher only once.
    """
    if source not in _KEPT:
        raise ValueError(
            f"Nothing is kept of this signal. Expected {' or '.join(_KEPT)}. Received: {source}. "
            "Set --teacher_signal=views."
        )


def make_request(source, teacher, split, *, augmentation, view_seed=0, dropout=False, **kept):
    """What a signal asks of the teacher, where it asks only once.

    Args:
        source: `"clean"` or `"views"`.
        teacher: A functional model from images to logits.
        split: The `data.Split` to train on.
        augmentation: The `data.Augmentation` of training.
        view_seed: Of its views, as given to `data.training_batches`.
        dropout: Whether the teacher's dropout is active.
        **kept: `samples`, `top_k`, `storage`, `batch_size`, `xla` of `cache.Request`.

    Returns:
        A `cache.Request`.

    Raises:
        ValueError: If dropout is to be active and there is none, or the source asks anew in
            every step.
    """
    require_kept(source)
    return Request(
        teacher=models.with_active_dropout(teacher, seed=view_seed) if dropout else teacher,
        split=split,
        augmentation=augmentation if source == "views" else None,
        view_seed=view_seed,
        **kept,
    )


def make_signal(
    source,
    teacher,
    split,
    *,
    views,
    directory="~/.cache/kd_keras",
    label="teacher",
    seed=0,
    dropout=False,
    **asked,
):
    """Connect a student to its teacher.

    - `"live"`: the teacher runs on the batch that the student sees.
    - `"clean"`: its logits of the plain image, asked once. This is the reading of the paper's
      stored logits that its text suggests.
    - `"views"`: its logits of exactly the view that the student sees, asked once.

    Args:
        source: One of these.
        teacher: A functional model from images to logits; several are one by `models.mean_of`.
        split: The `data.Split` to train on.
        views: How many views training goes through; give `data.training_batches` as many.
        directory: Of the stored logits; `~` stands for the home folder.
        label: Readable beginning of their folder's name.
        seed: Of the run: of live masks, or of the choice among several samples.
        dropout: Whether the teacher's dropout is active.
        **asked: The other arguments of `make_request`; where the source is live, none is needed.

    Returns:
        A `Signal`.

    Raises:
        ValueError: If there is no such source, the stored logits cannot be used, or dropout is
            to be active and there is none.
        OSError: If there is not enough space on the disk.

    Example:
        >>> import tempfile
        >>> from kd_keras import data
        >>> splits = data.load("synthetic")
        >>> image = keras.Input(splits.image_shape)
        >>> teacher = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
        >>> signal = make_signal("live", teacher, splits.train, views=1)
        >>> signal.extras is None, signal.teacher is teacher
        (True, True)

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, sections 4.1 and 5; Beyer et
        al., "Knowledge Distillation: A Good Teacher Is Patient and Consistent", 2022, section 3.
    """
    if source not in ("live", *_KEPT):
        raise registry.unknown_name("source", ("live", *_KEPT), source)
    if source == "live":
        return Signal(None, models.with_active_dropout(teacher, seed=seed) if dropout else teacher)
    request = make_request(source, teacher, split, dropout=dropout, **asked)
    views = views if source == "views" else 1
    extras = open_signal(request, directory, views=views, label=label, seed=seed)
    return Signal(extras, teacher)
