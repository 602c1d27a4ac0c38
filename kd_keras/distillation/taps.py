"""Which layers of the two networks the losses read, and fitting the losses to them.

What is made of the layers' outputs is in `kd_keras.losses`.
"""

import difflib

from kd_keras import registry
from kd_keras.models import graphs, with_taps

__all__ = [
    "adversary_pairs",
    "connect_losses",
    "count_features",
    "require_features",
    "require_no_clash",
    "student_layers",
    "teacher_layers",
]

_LISTED_LAYERS = 20


def teacher_layers(loss):
    """The layers of the teacher that a loss compares.

    Args:
        loss: A `losses.DistillationLoss`.

    Returns:
        Layers by the loss's names for them; none where it reads logits.
    """
    pairs = tuple(zip(loss.taps, loss.teacher_taps or loss.taps, strict=True))
    if not loss.teachers:
        return dict(pairs)
    return {f"{one}/{tap}": f"{one}/{layer}" for one in loss.teachers for tap, layer in pairs}


def student_layers(loss):
    """The layers of the student, as `teacher_layers`."""
    return {tap: tap for tap in loss.taps}


def adversary_pairs(adversary):
    """The layers, the teacher's and the student's, that an adversary is shown in logits' place."""
    if adversary is None or not adversary.tap:
        return []
    return [(adversary.teacher_tap or adversary.tap, adversary.tap)]


def count_features(role, model, layer):
    """How many features an adversary is shown of a layer: its channels.

    Args:
        role: Whose layer it is, "teacher" or "student", for the error.
        model: A functional model.
        layer: The layer's name.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If there is no such layer.
    """
    return _shapes("adversary", role, model, {layer: layer})[layer][-1]


def require_features(adversary, teacher, student):
    """Refuse layers that have not as many features as the discriminator takes.

    Args:
        adversary: An `Adversary`, or None.
        teacher: A functional model, or None.
        student: A functional model.

    Raises:
        TypeError: If a model is not functional.
        ValueError: If a network has no such layer, or it has other features.
    """
    for pair in adversary_pairs(adversary):
        expected = adversary.num_features
        for role, model, layer in zip(
            ("teacher", "student"), (teacher, student), pair, strict=True
        ):
            found = expected if model is None else count_features(role, model, layer)
            if found != expected:
                raise ValueError(
                    f"The discriminator cannot be shown {layer} of the {role}. Expected "
                    f"{expected} features, as it takes. Received: {found}. Teacher and student "
                    "need layers with as many channels as each other."
                )


def require_no_clash(discriminator, tap, teacher_tap, teachers, look_ahead):
    """Refuse what an adversary looks at in logits beside a tap, which is shown in their place.

    Args:
        discriminator: Its network.
        tap: The student's layer that it is shown; empty: logits.
        teacher_tap: The teacher's beside it; empty: the same.
        teachers: Names of several teachers' logits.
        look_ahead: Whether it learns to tell the student of the next update.

    Raises:
        ValueError: If they do not go together.
    """
    if teacher_tap and not tap:
        raise ValueError(
            "Invalid value for teacher_tap. Expected none, because tap is not set. "
            f"Received: {teacher_tap}."
        )
    named = [tensor.name for tensor in discriminator.inputs]
    of_logits = {
        "look_ahead": look_ahead,
        "teachers": teachers,
        "the condition teacher_logits": "teacher_logits" in named,
    }
    used = [name for name, is_used in of_logits.items() if is_used]
    if tap and used:
        raise ValueError(
            f"A discriminator that is shown {tap} cannot have {', '.join(used)}, which is of "
            "logits. Set one of the two alone."
        )


def connect_losses(matching, teacher, student):
    """Fit the losses on taps to the two networks, which makes their trainable parts.

    Args:
        matching: `losses.DistillationLoss`es by name.
        teacher: A functional model; None where the losses were fitted before they were saved.
        student: A functional model.

    Raises:
        TypeError: If a model is not functional.
        ValueError: If a loss reads taps and there is no teacher, a network has no layer of a
            name, or the loss cannot compare the two.
    """
    on_taps = {name: loss for name, loss in matching.items() if loss.taps}
    if teacher is None:
        waiting = [tap for loss in on_taps.values() if not loss.built for tap in loss.taps]
        if waiting:
            raise ValueError(
                f"Losses on taps ({', '.join(dict.fromkeys(waiting))}) need the teacher itself. "
                "Expected teacher=. Received: None."
            )
        return
    for name, loss in on_taps.items():
        loss.connect(
            _shapes(name, "teacher", teacher, teacher_layers(loss)),
            _shapes(name, "student", student, student_layers(loss)),
        )


def _shapes(name, role, model, layers):
    """The shapes of layers and logits, by the loss's names for them."""
    graphs.require_one_output(model)
    available = graphs.layer_names(model)
    for layer in layers.values():
        if layer not in available:
            raise _unknown_layer(name, role, available, layer)
    outputs = with_taps(model, tuple(dict.fromkeys(layers.values()))).output
    shapes = {tap: outputs[layer].shape for tap, layer in layers.items()}
    return {**shapes, "logits": outputs["logits"].shape}


def _unknown_layer(name, role, available, layer):
    listed = available
    if len(available) > _LISTED_LAYERS:
        near = difflib.get_close_matches(layer, available, n=_LISTED_LAYERS, cutoff=0.5)
        listed = near or available[-_LISTED_LAYERS:]
    unknown = registry.unknown_name(f"layer of the {role}", listed, layer)
    more = f" It has {len(available)} layers in all." if len(listed) < len(available) else ""
    return ValueError(
        f"{unknown}{more} {name} reads it: set taps to layers of the student, and teacher_taps to "
        "the teacher's where they have other names."
    )
