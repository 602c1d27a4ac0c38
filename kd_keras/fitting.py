"""How many filters must go for a network to keep a budget, found by measuring.

Weights make a network neither slower nor quicker: the networks that are tried are not trained on.
What is done with the one that is found is in `refining`.
"""

import dataclasses
import hashlib
import math
import pathlib
import tempfile

from kd_keras import assembly, export, files, models, report, runs, search

__all__ = ["Session", "choose_fraction", "fit"]

_STEPS = 8  # parts of the range of fractions, and again of the part in which the smallest lies
_MOST = 63 / 64  # of the filters that are taken at the most
_CALIBRATION_IMAGES = 16  # which ranges int8 has does not change its time
_THREADS = 1
_RIVALS = (".keras", ".tflite")
_FACTS = "fitted"  # what is remembered in the run's record


@dataclasses.dataclass(frozen=True)
class Session:
    """What was measured side by side.

    Attributes:
        limits: The most that is allowed, by quantity: one of `search.QUANTITIES`.
        figures: By fraction, the quantities of the network without that part of its filters.
    """

    limits: dict
    figures: dict

    def missed(self, fraction):
        """The quantities that are above their limits at a fraction.

        Example:
            >>> session = Session({"parameters": 9}, {0.0: {"parameters": 12}})
            >>> session.missed(0.0)
            ['parameters']
        """
        figures = self.figures[fraction]
        return [name for name, limit in self.limits.items() if figures[name] > limit]

    def smallest(self):
        """The smallest fraction that misses nothing, or None."""
        return next((one for one in sorted(self.figures) if not self.missed(one)), None)


def fit(settings, model, splits, folder):
    """Choose the smallest fraction of filters whose loss makes a network keep its budget.

    The network is pruned at several fractions, written to files, and these are timed in turns,
    with the network that it is to be as fast as among them. What was tried is printed. A run that
    was begun keeps the fraction that was found for it.

    Args:
        settings: The `config.Config`: `budget` and `pruning` are what is asked for.
        model: The trained network.
        splits: Its data.
        folder: The `training.RunFolder` of the run that is to be.

    Returns:
        The `config.Config` with the fraction, and what the run's record is to say of it, a
        dictionary; without a budget, the settings as they are and nothing.

    Raises:
        FileNotFoundError: If there is no network to be as fast as.
        ValueError: If no fraction keeps the budget, or the whole network does.
    """
    section = settings.pruning
    if not (settings.budget.limits or section.as_fast_as):
        return settings, {}
    rival = _find_rival(section)
    request = {
        "limits": settings.budget.limits,
        "as_fast_as": rival and hashlib.sha256(rival.read_bytes()).hexdigest(),
        "format": section.format,
        "origin": models.fingerprint_weights(model),
    }
    found = _remembered(folder, request)
    if found is None:
        with tempfile.TemporaryDirectory() as directory:
            bench = _Bench(settings, model, splits, pathlib.Path(directory), rival)
            session = choose_fraction(bench.measure, model.name)
        found = {
            "request": request,
            "limits": session.limits,
            "tried": [{"fraction": one, **sizes} for one, sizes in session.figures.items()],
            "fraction": session.smallest(),
        }
        print(_format(session, section.format))
    print(f"  fraction of the filters that go: {found['fraction']:.4g}")
    pruning = dataclasses.replace(section, fraction=found["fraction"])
    return dataclasses.replace(settings, pruning=pruning), {_FACTS: found}


def _find_rival(section):
    if not section.as_fast_as:
        return None
    path = runs.find_model(section.as_fast_as)
    if not path.is_file() or path.suffix not in _RIVALS:
        raise FileNotFoundError(
            f"No network to be as fast as at {path}. Expected a run's folder, a .keras file or a "
            ".tflite file."
        )
    return path


def _remembered(folder, request):
    record = files.read_json(folder.config_path) if folder.config_path.is_file() else {}
    found = record.get(_FACTS) if isinstance(record, dict) else None
    return found if isinstance(found, dict) and found.get("request") == request else None


def choose_fraction(measure, name, steps=_STEPS):
    """Look for the smallest fraction that keeps a budget, first roughly, then finely.

    What is decided in the end is decided by one measurement of all fractions that were tried.

    Args:
        measure: From a list of fractions to the `Session` in which they, and those of earlier
            calls, were measured.
        name: Of the network.
        steps: Parts of a range that is looked through.

    Returns:
        The last `Session`, which has a smallest fraction above 0.

    Raises:
        ValueError: If no fraction keeps the budget, or the whole network does.

    Example:
        >>> def measure(fractions):
        ...     tried.update({one: {"parameters": 100 * (1 - one)} for one in fractions})
        ...     return Session({"parameters": 30}, dict(tried))
        >>> tried = {}
        >>> choose_fraction(measure, "network", steps=4).smallest()
        0.75
    """
    rough = [number / steps for number in range(steps)] + [_MOST]
    smallest = _require_smallest(measure(rough), name)
    below = rough[rough.index(smallest) - 1]
    fine = [below + number * (smallest - below) / steps for number in range(1, steps)]
    session = measure(fine)
    _require_smallest(session, name)
    return session


def _require_smallest(session, name):
    smallest = session.smallest()
    if smallest is None:
        missed = session.missed(_MOST)
        raise ValueError(
            f"No pruning makes {name} keep the budget. Expected at most "
            f"{_tell(session.limits, missed)}. Received: "
            f"{_tell(session.figures[_MOST], missed)} without {100 * _MOST:.1f}% of the filters "
            "of every convolution that can lose some. Allow more, or prune a smaller network."
        )
    if smallest == 0.0:
        limited = list(session.limits)
        raise ValueError(
            f"No filter of {name} has to go. Expected a budget that it does not keep. Received: "
            f"at most {_tell(session.limits, limited)}, and it has "
            f"{_tell(session.figures[0.0], limited)}. Set --prune_fraction, or a smaller budget."
        )
    return smallest


def _tell(figures, quantities):
    return " and ".join(search.format_quantity(name, figures[name]) for name in quantities)


class _Bench:
    """Files of a network at several fractions, and of the one that it is to be as fast as."""

    def __init__(self, settings, model, splits, directory, rival):
        self._limits = settings.budget.limits
        self._section = settings.pruning
        self._model = model
        self._directory = directory
        self._images = splits.train.draw_images(_CALIBRATION_IMAGES, settings.run.seed)
        self._paths, self._sizes = {}, {}
        self._rival = self._write_rival(rival, splits) if rival else None

    def _write_rival(self, path, splits):
        if path.suffix == ".tflite":
            export.load_predictor(path).check(splits.image_shape, splits.num_classes)
            return path
        network = assembly.read_classifier(path, splits)
        return self._write(network, "rival", activation_ranges=export.read_ranges(path))

    def _write(self, network, name, **options):
        form = self._section.format
        options |= {"representative_images": self._images}
        return export.write(network, self._directory / name, [form], **options)[form]

    def measure(self, fractions):
        """Add files at some fractions and time all that there are."""
        print(f"  networks without filters are written to be timed: {len(fractions)}", flush=True)
        for fraction in fractions:
            pruned = models.prune_filters(self._model, fraction)
            path = self._write(pruned, f"{fraction:.6f}")
            self._paths[fraction], self._sizes[fraction] = path, self._weigh(pruned, path)
        paths = [*self._paths.values(), *filter(None, [self._rival])]
        timings = export.measure_in_turn(paths, num_threads=_THREADS)
        figures = {
            fraction: {"latency_milliseconds": timings[path].median_milliseconds}
            | self._sizes[fraction]
            for fraction, path in sorted(self._paths.items())
        }
        limits = dict(self._limits)
        if self._rival:
            own = limits.get("latency_milliseconds", math.inf)
            of_rival = timings[self._rival].median_milliseconds
            limits["latency_milliseconds"] = min(own, of_rival)
        return Session(limits, figures)

    def _weigh(self, network, path):
        figures = dataclasses.asdict(export.measure_complexity(network))
        figures = {name: figures[name] for name in ("multiply_adds", "parameters")}
        figures["size_bytes"] = path.stat().st_size
        if "peak_memory_bytes" in self._limits:
            peak = export.measure_peak_memory(path, num_threads=_THREADS)
            figures["peak_memory_bytes"] = math.inf if peak is None else peak
        return figures


def _format(session, form):
    rows = [
        {
            "fraction": f"{fraction:.4f}",
            "ms": f"{figures['latency_milliseconds']:.3f}",
            "multiply-adds": figures["multiply_adds"],
            "parameters": figures["parameters"],
            "kB": figures["size_bytes"] / 1000,
            "keeps it": "" if session.missed(fraction) else "yes",
        }
        for fraction, figures in session.figures.items()
    ]
    return (
        f"{report.format_table(rows)}\n  the budget: at most "
        f"{_tell(session.limits, session.limits)}; the files, {form}, were timed in turns on one "
        "thread, before any training"
    )
