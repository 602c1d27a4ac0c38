"""How long an image takes: measured side by side, so that the machine's moods hit all alike."""

import dataclasses
import random
import statistics
import time

import numpy as np

from kd_keras.export import predictor

__all__ = ["Latency", "Timing", "measure_in_turn", "measure_latency"]

_WARM_UP = 10


@dataclasses.dataclass(frozen=True)
class Latency:
    """How long a file takes for a call, as a caller in Python waits for it.

    Attributes:
        num_threads: Of the runtime; None for TensorFlow, which has its own.
        median_milliseconds: Half of the calls were quicker.
        percentile95_milliseconds: 95 of 100 calls were quicker.
        repeats: Calls measured.
        batch: Images in a call: one, but in a file that takes so many at a time.
    """

    num_threads: int | None
    median_milliseconds: float
    percentile95_milliseconds: float
    repeats: int
    batch: int = 1


@dataclasses.dataclass(frozen=True)
class Timing:
    """How long a file takes for one image, and between what its repeated measurements lie.

    Attributes:
        num_threads: Of the runtime; None for one that has its own.
        median_milliseconds: The median of the calls of the quickest round. Whatever else a
            machine does only adds to a time, so that this is what comes out again when it is
            measured again, where the median of all calls moves with the machine's mood.
        percentile95_milliseconds: 95 of 100 of all calls were quicker.
        upper_milliseconds: The median of the slowest round. A machine that is busy shows in the
            distance.
        runs: Calls measured, over all rounds.
        round_medians_milliseconds: Of every round its median. In a round the files were measured
            in turn, so that those of two files compare round by round.
    """

    num_threads: int | None
    median_milliseconds: float
    percentile95_milliseconds: float
    upper_milliseconds: float
    runs: int
    round_medians_milliseconds: tuple = ()


def measure_latency(paths, image, *, threads=(1, 2), repeats=100):
    """Time files on one image, in turns; one with a batch of its own on so many.

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
    milliseconds = _take_turns(runners, dict.fromkeys(runners, image), repeats)
    latencies = dict.fromkeys(paths, ())
    for (path, num_threads), times in milliseconds.items():
        batch = _images_in_a_call(runners[path, num_threads])
        latencies[path] += (_summarize(num_threads, times, batch),)
    return latencies


def measure_in_turn(paths, *, num_threads=1, rounds=7, repeats=20, pause_seconds=0.0, seed=0):
    """Time many files against each other, and tell how far the times can be trusted.

    In every round each file is opened anew, so that its luck with memory is another one, and is
    run some times unmeasured. Then all take turns as in `measure_latency`, in an order that
    changes from round to round, so that no file always follows the same one.

    Args:
        paths: Of the files or folders, of networks with a fixed image size.
        num_threads: For the runtimes that take a number of threads.
        rounds: How often everything is measured.
        repeats: Calls of each file in a round.
        pause_seconds: Between two rounds, so that they see more of the machine's moods.
        seed: Of the image, which is random pixels, and of the orders.

    Returns:
        A dictionary from the path to its `Timing`, in the paths' order.

    Raises:
        FileNotFoundError: If there is nothing at a path.
        ValueError: If a file cannot be read or run, or its image size is not fixed.

    Example:
        >>> import keras, tempfile
        >>> from kd_keras import export
        >>> inputs = keras.Input((4, 4, 1))
        >>> model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(inputs)))
        >>> path = export.write(model, tempfile.mkdtemp(), ["tflite_float32"])["tflite_float32"]
        >>> timing = measure_in_turn([path], rounds=2, repeats=3)[path]
        >>> timing.num_threads, timing.runs
        (1, 6)
    """
    paths = list(dict.fromkeys(paths))
    order, generator = list(paths), random.Random(seed)
    threads, found = {}, {path: [] for path in paths}
    for number in range(rounds):
        time.sleep(pause_seconds if number else 0.0)
        generator.shuffle(order)
        runners = {path: predictor.load_predictor(path, num_threads=num_threads) for path in order}
        images = {path: _make_image(opened, seed) for path, opened in runners.items()}
        for path, times in _take_turns(runners, images, repeats).items():
            found[path].append(times)
            takes_threads = runners[path].kind in predictor.KINDS_WITH_THREADS
            threads[path] = num_threads if takes_threads else None
    return {path: _summarize_rounds(threads[path], found[path]) for path in paths}


def _make_image(opened, seed):
    if None in opened.input_shape:
        raise ValueError(
            f"Cannot time {opened.path}. Expected a fixed image size. "
            f"Received: {opened.input_shape}."
        )
    return np.random.default_rng(seed).integers(0, 256, opened.input_shape)


def _images_in_a_call(opened):
    return opened.image_shape[0] or 1


def _take_turns(runners, images, repeats):
    """Milliseconds of calls, one of each runner after the other; lists by the runner's key."""
    batches = {}
    for key, opened in runners.items():
        image = np.asarray(images[key], np.float32)
        batches[key] = np.broadcast_to(image, (_images_in_a_call(opened), *image.shape)).copy()
        for _ in range(_WARM_UP):
            opened.run(batches[key])
    milliseconds = {key: [] for key in runners}
    for _ in range(repeats):
        for key, opened in runners.items():
            start = time.perf_counter()
            opened.run(batches[key])
            milliseconds[key].append(1000 * (time.perf_counter() - start))
    return milliseconds


def _summarize_rounds(num_threads, rounds):
    times = [one for of_round in rounds for one in of_round]
    medians = [statistics.median(of_round) for of_round in rounds]
    return Timing(
        num_threads=num_threads,
        median_milliseconds=min(medians),
        percentile95_milliseconds=float(np.percentile(times, 95)),
        upper_milliseconds=max(medians),
        runs=len(times),
        round_medians_milliseconds=tuple(medians),
    )


def _summarize(num_threads, times, batch):
    return Latency(
        num_threads=num_threads,
        median_milliseconds=statistics.median(times),
        percentile95_milliseconds=float(np.percentile(times, 95)),
        repeats=len(times),
        batch=batch,
    )
