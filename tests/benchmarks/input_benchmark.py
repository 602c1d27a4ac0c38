"""What the images cost: `python -m tests.benchmarks.input_benchmark`.

- alone: images a second of the input by itself, in memory and mapped from disk, and the time of a
  batch as a share of a step of the cheapest student;
- beside: an epoch of that student with this input, against one on a batch that is there already;
- the start of an epoch: what its first step takes longer than the others.

The share of `alone` is the most that the input can cost. Most of it is hidden behind the step
where there is more than one processor, which `beside` shows.
"""

import pathlib
import tempfile
import time

import keras
import numpy as np

from kd_keras import data, report
from tests.benchmarks import setting, turns


def map_from_disk(split, folder):
    """The same images, from a file that is mapped and not in memory."""
    path = pathlib.Path(folder) / "images.uint8"
    images = split.images_at(np.arange(len(split)))
    images.tofile(path)
    mapped = np.memmap(path, np.uint8, "r", shape=images.shape)
    return data.Split.from_arrays(mapped, split.labels)


def read(batches):
    """The function that times reading so many batches."""
    iterator = iter(batches)

    def run(count):
        for _ in range(count):
            next(iterator)

    return turns.timed(run)


def train(arguments, batches):
    """The function that times steps on these batches; the student is always the same size."""
    student = setting.make_network(arguments.student, precision=arguments.precision)
    return setting.time_fit(setting.make_distiller(student), batches)


class Moments(keras.callbacks.Callback):
    """Takes the time after every step."""

    def __init__(self):
        super().__init__()
        self.taken = []

    def on_train_batch_end(self, batch, logs=None):
        """Take the time."""
        self.taken.append(time.perf_counter())


def measure_starts(arguments, split):
    """Milliseconds of an epoch's first step and of the other steps, medians.

    Training begins some steps before the end of an epoch, and goes on for as many in the next.
    """
    student = setting.make_network(arguments.student, precision=arguments.precision)
    distiller = setting.make_distiller(student)
    steps = arguments.steps
    last = data.steps_per_epoch(split, arguments.batch_size) - steps
    others, firsts = [], []
    for _ in range(arguments.rounds + 1):
        batches = setting.make_batches(split, arguments.batch_size, first_step=last)
        moments = Moments()
        distiller.fit(
            batches,
            epochs=2,
            steps_per_epoch=steps,
            callbacks=[moments],
            verbose=0,
            shuffle=False,
        )
        took = 1000 * np.diff(moments.taken)
        firsts.append(took[steps - 1])
        others.append(np.delete(took, steps - 1))
    # The first fit compiles the step.
    return float(np.median(firsts[1:])), float(np.median(others[1:]))


def measure(arguments, folder):
    """Rows of the table."""
    memory = setting.make_split(arguments.images)
    splits = {"in memory": memory, "mapped from disk": map_from_disk(memory, folder)}
    features, labels = setting.make_batch(arguments.batch_size)
    variants = {"there": train(arguments, setting.repeat_batch(features["image"], labels))}
    for name, split in splits.items():
        batches = setting.make_batches(split, arguments.batch_size)
        variants |= {name: read(batches), f"step, {name}": train(arguments, batches)}
    # Whole epochs: every `fit` plans one anew, which is not what a step costs.
    steps = data.steps_per_epoch(memory, arguments.batch_size)
    seconds = turns.measure(variants, rounds=arguments.rounds, count=steps)
    median = turns.medians(seconds)
    rows = []
    for name, split in splits.items():
        first, others = measure_starts(arguments, split)
        rows.append(
            {
                "images": name,
                "alone: images/s": arguments.batch_size / median[name],
                "alone: of a step % (3)": 100 * median[name] / median["there"],
                "step with it ms": 1000 * median[f"step, {name}"],
                "step without ms": 1000 * median["there"],
                "with / without": median[f"step, {name}"] / median["there"],
                "an epoch's first step ms": first,
                "its other steps ms": others,
            }
        )
    return rows


def main():
    """Print the table."""
    parser = setting.make_parser(__doc__, rounds=3, steps=20)
    parser.add_argument("--student", default="10-1", help="depth-width of the cheapest student")
    parser.add_argument("--images", type=int, default=50_000)
    arguments = parser.parse_args()
    arguments.precision = setting.print_choices()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(arguments, folder)
    print(f"WRN-{arguments.student}, batch {arguments.batch_size}, {arguments.images} images")
    names = [name for name in rows[0] if name != "images"]
    by_name = [{"": name, **{row["images"]: row[name] for row in rows}} for name in names]
    print(report.format_table(by_name))


if __name__ == "__main__":
    main()
