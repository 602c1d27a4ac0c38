"""What a step costs as things grow: `python -m tests.benchmarks.growth_benchmark`.

One thing grows at a time: the student's depth, its width, the batch, the classes, the number of
images. Beside the time stands what the multiply-adds grow by: a last column of no more than 1
means that the time grows no faster. For the batch and the images both are of one image, so that
the multiply-adds stay.
"""

from kd_keras import export, report
from tests.benchmarks import setting, turns

# What grows, and the values it takes; the first one is what the others are compared with.
GROWTH = {
    "depth": (10, 16, 22, 28),
    "width": (1, 2, 4, 6),
    "batch_size": (32, 64, 128, 256),
    "classes": (10, 100, 1000),
    "images": (1280, 2560, 5120),
}
PLAIN = {"depth": 10, "width": 1, "classes": 10}


def time_size(arguments, **sizes):
    """The function that times one image of steps, and the multiply-adds of an image."""
    sizes = {**PLAIN, "batch_size": arguments.batch_size, **sizes}
    size = f"{sizes['depth']}-{sizes['width']}"
    network = setting.make_network(size, classes=sizes["classes"], precision=arguments.precision)
    batch_size = sizes["batch_size"]
    if "images" in sizes:
        split = setting.make_split(sizes["images"])
        batches, steps = setting.make_batches(split, batch_size), len(split) // batch_size
    else:
        features, labels = setting.make_batch(batch_size, sizes["classes"])
        batches, steps = setting.repeat_batch(features["image"], labels), arguments.steps
    fit = setting.time_fit(setting.make_distiller(network), batches)

    def run(count):
        return fit(count * steps) / (steps * batch_size)

    return run, export.measure_complexity(network).multiply_adds


def measure(arguments, name):
    """Rows of the table of one thing that grows."""
    values = arguments.growth[name]
    made = {value: time_size(arguments, **{name: value}) for value in values}
    seconds = turns.measure(
        {value: run for value, (run, _) in made.items()}, rounds=arguments.rounds
    )
    median = turns.medians(seconds)
    base, rows = values[0], []
    for value, (_, multiply_adds) in made.items():
        time_ratio = median[value] / median[base]
        work_ratio = multiply_adds / made[base][1]
        rows.append(
            {
                name: value,
                "ms an image": f"{1000 * median[value]:.4f}",
                "time": f"x {time_ratio:.3f}",
                "multiply-adds": f"x {work_ratio:.3f}",
                "time / multiply-adds": f"{time_ratio / work_ratio:.3f}",
            }
        )
    return rows


def main():
    """Print the tables."""
    parser = setting.make_parser(__doc__, rounds=5, steps=4)
    parser.add_argument("--only", choices=GROWTH, help="what grows; by default each in its turn")
    parser.add_argument("--values", default="", help="of it, with commas")
    arguments = parser.parse_args()
    arguments.precision = setting.print_choices()
    names = [arguments.only] if arguments.only else list(GROWTH)
    given = tuple(map(int, filter(None, arguments.values.split(","))))
    arguments.growth = {name: given or GROWTH[name] for name in names}
    for name in names:
        print("\n" + report.format_table(measure(arguments, name)), flush=True)


if __name__ == "__main__":
    main()
