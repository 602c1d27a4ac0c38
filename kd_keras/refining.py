"""From a finished run to one that goes on from its network, pruned or rounded as int8.

How filters are taken out and where numbers are rounded is in `models`; here are the settings that
such a run takes over, its folder, and what its network is made from.
"""

import dataclasses
import pathlib

from kd_keras import config, distillers, export, files, models, schedules, search, training

__all__ = [
    "SECTIONS",
    "adopt",
    "build_pruned",
    "build_quantized",
    "folder_of",
    "suit",
]

# What a run takes over from the one that its network comes from.
_OF_TEACHER = ("teacher", "training")
_OF_STUDENT = (*_OF_TEACHER, "student", "signal", "distillation", "discriminator")
# The sections of its own that it depends on, beside those of a student.
SECTIONS = {"prune": ("refinement", "pruning"), "quantize": ("refinement",)}
_ONE_LEARNS = {"joint": "none", "joint_share": "none", "joint_gradient_block": True}
LABELS_ALONE = config.Distillation(loss=(), adversarial_weight=0.0)


def adopt(settings, subject):
    """The settings of a finished run, for the epochs after something was done to its network.

    The data, the teacher, the terms and the recipe are the run's; a teacher learns from the labels
    alone, as it did, and where a second network learned along it is the teacher now. Weights that
    followed a schedule stay where it ended. The epochs, the learning rate and the gradient's
    largest norm are those of `refinement`: folded, a network has no normalisation that would
    forgive a large step. It is trained in float32, which the saved network is in, on one device,
    which every machine has.

    Args:
        settings: The `config.Config` of the command.
        subject: The `subjects.Subject`.

    Returns:
        The `config.Config`.

    Raises:
        ValueError: If the model has no record of a run, or one of another version.
    """
    if not subject.record:
        raise ValueError(
            f"Nothing is known of how {subject.path} was trained. Expected --run=FOLDER, the "
            "folder of a finished run with its config.json."
        )
    recorded = subject.record["config"]
    is_teacher = subject.record["identity"].get("command") == "train_teacher"
    names = _OF_TEACHER if is_teacher else _OF_STUDENT
    whole = config.from_dictionary({name: recorded[name] for name in names})
    sections = {name: getattr(whole, name) for name in names}
    if is_teacher:
        values = dataclasses.asdict(sections["teacher"])
        sections |= {"student": config.Student(**values), "distillation": LABELS_ALONE}
    else:
        terms = sections["distillation"]
        epochs = _epochs_done(subject) or sections["training"].epochs
        sections["distillation"] = dataclasses.replace(
            terms, weight_schedule=_ends_of(terms.schedules, epochs), **_ONE_LEARNS
        )
    if subject.teacher_path and not is_teacher:
        teacher = dataclasses.replace(sections["teacher"], path=str(subject.teacher_path))
        sections["teacher"] = teacher
    sections["training"] = dataclasses.replace(
        sections["training"],
        epochs=settings.refinement.epochs,
        learning_rate=settings.refinement.learning_rate,
        clip_norm=settings.refinement.clip_norm,
        schedule="cosine",
        learning_rate_drops=(),
        warmup_epochs=0,
        precision="float32",
        xla="auto",
        devices="1",
    )
    return dataclasses.replace(subject.config, **sections)


def _epochs_done(subject):
    """How many epochs the run had, which patience may have ended early; None where unknown."""
    path = pathlib.Path(subject.path).parent / "metrics.json"
    return files.read_json(path).get("epochs") if path.is_file() else None


def _ends_of(points_by_term, epochs):
    """Schedules that stay where others were in the last epoch; none where one had not begun."""
    return tuple(
        f"{term}=1:{schedules.value_at(points, epochs, before=0.0)}"
        for term, points in points_by_term.items()
        if points[0].epoch <= epochs
    )


def suit(settings, command):
    """The settings as far as they suit what the command does to the network.

    A network that rounds has no batch normalisation, so that its inner layers hold other numbers
    than those of the teacher: terms that compare them are left out, a discriminator that is shown
    them among these, and that is printed. XLA is not used on it, where it has not been tried.

    Args:
        settings: As `adopt` returns them.
        command: `"prune"` or `"quantize"`.

    Returns:
        The `config.Config`.

    Raises:
        ValueError: If no term remains.
    """
    if command != "quantize":
        return settings
    section = settings.distillation
    pairs = zip(section.weighted_losses, distillers.make_matching(settings), strict=True)
    inner = {name for (name, _), (loss, _) in pairs if loss.taps}
    left_out = sorted(inner)
    if settings.discriminator.tap and section.adversarial_weight:
        inner.add("adversarial")
        left_out.append("the adversary")
    if inner:
        print(f"  without {', '.join(left_out)}: folding changes the numbers of inner layers")
    section = dataclasses.replace(
        section,
        loss=tuple(entry for entry in section.loss if entry.partition(":")[0] not in inner),
        loss_option=tuple(o for o in section.loss_option if o.partition(".")[0] not in inner),
        adversarial_weight=0.0 if "adversarial" in inner else section.adversarial_weight,
        weight_schedule=tuple(
            entry for entry in section.weight_schedule if _term_of(entry) not in inner
        ),
    )
    recipe = dataclasses.replace(settings.training, xla="no")
    return dataclasses.replace(settings, distillation=section, training=recipe)


def _term_of(entry):
    """The term whose weight or temperature an entry of `weight_schedule` is."""
    return entry.partition("=")[0].partition(".")[0]


def folder_of(settings, subject, command):
    """The folder of the new run: the one of that name, or one beside the run it goes on from."""
    if settings.run.name:
        return training.RunFolder(pathlib.Path(settings.run.output_directory) / settings.run.name)
    ending = f"pruned{_name_pruning(settings)}" if command == "prune" else "int8"
    origin = subject.path.parent
    return training.RunFolder(origin.with_name(f"{origin.name}-{ending}"))


def _name_pruning(settings):
    """What was asked for: a fraction that is searched for is not known yet."""
    section, limits = settings.pruning, settings.budget.limits
    if not (limits or section.as_fast_as):
        return f"{100 * section.fraction:g}"
    asked = [search.format_quantity(name, limit) for name, limit in limits.items()]
    if section.as_fast_as:
        name = pathlib.Path(section.as_fast_as).name
        asked.append(f"as-fast-as-{name.removesuffix('.keras').removesuffix('.tflite')}")
    form = section.format.removeprefix("tflite_")
    return "-".join(["", *asked, form]).replace(" ", "-")


def build_pruned(settings, model, splits):
    """The network without its weakest filters; its size before and after is printed.

    Args:
        settings: The `config.Config`.
        model: The trained network.
        splits: Its data.

    Returns:
        A functional model.
    """
    pruned = models.prune_filters(model, settings.pruning.fraction)
    _re_estimate(settings, pruned, splits)
    before, after = (export.measure_complexity(m, splits.image_shape) for m in (model, pruned))
    for name in ("parameters", "multiply_adds"):
        pair = getattr(before, name), getattr(after, name)
        words = name.replace("_", "-")
        print(f"  {words}: {pair[0]:,} before, {pair[1]:,} after ({100 * pair[1] / pair[0]:.1f}%)")
    return pruned


def build_quantized(settings, model, splits):
    """The network with its normalisation folded, that rounds as its int8 file will.

    Args:
        settings: The `config.Config`.
        model: The trained network.
        splits: Its data, on which the ranges start.

    Returns:
        A functional model.
    """
    _re_estimate(settings, model, splits)
    quantized = models.with_fake_quantization(export.fold(models.to_float32(model)))
    images = splits.train.draw_images(settings.export.calibration_images, settings.run.seed)
    quantized(images.astype("float32"), training=True)
    return quantized


def _re_estimate(settings, model, splits):
    count = settings.refinement.statistics_images
    if not count:
        return
    images = splits.train.draw_images(count, settings.run.seed)
    normalizations = models.re_estimate_statistics(model, images)
    print(f"  batch normalisations measured anew on {len(images)} images: {normalizations}")
