"""What a student costs, known before it is trained: whether it is within the limits.

Weights make a network neither larger nor slower, so that an untrained one tells.
"""

import pathlib
import tempfile
import types

from kd_keras import assembly, export, preflight, search
from kd_keras.search import space

__all__ = ["Sieve", "look_at_images", "start"]

_FORMAT = "tflite_float32"
_ROUNDS = 3
_WORDS = {
    "latency_milliseconds": ("{:.3g} ms for one image", "{:g} ms"),
    "multiply_adds": ("{:,.0f} multiply-adds", "{:,.0f}"),
    "parameters": ("{:,.0f} parameters", "{:,.0f}"),
    "size_bytes": ("a file of {:,.0f} bytes", "{:,.0f}"),
    "peak_memory_bytes": ("{:,.0f} bytes of memory", "{:,.0f}"),
}
# Those that are known without writing the file.
_COUNTED = ("parameters", "multiply_adds")


def start(planned):
    """Start TensorFlow in this process, which trains nothing; see that candidates are possible.

    Args:
        planned: The `Plan`.

    Raises:
        FileNotFoundError, ValueError: As `preflight.require_possible`, for some candidate.
    """
    preflight.start()
    seen = set()
    for config in space.check(planned.config, planned.axes, seed=planned.config.run.seed):
        key = (config.student, config.signal, config.distillation, config.discriminator)
        if key not in seen:
            preflight.require_possible(config)
            seen.add(key)


def look_at_images(config):
    """What a network must know of the images; they themselves are let go of.

    Args:
        config: The `Config`.

    Returns:
        An object with what `assembly.build_network` asks of splits.

    Raises:
        ValueError: If there is nothing to choose a student by.
    """
    splits = assembly.load_splits(config)
    if not len(splits.validation):
        raise ValueError(
            f"A search chooses by validation images, and {splits.name} has none. Expected "
            f"--validation_fraction above 0. Received: {config.data.validation_fraction:g}."
        )
    names = ("name", "image_shape", "num_classes", "mean", "standard_deviation")
    return types.SimpleNamespace(**{name: getattr(splits, name) for name in names})


class Sieve:
    """Turns candidates away that are not possible or cost too much.

    Args:
        planned: The `Plan`.
        images: As `look_at_images` returns them; looked at only where there is a limit.
        on_refusal: Called with the name and values of a trial, and why it was turned away.
    """

    def __init__(self, planned, images, on_refusal):
        self._planned = planned
        self._images = images
        self._on_refusal = on_refusal
        self._reasons = {}

    def refuse(self, name, values):
        """Why a candidate is turned away, or "".

        Args:
            name: Of the trial that it would be.
            values: By field, and perhaps others of the oracle's own.
        """
        values = search.normalize(self._planned.axes, values)
        try:
            config = self._planned.make_config(name, values)
            if config.student not in self._reasons:
                self._reasons[config.student] = self._measure(config)
            reason = self._reasons[config.student]
        except ValueError as error:
            reason = str(error)
        if reason:
            self._on_refusal(name, values, reason)
        return reason

    def _measure(self, config):
        limits = self._planned.limits
        if not limits:
            return ""
        model = assembly.build_network(config.student, self._images, config.run.seed)
        size = export.measure_complexity(model, self._images.image_shape)
        known = {name: getattr(size, name) for name in _COUNTED}
        reason = _compare(known, limits)
        if reason or not set(limits) - set(_COUNTED):
            return reason
        with tempfile.TemporaryDirectory() as folder:
            path = export.write(model, pathlib.Path(folder), [_FORMAT])[_FORMAT]
            return _compare(self._measure_file(path, limits), limits)

    def _measure_file(self, path, limits):
        threads = self._planned.section.latency_threads
        known = {"size_bytes": path.stat().st_size}
        if "latency_milliseconds" in limits:
            timing = export.measure_in_turn([path], num_threads=threads, rounds=_ROUNDS)[path]
            known["latency_milliseconds"] = timing.median_milliseconds
        if "peak_memory_bytes" in limits:
            known["peak_memory_bytes"] = export.measure_peak_memory(path, num_threads=threads)
        return known


def _compare(known, limits):
    for name, limit in limits.items():
        if known.get(name) is not None and known[name] > limit:
            words, at_most = _WORDS[name]
            return f"{words.format(known[name])}, more than {at_most.format(limit)}"
    return ""
