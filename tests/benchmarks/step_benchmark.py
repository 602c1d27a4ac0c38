"""How fast a training step is, beside stock Keras, PyTorch and the machine's own ceiling.

    python -m tests.benchmarks.step_benchmark [--torch_python=PATH] [--rounds=10] ...

Everything is run in turn, round by round, so that what else the machine does falls on all alike;
the ratios of the quickest rounds are what counts. PyTorch is run where it is installed, or by the
interpreter that is named. Run it on an idle machine.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from kd_keras import startup

startup.start_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from kd_keras import distillation, losses, models, training  # noqa: E402
from kd_keras.data import reading  # noqa: E402

CLASSES = 10
TORCH_FORMS = [
    (precision, form) for precision in ("float32", "bfloat16") for form in ("eager", "compiled")
]


def make_network(arguments, precision):
    keras.config.set_dtype_policy(precision)
    network = models.get(
        "wide_resnet",
        image_shape=(32, 32, 3),
        num_classes=CLASSES,
        depth=arguments.depth,
        width=arguments.width,
        dropout=0.3,
        mean=(125.0,) * 3,
        standard_deviation=(60.0,) * 3,
        seed=0,
    )
    keras.config.set_dtype_policy("float32")
    return network


def make_batch(arguments):
    generator = np.random.default_rng(0)
    size = arguments.batch_size
    return {
        "image": generator.integers(0, 256, (size, 32, 32, 3)).astype("uint8"),
        "labels": generator.integers(0, CLASSES, size).astype("int32"),
        "teacher_logits": generator.normal(size=(size, CLASSES)).astype("float16"),
    }


def time_fit(model, features, labels):
    """A function that times some steps of `fit`, all of it."""
    data = reading.untuned(tf.data.Dataset.from_tensors((features, labels)).repeat())

    def run(steps):
        start = time.perf_counter()
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False)
        return time.perf_counter() - start

    return run


def stock(arguments, precision, jit_compile="auto"):
    batch, network = make_batch(arguments), make_network(arguments, precision)
    network.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=1e-4),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    return time_fit(network, batch["image"], batch["labels"])


def ours(arguments, precision=None, *, loss=None, adversary=False, shares=False):
    """Our step on labels alone, or with stored logits of a teacher and what else is asked for."""
    precision = precision or training.choose_precision().value
    batch = make_batch(arguments)
    labels, features = batch.pop("labels"), batch
    if loss is None and not adversary:
        features = batch["image"]
    made = None
    if adversary:
        made = distillation.Adversary(models.get("discriminator", num_classes=CLASSES, seed=1))
    distiller = distillation.Distiller(
        make_network(arguments, precision),
        matching=[(losses.get(loss), 1.0)] if loss else [],
        adversary=made,
        track_gradient_shares=shares,
    )
    distiller.compile(
        training.CoupledSGD(0.01, momentum=0.9, coupled_weight_decay=1e-4),
        training.CoupledSGD(0.01, momentum=0.9) if adversary else None,
        xla=training.choose_xla().value == "yes",
    )
    return time_fit(distiller, features, labels)


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


def measure_in_turn(variants, *, rounds, steps):
    """Seconds of one step, per variant a list with an entry for each round."""
    seconds = {name: [] for name in variants}
    for run in variants.values():
        run(2)
    for _ in range(rounds):
        for name, run in variants.items():
            seconds[name].append(run(steps) / steps)
    return seconds


def print_table(title, seconds, reference, batch_size):
    print(f"\n{title}")
    width = max(map(len, seconds))
    print(f"{'':{width}}  quickest ms  median ms  images/s  time of {reference}")
    for name, values in seconds.items():
        ratio = min(values) / min(seconds[reference])
        print(
            f"{name:{width}}  {min(values) * 1e3:11.1f}  {statistics.median(values) * 1e3:9.1f}"
            f"  {batch_size / min(values):8.0f}  x {ratio:.3f}",
            flush=True,
        )


def measure_ceiling(precision):
    """GFLOP/s of the quickest 3x3 convolution of 64 to 256 channels, forward."""
    dtype = "bfloat16" if precision == "mixed_bfloat16" else "float32"
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


def compare_frameworks(arguments):
    with contextlib.ExitStack() as stack:
        variants = {
            "ours": ours(arguments),
            "ours, float32": ours(arguments, "float32"),
            "Keras, float32": stock(arguments, "float32"),
            "Keras, mixed_bfloat16": stock(arguments, "mixed_bfloat16"),
        }
        for precision, form in TORCH_FORMS if arguments.torch_python else ():
            run = stack.enter_context(torch_process(arguments, precision, form))
            if run is None:
                print(f"PyTorch, {form}, {precision}: not installed, or it does not run here")
            else:
                variants[f"PyTorch, {form}, {precision}"] = run
        seconds = measure_in_turn(variants, rounds=arguments.rounds, steps=arguments.steps)
    print_table("A supervised step", seconds, "ours", arguments.batch_size)
    precision = training.choose_precision().value
    ceiling = measure_ceiling(precision)
    operations = count_operations(make_network(arguments, precision)) * arguments.batch_size
    achieved = operations / min(seconds["ours"]) / 1e9
    print(
        f"convolutions in {precision}: {achieved:.0f} of {ceiling:.0f} GFLOP/s, "
        f"{achieved / ceiling:.0%} of the ceiling"
    )


def measure_costs(arguments):
    variants = {
        "supervised": ours(arguments),
        "and adversary": ours(arguments, adversary=True),
        "and adversary, logit_l1": ours(arguments, loss="logit_l1", adversary=True),
        "and that, gradient shares": ours(arguments, loss="logit_l1", adversary=True, shares=True),
    }
    on_logits = [name for name in losses.names() if not losses.get(name).taps]
    variants |= {f"and {name}": ours(arguments, loss=name) for name in on_logits}
    seconds = measure_in_turn(variants, rounds=arguments.rounds, steps=arguments.steps)
    title = "The cost of distillation from stored logits"
    print_table(title, seconds, "supervised", arguments.batch_size)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--width", type=int, default=4)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="steps of one timing")
    parser.add_argument("--torch_python", default=sys.executable, help="empty: without PyTorch")
    parser.add_argument("--only", choices=("frameworks", "costs"))
    arguments = parser.parse_args()
    for name, choice in (
        ("precision", training.choose_precision()),
        ("xla", training.choose_xla()),
    ):
        print(f"{name}: {choice.value}, because {choice.reason}")
    if arguments.only != "costs":
        compare_frameworks(arguments)
    if arguments.only != "frameworks":
        measure_costs(arguments)


if __name__ == "__main__":
    main()
