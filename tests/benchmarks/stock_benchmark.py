"""Distillation beside Keras's own: `python -m tests.benchmarks.stock_benchmark`.

Seconds of an epoch of the same student under the same teacher. The stock
`keras.distillation.Distiller` is as it comes: float32, stock layers, the teacher asked in every
step, images from an array as they are. Ours is as a command runs it: what the machine is quick in,
augmented images, a teacher's logits from the cache. What it took to fill the cache with one view
is in a line of its own: a run that sees every view once pays it once an epoch.
"""

import tempfile

import keras
import numpy as np

from kd_keras import data, distillation, losses, report
from tests.benchmarks import setting, turns


def stock(arguments, split):
    """The function that times epochs of the stock distiller."""
    distiller = keras.distillation.Distiller(
        teacher=setting.make_network(arguments.teacher),
        student=setting.make_network(arguments.student),
        distillation_losses=keras.distillation.LogitsDistillation(temperature=4.0),
    )
    distiller.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    images, labels = split.images_at(np.arange(len(split))), split.labels

    def run(epochs):
        distiller.fit(
            images, labels, batch_size=arguments.batch_size, epochs=epochs, verbose=0, shuffle=True
        )

    return turns.timed(run)


def ours(arguments, split, extras, **parts):
    """The function that times epochs of our distiller."""
    student = setting.make_network(arguments.student, precision=arguments.precision)
    distiller = setting.make_distiller(student, **parts)
    batches = setting.make_batches(split, arguments.batch_size, extras)
    steps = data.steps_per_epoch(split, arguments.batch_size)

    def run(epochs):
        distiller.fit(batches, epochs=epochs, steps_per_epoch=steps, verbose=0, shuffle=False)

    return turns.timed(run)


def fill_cache(arguments, split, directory):
    """Ask the teacher about one view; the signal and the seconds."""
    teacher = setting.make_network(arguments.teacher)
    found = []

    def build():
        signal = distillation.make_signal(
            "views",
            teacher,
            split,
            views=1,
            directory=directory,
            augmentation=setting.AUGMENTATION,
            batch_size=arguments.batch_size,
        )
        found.append(signal.extras)

    return turns.timed(build)(), found[0]


def measure(arguments, directory):
    """Rows of the table."""
    split = setting.make_split(arguments.images)
    building, extras = fill_cache(arguments, split, directory)
    soft_target = losses.get("soft_target", temperature=4.0)
    variants = {
        "keras.distillation.Distiller": stock(arguments, split),
        "ours, soft_target": ours(arguments, split, extras, loss=soft_target),
        "ours, adversarial": ours(arguments, split, extras, loss="logit_l1", adversary=True),
    }
    seconds = turns.measure(variants, rounds=arguments.rounds)
    rows = turns.compare(
        {**seconds, "(filling the cache, once)": [building]},
        "keras.distillation.Distiller",
        label="an epoch of",
        **{"images/s": lambda value: f"{arguments.images / value:.0f}"},
    )
    stock_seconds = turns.medians(seconds)["keras.distillation.Distiller"]
    for row in rows:
        row["as fast as stock x"] = f"{1000 * stock_seconds / row['median ms']:.2f}"
    return rows


def main():
    """Print the table."""
    parser = setting.make_parser(__doc__, rounds=3)
    parser.add_argument("--student", default="10-2", help="depth-width")
    parser.add_argument("--teacher", default="16-4", help="depth-width")
    parser.add_argument("--images", type=int, default=2560, help="of an epoch")
    arguments = parser.parse_args()
    arguments.precision = setting.print_choices()
    with tempfile.TemporaryDirectory() as directory:
        rows = measure(arguments, directory)
    print(f"an epoch of {arguments.images} images, batch {arguments.batch_size}")
    print(report.format_table(rows))


if __name__ == "__main__":
    main()
