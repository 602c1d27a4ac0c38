"""How fast a training step is, beside stock Keras, PyTorch and the machine's own ceiling.

    python -m tests.benchmarks.step_benchmark [--torch_python=PATH] [--rounds=10] ...

Everything is run in turn, round by round, so that what else the machine does falls on all alike;
the ratios of the quickest rounds are what counts. PyTorch is run where it is installed, or by the
interpreter that is named. Run it on an idle machine. What each term of the objective costs is in
`loss_benchmark`.
"""

import contextlib
import statistics
import subprocess
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from kd_keras import report
from tests.benchmarks import setting, turns

DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
TORCH_FORMS = [(precision, form) for precision in DTYPES.values() for form in ("eager", "compiled")]


def make_network(arguments, precision):
    size = f"{arguments.depth}-{arguments.width}"
    return setting.make_network(size, precision=precision, dropout=0.3)


def stock(arguments, precision):
    """The step of stock Keras."""
    network = make_network(arguments, precision)
    network.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return _time_steps(arguments, network)


def ours(arguments, precision):
    """Our step on labels alone."""
    return _time_steps(arguments, setting.make_distiller(make_network(arguments, precision)))


def _time_steps(arguments, model):
    features, labels = setting.make_batch(arguments.batch_size)
    return setting.time_fit(model, setting.repeat_batch(features["image"], labels))


@contextlib.contextmanager
def torch_process(arguments, precision, form):
    """The function that times PyTorch's steps, or None where there is no PyTorch."""
    sizes = [arguments.depth, arguments.width, arguments.batch_size]
    process = subprocess.Popen(
        [arguments.torch_python, "-m", "tests.benchmarks.torch_step", precision, form]
        + [str(size) for size in sizes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )

    def run(steps):
        process.stdin.write(f"{steps}\n")
        process.stdin.flush()
        return float(process.stdout.readline())

    try:
        yield run if process.stdout.readline().strip() == "ready" else None
    finally:
        process.stdin.close()
        process.wait()


def tabulate(seconds, reference, batch_size):
    """Rows of a table; the ratios are those of the quickest rounds."""
    return [
        {
            "a supervised step": name,
            "quickest ms": 1000 * min(values),
            "median ms": 1000 * statistics.median(values),
            "images/s": f"{batch_size / min(values):.0f}",
            f"times {reference}": f"{min(values) / min(seconds[reference]):.3f}",
        }
        for name, values in seconds.items()
    ]


def measure_ceiling(dtype):
    """GFLOP/s of the quickest 3x3 convolution of 64 to 256 channels, forward."""
    best = 0.0
    for side, channels in ((32, 64), (16, 128), (8, 256)):
        image = tf.cast(tf.random.normal([128, side, side, channels]), dtype)
        kernel = tf.cast(tf.random.normal([3, 3, channels, channels]), dtype)
        run = tf.function(lambda image, kernel: tf.nn.conv2d(image, kernel, 1, "SAME"))
        for _ in range(20):
            start = time.perf_counter()
            run(image, kernel)
            elapsed = time.perf_counter() - start
            best = max(best, 2 * 128 * side**2 * 9 * channels**2 / elapsed / 1e9)
    return best


def count_operations(network):
    """Floating-point operations of the convolutions of one image, forward and both backward."""
    total = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            pixels = layer.output.shape[1] * layer.output.shape[2]
            total += 6 * pixels * int(np.prod(layer.kernel.shape))
    return total


def compare_with_ceilings(arguments, seconds):
    """Rows of a table: what our convolutions reach of the machine's best, by precision."""
    operations = count_operations(make_network(arguments, "float32")) * arguments.batch_size
    rows = []
    for name, precision in arguments.ours.items():
        ceiling = measure_ceiling(DTYPES[precision])
        achieved = operations / min(seconds[name]) / 1e9
        rows.append(
            {
                "convolutions": name,
                "GFLOP/s in the step": f"{achieved:.0f}",
                "of one convolution alone": f"{ceiling:.0f}",
                "share %": 100 * achieved / ceiling,
            }
        )
    return rows


def main():
    """Print the tables."""
    parser = setting.make_parser(__doc__, rounds=10, steps=10)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--torch_python", default=sys.executable, help="empty: without PyTorch")
    arguments = parser.parse_args()
    precision = setting.print_choices()
    arguments.ours = {f"ours, {dtype}": precision for precision, dtype in DTYPES.items()}
    with contextlib.ExitStack() as stack:
        variants = {name: ours(arguments, precision) for name, precision in arguments.ours.items()}
        for precision, dtype in DTYPES.items():
            variants[f"Keras, {dtype}"] = stock(arguments, precision)
        for dtype, form in TORCH_FORMS if arguments.torch_python else ():
            run = stack.enter_context(torch_process(arguments, dtype, form))
            if run is None:
                print(f"PyTorch, {form}, {dtype}: not installed, or it does not run here")
            else:
                variants[f"PyTorch, {form}, {dtype}"] = run
        seconds = turns.measure(variants, rounds=arguments.rounds, count=arguments.steps)
    chosen = f"ours, {DTYPES.get(precision, 'float32')}"
    print(report.format_table(tabulate(seconds, chosen, arguments.batch_size)) + "\n")
    print(report.format_table(compare_with_ceilings(arguments, seconds)))


if __name__ == "__main__":
    main()
