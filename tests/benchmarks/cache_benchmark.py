"""What a stored teacher costs: `python -m tests.benchmarks.cache_benchmark`.

Three ratios, each of things timed in turn in one run, so that they share whatever the machine does
beside them:

- step: an adversarial step with stored views against a supervised step of the same student;
- epoch: opening the cache once and reading an epoch from it, as a share of a supervised epoch;
- build: `teacher.predict` against building the cache, on the same batches.

Images and weights are random: speed does not depend on them. `--quick` tries it in a minute or two.
"""

import argparse
import dataclasses
import tempfile
import time

from kd_keras import data, report
from kd_keras.distillation import cache
from kd_keras.distillation.cache.asking import Respondent
from kd_keras.distillation.cache.building import build
from tests.benchmarks import setting, turns

QUICK = {"images": 1024, "repeats": 3, "steps": 2, "student": "10-1", "teacher": "10-2"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--student", default="10-4", help="depth-width")
    parser.add_argument("--teacher", default="16-4", help="depth-width")
    parser.add_argument("--classes", default="10,100")
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--images", type=int, default=5120, help="of a view that is built and read")
    parser.add_argument("--build_views", type=int, default=2, help="that are built in a turn")
    parser.add_argument("--epoch_images", type=int, default=50_000, help="of the epoch compared to")
    parser.add_argument("--repeats", type=int, default=9, help="turns of each")
    parser.add_argument("--steps", type=int, default=5, help="in a turn")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    for name, value in QUICK.items() if arguments.quick else ():
        setattr(arguments, name, value)
    return arguments


def make_distiller(arguments, classes, *, adversarial):
    student = setting.make_network(
        arguments.student, classes=classes, precision=arguments.precision
    )
    loss = "logit_l1" if adversarial else None
    return setting.make_distiller(student, loss=loss, adversary=adversarial, xla=False)


def make_stepper(distiller, batches):
    distiller.make_train_function()
    train, iterator = distiller.train_function, iter(batches)

    def run(steps):
        for _ in range(steps):
            logs = train(iterator)
        float(logs["loss"])  # waits for a device that works ahead

    return turns.timed(run)


def make_reader(batches):
    def run(steps):
        for features, _ in batches.take(steps):
            features["image"].device  # noqa: B018

    return turns.timed(run)


def measure_building(arguments, request, entry, respondent):
    """Predict some views and extend an entry by them, in turn."""
    count = arguments.build_views

    def first_view():
        return entry.count_views(entry.read_ledger())

    def predict(_):
        views = range(first_view(), first_view() + count)
        batches = data.view_batches(
            request.split,
            batch_size=arguments.batch_size,
            augmentation=setting.AUGMENTATION,
            seed=0,
            views=views,
        )
        request.teacher.predict(batches, verbose=0)

    def extend(_):
        build(entry, respondent, request.record, views=first_view() + count)

    variants = {"predict": turns.timed(predict), "build": turns.timed(extend)}
    return turns.measure(variants, rounds=max(3, arguments.repeats // 3))


def measure(arguments, classes, directory):
    """The medians and ratios of one number of classes, as a row of the table."""
    split = setting.make_split(arguments.images, classes)
    request = cache.Request(
        teacher=setting.make_network(arguments.teacher, classes=classes),
        split=split,
        augmentation=setting.AUGMENTATION,
        batch_size=arguments.batch_size,
    )
    folder = cache.root_of(directory) / f"benchmark-{request.fingerprint[:16]}"
    entry = cache.Entry.create(folder, request)
    building = measure_building(arguments, request, entry, Respondent(request))
    # Nothing is known of it yet, as in a new process.
    again = dataclasses.replace(request, split=setting.make_split(arguments.images, classes))
    views = entry.count_views(entry.read_ledger())
    started = time.perf_counter()
    signal = cache.open_signal(again, directory, views=views)
    opening = time.perf_counter() - started

    plain = setting.make_batches(split, arguments.batch_size)
    stored = setting.make_batches(split, arguments.batch_size, signal)
    reading = turns.measure(
        {"without": make_reader(plain), "with": make_reader(stored)},
        rounds=arguments.repeats,
        count=data.steps_per_epoch(split, arguments.batch_size),
    )
    distillers = [make_distiller(arguments, classes, adversarial=a) for a in (False, True)]
    stepping = turns.measure(
        {
            "supervised": make_stepper(distillers[0], plain),
            "adversarial": make_stepper(distillers[1], stored),
        },
        rounds=arguments.repeats,
        count=arguments.steps,
    )
    return describe(arguments, classes, building, opening, reading, stepping)


def describe(arguments, classes, building, opening, reading, stepping):
    build_seconds, reading_seconds, per_step = map(turns.medians, (building, reading, stepping))
    epoch_steps = arguments.epoch_images // arguments.batch_size
    more = (reading_seconds["with"] - reading_seconds["without"]) * epoch_steps
    asked = arguments.images * arguments.build_views
    added = (opening + more) / (per_step["supervised"] * epoch_steps)
    return {
        "classes": classes,
        "supervised step ms": 1000 * per_step["supervised"],
        "adversarial step ms": 1000 * per_step["adversarial"],
        "step ratio (1.08)": per_step["adversarial"] / per_step["supervised"],
        "opening s": opening,
        "reading an epoch s": more,
        "added to epoch % (2)": 100 * added,
        "predict images/s": asked / build_seconds["predict"],
        "build images/s": asked / build_seconds["build"],
        "build ratio (0.95)": build_seconds["predict"] / build_seconds["build"],
    }


def main():
    arguments = parse_arguments()
    rows = []
    for classes in map(int, arguments.classes.split(",")):
        with tempfile.TemporaryDirectory() as directory:
            rows.append(measure(arguments, classes, directory))
    by_name = [
        {"": name, **{f"{row['classes']} classes": float(row[name]) for row in rows}}
        for name in rows[0]
        if name != "classes"
    ]
    print(report.format_table(by_name))


if __name__ == "__main__":
    main()
