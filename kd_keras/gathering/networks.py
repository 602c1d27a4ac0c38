"""What finished networks say of the judged images, and how long they take for one."""

import dataclasses
import os

import numpy as np

from kd_keras import assembly, export, judging, models, report, subjects

__all__ = ["Timing", "judge", "measure_latencies"]

_REPEATS = 30  # calls of each network
_TFLITE = "tflite_float32.tflite"


def judge(cast, config):
    """Run the control, the subject and the teacher over the split that the subject was judged on.

    What cannot be run is left out, with a sentence in `cast.missing`.

    Args:
        cast: A `Cast`.
        config: The `Config`, which tells where the data lies.

    Returns:
        The split's `data.Split` and the `report.Judged`, or two times None.
    """
    record = cast.records.get(cast.subject)
    if record is None or cast.subject not in cast.models:
        return None, None
    try:
        splits = assembly.load_splits(subjects.recorded_data(record.facts, config))
    except (OSError, ValueError) as error:
        cast.missing.append(f"The images cannot be read, so no network was asked: {error}")
        return None, None
    if splits.fingerprint != record.identity.get("data"):
        cast.missing.append(
            "The images are not those of the run: their fingerprint differs. No network was asked."
        )
        return None, None
    name = record.figures["judged_on"] if record.figures else "test"
    split = getattr(splits, name)
    if not len(split):
        cast.missing.append(f"The data has no {name} images, so no network was asked.")
        return None, None
    opinions = [_ask(cast, label, split) for label in cast.judged_labels]
    opinions = tuple(opinion for opinion in opinions if opinion is not None)
    if not opinions:
        return None, None
    return split, report.Judged(split=name, labels=split.labels, opinions=opinions)


def _ask(cast, label, split):
    print(f"  {label}: {len(split)} images", flush=True)
    try:
        model = assembly.load_model(cast.models[label])
        logits = judging.predict_logits(model, split)
    except (OSError, ValueError, TypeError) as error:
        cast.missing.append(f"The network of {label} cannot be run: {error}")
        return None
    learned_from = cast.records[cast.subject].identity.get("teacher")
    if label == cast.teacher and learned_from not in (None, models.fingerprint_weights(model)):
        cast.missing.append(
            f"The teacher at {cast.models[label]} is not the one that {cast.subject} learned "
            "from: its weights differ."
        )
    return report.Opinion(label=label, logits=logits)


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long networks take.

    Attributes:
        milliseconds: Median time for one image, by the contender's label.
        description: How it was measured, in a sentence.
    """

    milliseconds: dict
    description: str


def measure_latencies(cast):
    """Measure how long each network takes for one image, all in turns.

    TensorFlow Lite files are taken where every network has one, else the Keras models.

    Args:
        cast: A `Cast`.

    Returns:
        The `Timing`, or None where no network can be run.
    """
    networks, of_labels = {}, {}
    for label, path in cast.models.items():
        of_labels[label] = _network_of(cast, label)
        networks.setdefault(of_labels[label], path)
    if not networks:
        return None
    print(f"  time for one image, networks: {len(networks)}", flush=True)
    shape = next(iter(cast.records.values())).facts["image_shape"]
    try:
        exported = _find_exported(networks)
        paths = exported or networks
        latencies = export.measure_latency(
            paths.values(), np.zeros(shape, np.float32), threads=(1,), repeats=_REPEATS
        )
    except (OSError, ValueError, TypeError) as error:
        cast.missing.append(f"The time for one image could not be measured: {error}")
        return None
    kind = "TensorFlow Lite files on one thread"
    if not exported:
        kind = (
            f"Keras models in TensorFlow, which may use {os.cpu_count()} cores and spends most of "
            "the time of a small network around it"
        )
    return Timing(
        milliseconds={
            label: latencies[paths[network]][0].median_milliseconds
            for label, network in of_labels.items()
        },
        description=(
            f"Time is the median of {_REPEATS} calls with one image, the networks taking turns, "
            f"of {kind}, on the machine that made this page."
        ),
    )


def _network_of(cast, label):
    """What contenders of one network share: its name and, of one from a file, the file."""
    record = cast.records.get(label)
    if record is None:
        return cast.contenders[label].network, str(cast.models[label])
    section = "teacher" if record.is_teacher else "student"
    return record.network, record.facts["config"][section].get("path", "")


def _find_exported(networks):
    """The exported file of each network for one image, or nothing where one has none."""
    exported = {name: path.parent / "exports" / _TFLITE for name, path in networks.items()}
    if not all(path.is_file() for path in exported.values()):
        return {}
    shapes = [export.load_predictor(path).image_shape for path in exported.values()]
    return exported if all(shape[0] in (None, 1) for shape in shapes) else {}
