"""From a finished student to files for devices: what goes into them, their verdicts, their card."""

import dataclasses

import lazy_loader

from kd_keras import commands, export, files, judging, models, report

# They take seconds to import, and --help must not wait for them.
np = lazy_loader.load("numpy")

__all__ = [
    "choose_formats",
    "describe",
    "gather_contents",
    "judge",
    "print_verdicts",
    "write_files",
]

_ALL = "all"
_OF_A_RECIPE = (
    "teacher.",
    "student.",
    "signal.",
    "distillation.",
    "discriminator.",
    "training.",
    "refinement.",
    "pruning.",
    "run.seed",
)


def choose_formats(section):
    """The names of the formats that a configuration asks for; `all` are those installed."""
    if _ALL not in section.formats:
        return section.formats
    missing = sorted(set(export.names()) - set(export.available()))
    if missing:
        print(f"  without {', '.join(missing)}: pip install 'kd_keras[{','.join(missing)}]'")
    return export.available()


def gather_contents(config, subject, model, splits):
    """What goes into every file beside the weights.

    Args:
        config: The configuration: which seed draws how many images to learn ranges from.
        subject: The `subjects.Subject`.
        model: The Keras model of it.
        splits: Its data.

    Returns:
        A dictionary: the options of `export.write`.
    """
    section = config.export
    metadata = {
        "licence": section.licence,
        "limits": _limits_of_model(config, subject, splits),
        "fingerprint": {"weights": models.fingerprint_weights(model), "data": splits.fingerprint},
    }
    if not section.include_preprocessing:
        metadata["standardization"] = export.describe_standardization(model)
    return {
        "class_names": splits.class_names,
        "include_preprocessing": section.include_preprocessing,
        "batch_size": section.static_batch or None,
        "representative_images": splits.train.draw_images(
            section.calibration_images, config.run.seed
        ),
        "metadata": metadata,
    }


def write_files(section, model, directory, contents):
    """Write the formats that are asked for.

    One that was named has to hold the model. Of `all`, those that cannot are left out, which is
    printed with the reason and noted in `export.json`.

    Args:
        section: The configuration's section `export`.
        model: The Keras model.
        directory: The folder to write to.
        contents: The options of `export.write`, by name.

    Returns:
        The files by format.

    Raises:
        ValueError: If a named format, or every one, cannot hold the model.
    """
    left_out = {} if _ALL in section.formats else None
    formats = choose_formats(section)
    written = export.write(model, directory, formats, left_out=left_out, **contents)
    for name, reason in (left_out or {}).items():
        print(f"  without {name}: {reason}")
    return written


def judge(config, model, written, splits):
    """Run every file over a split, and time those that run, in turns.

    Args:
        config: The configuration.
        model: The Keras model.
        written: Paths of the files by format.
        splits: The data.

    Returns:
        The `export.Verdict`s, in the files' order.
    """
    verdicts = judging.verify_files(config, model, written, splits)
    repeats = config.export.latency_repeats
    running = [v.path for v in verdicts if v.error_after_percent is not None]
    if not (repeats and running):
        return verdicts
    image = judging.choose_split(splits, config.evaluation.split).images_at([0])[0]
    if not config.export.include_preprocessing:
        image = models.preprocessing(model)(image[np.newaxis].astype(np.float32))[0].numpy()
    latencies = export.measure_latency(running, image, repeats=repeats)
    return [
        dataclasses.replace(verdict, latencies=latencies.get(verdict.path, ()))
        for verdict in verdicts
    ]


def print_verdicts(config, verdicts):
    """Print what was found out about the files, and what it means to pass."""
    section = config.export
    print(report.format_table([report.verdict_row(verdict) for verdict in verdicts]))
    print()
    print(report.format_table([report.verdict_details_row(verdict) for verdict in verdicts]))
    print(
        f"pass: the error is at most {section.max_error_increase:g} percentage points above the "
        "model's, and in a file in float32 every logit is within "
        f"{section.max_logit_difference:g} of the model's, times the largest where that is above 1."
    )
    for verdict in verdicts:
        for reason in verdict.reasons:
            print(f"{verdict.path.name}: {reason}")
    if config.evaluation.run and any(map(_lost_by_rounding, verdicts)):
        print(
            "Training on with the rounding of 8 bits in the network may win the error back: "
            f"{commands.format_command('quantize', run=config.evaluation.run)}"
        )


def _lost_by_rounding(verdict):
    runs = verdict.error_after_percent is not None
    return verdict.precision == "int8" and runs and not verdict.passed


def describe(config, subject, splits, verdicts):
    """The model card of the files, in Markdown."""
    return export.format_model_card(
        f"{subject.path.parent.name}: {splits.name}, {splits.num_classes} classes",
        facts={
            "Model": _model_facts(subject, splits),
            "Data": _data_facts(splits),
            "Made from": _origin_facts(subject.record),
            "Recipe": _recipe_facts(subject.record),
            "Teacher": _teacher_facts(subject),
            "Figures": _figures(subject),
        },
        verdicts=verdicts,
        limits=_limits(config, subject, splits, verdicts),
        licence=config.export.licence,
    )


def _model_facts(subject, splits):
    size = export.measure_complexity(subject.path, splits.image_shape)
    height, width, channels = splits.image_shape
    return {
        "file": subject.path.name,
        "parameters": size.parameters,
        "multiply-adds for one image": _multiply_adds(size),
        "image": f"{height} x {width} pixels, {channels} channels",
        "classes": splits.class_names,
    }


def _multiply_adds(size):
    if size.uncounted:
        return f"not known, for those of {', '.join(size.uncounted)} are not"
    return size.multiply_adds


def _data_facts(splits):
    return {
        "dataset": splits.name,
        "images to train on": len(splits.train),
        "images for validation": len(splits.validation),
        "images for test": len(splits.test),
        "SHA-256": splits.fingerprint,
    }


def _origin_facts(record):
    """Of a network that was pruned or rounded: the one that it was."""
    identity = record.get("identity", {})
    if "origin" not in identity:
        return {}
    return {
        "file": record.get("origin"),
        "by the command": identity.get("command"),
        "SHA-256 of its weights": identity["origin"],
    }


def _recipe_facts(record):
    """The settings that had an effect on the run, without those of its data."""
    return {
        name: value
        for name, value in record.get("identity", {}).items()
        if name.startswith(_OF_A_RECIPE) and value not in ("", None, [], ())
    }


def _teacher_facts(subject):
    if subject.teacher_path is None:
        return {}
    fingerprint = subject.record.get("identity", {}).get("teacher")
    return {"file": subject.teacher_path, "SHA-256 of its weights": fingerprint}


def _figures(subject):
    path = subject.path.parent / "metrics.json"
    if not path.is_file():
        return {}
    figures = files.read_json(path)
    which = "last" if subject.path.stem.endswith("_last") else "best"
    plain = {k: v for k, v in figures.get(which, {}).items() if not isinstance(v, dict)}
    return {"judged on": figures.get("judged_on"), **plain}


def _judged_on(config, subject):
    """The split that the model's figures are of; without any, the one that its files ran over."""
    return _figures(subject).get("judged on") or config.evaluation.split


def _limits_of_model(config, subject, splits):
    judged_on, (height, width, _) = _judged_on(config, subject), splits.image_shape
    size = f"Its figures are of images of {height} x {width} pixels."
    if subject.record:
        size = (
            f"It was trained on images of {height} x {width} pixels; larger ones have to be scaled "
            "down to them."
        )
    return [
        f"It names one of its {splits.num_classes} classes for every picture, also for one of "
        "something else.",
        f"Its figures are of the {judged_on} images of {splits.name}; on pictures from another "
        "source it may be worse.",
        size,
    ]


def _limits(config, subject, splits, verdicts):
    judged_on, split = _judged_on(config, subject), config.evaluation.split
    limits = _limits_of_model(config, subject, splits)
    if verdicts and split != judged_on:
        limits.append(f"The figures of its files are of the {split} images.")
    batches = sorted({latency.batch for verdict in verdicts for latency in verdict.latencies})
    if batches:
        images = " or ".join("one image" if batch == 1 else f"{batch} images" for batch in batches)
        limits.append(
            f"The latencies are of a call with {images} on the machine that wrote this card, from "
            "Python; on a device they are to be measured again."
        )
    limits += [f"{v.path.name} failed its check." for v in verdicts if not v.passed]
    return limits
