"""From a folder to the content of its page."""

import pathlib

import numpy as np

from kd_keras import commands, export, metrics, registry, report, runs
from kd_keras.config import Report
from kd_keras.gathering import alternatives, networks, searches, several, single

__all__ = ["gather"]


def gather(config):
    """Read a run or a comparison, and ask its networks; or read a search.

    Args:
        config: The `Config`: `evaluation.run` is the folder.

    Returns:
        The `report.Content`.

    Raises:
        ValueError: If no folder is given, a file is damaged, there is no class of the name that is
            asked for, or the page of a search is asked for what it does not show.
        FileNotFoundError: If the folder is none of a run, a comparison or a search, or there is
            no teacher at the place that is told.
    """
    folder = _require_folder(config.evaluation)
    if (folder / "search.json").is_file():
        _require_no_networks(folder, config)
        return searches.gather_search(folder)
    teacher_path = runs.find_model(config.teacher.path) if config.teacher.path else None
    if (folder / "comparison.json").is_file():
        cast = several.cast_comparison(folder, teacher_path)
    else:
        cast = single.cast_run(folder, teacher_path)
    class_names = (
        tuple(next(iter(cast.records.values())).facts["class_names"]) if cast.records else ()
    )
    if config.report.class_name and config.report.class_name not in class_names:
        raise registry.unknown_name("report_class", class_names, config.report.class_name)
    split, judged = networks.judge(cast, config)
    timing = networks.measure_latencies(cast)
    others = alternatives.find_alternatives(cast, config.report.beside)
    _complete(cast, judged, split, class_names, timing)
    return report.Content(
        title=cast.title,
        kind="comparison" if cast.comparison else "run",
        contenders=tuple(cast.contenders.values()),
        subject=cast.subject,
        control=cast.control,
        class_names=class_names,
        missing=tuple(cast.missing),
        comparison=cast.comparison,
        judged=judged,
        **_choose_class(cast, judged, class_names, config.report.class_name),
        pictures=_choose_pictures(cast, judged, split, config.report.images),
        timing=timing.description if timing else "",
        alternatives=others,
        **_records(cast, config),
    )


def _require_folder(section):
    if not section.run:
        raise ValueError(
            "Nothing to report. Expected --run=FOLDER, the folder of a run, a comparison or a "
            "search."
        )
    folder = pathlib.Path(section.run)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"No folder at {folder}. Expected that of a run, a comparison or a search."
        )
    return folder


def _require_no_networks(folder, config):
    """Refuse flags about networks and images, of which the page of a search shows none."""
    flags = _flags_given(config)
    if flags:
        received = " ".join(f"--{name}={value}" for name, value in flags.items())
        raise ValueError(
            f"{folder} is a search, whose page shows times and errors, no images and no networks. "
            f"Expected --run alone. Received: {received}. Make a page of one of its trials with "
            f"them: --run={folder}/TRIAL."
        )


def _flags_given(config):
    """The flags of `report` that change a page, without those that have their default."""
    values = {
        "report_class": config.report.class_name,
        "report_images": config.report.images,
        "teacher_path": config.teacher.path,
        "beside": ",".join(config.report.beside),
    }
    default = {"report_images": Report().images}
    return {name: value for name, value in values.items() if value != default.get(name, "")}


def _complete(cast, judged, split, class_names, timing):
    """Give contenders the figures that are measured here: times, and those without a record."""
    for label, contender in list(cast.contenders.items()):
        if timing and label in cast.models:
            cast.change(label, latency_milliseconds=timing.milliseconds[label])
        opinion = judged and judged.opinion_of(label)
        if opinion and not contender.errors_percent:
            figures = _measure(cast.models[label], opinion, split, class_names)
            figures["judged_on"] = judged.split
            error = figures["best"]["top1_error_percent"]
            cast.change(label, figures=figures, errors_percent=(error,))


def _measure(path, opinion, split, class_names):
    size = export.measure_complexity(path, split.image_shape)
    return {
        "num_examples": len(split),
        "best": metrics.summarize(opinion.logits, split.labels, class_names),
        "parameters": size.parameters,
        "multiply_adds": size.multiply_adds,
        "size_bytes": size.size_bytes,
    }


def _choose_class(cast, judged, class_names, asked_for):
    """The class that is asked for, or the one that the control, else the teacher, misses most."""
    if asked_for:
        index = class_names.index(asked_for)
        return {"class_index": index, "class_reason": "the class that was asked for"}
    if judged is None:
        return {}
    found = [judged.opinion_of(label) for label in (cast.control, cast.teacher, cast.subject)]
    opinion = next(filter(None, found))
    name = opinion.label if cast.comparison else f"the {opinion.label}"
    errors = metrics.per_class_error(opinion.logits, judged.labels, len(class_names))
    return {
        "class_index": int(np.argmax([-1.0 if error is None else error for error in errors])),
        "class_reason": f"the class that {name} misses most often",
    }


def _choose_pictures(cast, judged, split, count):
    if judged is None or not count or cast.subject == cast.teacher:
        return ()
    teacher, student = (judged.opinion_of(label) for label in (cast.teacher, cast.subject))
    if teacher is None or student is None:
        return ()
    chosen = report.choose_disagreements(teacher.logits, student.logits, judged.labels, count)
    images = split.images_at(chosen)
    return tuple(
        report.Picture(index=int(index), pixels=pixels)
        for index, pixels in zip(chosen, images, strict=True)
    )


def _records(cast, config):
    """What made the runs: commands, settings, versions, files."""
    subject = cast.records.get(cast.subject)
    made_by = []
    if cast.comparison:
        made_by.append(("The comparison:", cast.comparison["command_line"]))
    for label, record in cast.records.items():
        is_part = cast.comparison and label != cast.teacher
        if record.facts.get("command_line") and not is_part:
            made_by.append((f"The {label}:", record.facts["command_line"]))
    page = commands.format_command("report", run=config.evaluation.run, **_flags_given(config))
    made_by.append(("This page:", page))
    return {
        "commands": tuple(made_by),
        "identities": {label: record.identity for label, record in cast.records.items()},
        "versions": subject.facts.get("versions", {}) if subject else {},
        "verdicts": subject.verdicts if subject else (),
        "card": subject.card if subject else {},
    }
