"""How long one image takes: measured side by side, so that the machine's moods hit all alike."""

import dataclasses
import statistics
import time

import numpy as np

from kd_keras.export import predictor

__all__ = ["Latency", "measure_latency"]

_WARM_UP = 10


@dataclasses.dataclass(frozen=True)
class Latency:
    """How long a file takes for one image, as a caller in Python waits for it.

    Attributes:
        num_threads: Of the runtime; None for TensorFlow, which has its own.
        median_milliseconds: Half of the calls were quicker.
        percentile95_milliseconds: 95 of 100 calls were quicker.
        repeats: Calls measured.
    """

    num_threads: int | None
    median_milliseconds: float
    percentile95_milliseconds: float
    repeats: int


def measure_latency(paths, image, *, threads=(1, 2), repeats=100):
    """Time files on one image, in turns.

    Each file is opened once for each number of threads and run some times unmeasured. Then all
    take turns, one call each, so that what else the machine does falls on all of them. The time
    holds turning the image into the file's numbers and reading the logits.

    Args:
        paths: Of the files or folders.
        image: float32, shape (height, width, channels), as the files take it.
        threads: Numbers of threads, for the runtimes that take one.
        repeats: Calls of each.

    Returns:
        A dictionary from the path to a tuple of `Latency`, in the order of `threads`.

    Raises:
        FileNotFoundError: If there is nothing at a path.
        ValueError: If a file cannot be read or run.

    Example:
        >>> import keras, tempfile
        >>> from kd_keras import export
        >>> inputs = keras.Input((4, 4, 1))
        >>> model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
        >>> paths = export.write(model, tempfile.mkdtemp()).values()
        >>> latencies = measure_latency(paths, np.zeros((4, 4, 1)), repeats=3)
        >>> [[entry.num_threads for entry in of_file] for of_file in latencies.values()]
        [[None], [1, 2]]
    """
    paths, runners = list(paths), {}
    for path in paths:
        for num_threads in threads:
            opened = predictor.load_predictor(path, num_threads=num_threads)
            takes_threads = opened.kind in predictor.KINDS_WITH_THREADS
            runners.setdefault((path, num_threads if takes_threads else None), opened)
    image = np.asarray(image, np.float32)
    batches = {
        key: np.broadcast_to(image, (opened.image_shape[0] or 1, *image.shape)).copy()
        for key, opened in runners.items()
    }
    for key, opened in runners.items():
        for _ in range(_WARM_UP):
            opened.run(batches[key])
    milliseconds = {key: [] for key in runners}
    for _ in range(repeats):
        for key, opened in runners.items():
            start = time.perf_counter()
            opened.run(batches[key])
            milliseconds[key].append(1000 * (time.perf_counter() - start))
    latencies = dict.fromkeys(paths, ())
    for (path, num_threads), times in milliseconds.items():
        latencies[path] += (_summarize(num_threads, times),)
    return latencies


def _summarize(num_threads, times):
    return Latency(
        num_threads=num_threads,
        median_milliseconds=statistics.median(times),
        percentile95_milliseconds=float(np.percentile(times, 95)),
        repeats=len(times),
    )
