"""How a trained network is judged: on which images, by which figures, and what is written down."""

import lazy_loader

from kd_keras import data, distillation, export, files, machine, metrics, models, report

# They take seconds to import, and --help must not wait for them.
np = lazy_loader.load("numpy")
tf = lazy_loader.load("tensorflow")

__all__ = [
    "choose_split",
    "evaluate_file",
    "finish",
    "predict_logits",
    "print_finished",
    "verify_files",
]

_BATCH_SIZE = 256
_REPORTED = ("epochs", "best_epoch", "judged_on", "parameters", "multiply_adds", "size_bytes")


def choose_split(splits, name):
    """The split of that name.

    Raises:
        ValueError: If it is empty.
    """
    split = getattr(splits, name)
    if not len(split):
        filled = [n for n in ("train", "validation", "test") if len(getattr(splits, n))]
        raise ValueError(
            f"{splits.name} has no {name} images. Expected one of {', '.join(filled)}. "
            f"Received: {name}. Set --split."
        )
    return split


def predict_logits(model, split):
    """The logits of a whole split, in its order, shape (images, classes), float32."""
    twin = models.accelerate(model)
    images = tf.TensorSpec([None, *split.image_shape], tf.uint8)
    run = tf.function(lambda images: twin(images, training=False), input_signature=[images])
    batches = data.evaluation_batches(split, batch_size=_BATCH_SIZE)
    logits = [run(features["image"]) for features, _ in batches]
    return np.concatenate([tf.cast(part, tf.float32).numpy() for part in logits])


def finish(splits, distiller, outcome, folder, name, *, teacher=None, further=None):
    """Test the last and the best network once, write models and figures, print a table.

    Args:
        splits: The data.
        distiller: The `Distiller` as training left it.
        outcome: The `training.Outcome`.
        folder: The `RunFolder`.
        name: `"teacher"` or `"student"`: what the model's file is called.
        teacher: Whom a student is compared with; None where there is none.
        further: Figures by name to be written down too, or None.

    Returns:
        The exit status, 0.
    """
    network = distiller.student
    distillation.synchronize_batch_normalization(network, False)
    split = splits.test if len(splits.test) else splits.validation
    teacher_logits = None
    if teacher is not None and len(split):
        teacher_logits = predict_logits(models.to_float32(teacher), split)
    figures = {
        "epochs": len(outcome.history),
        "best_epoch": outcome.best_epoch,
        "judged_on": "test" if len(splits.test) else "validation",
        "num_examples": len(split),
        **(further or {}),
    }
    for which in ("last", "best"):
        if which == "best":
            network.set_weights(outcome.best_weights)
        # What is judged is what is saved, whatever precision it was trained in.
        model = models.to_plain(models.to_float32(network))
        if len(split):
            figures[which] = metrics.summarize(
                predict_logits(model, split), split.labels, splits.class_names, teacher_logits
            )
        path = folder.path / (f"{name}.keras" if which == "best" else f"{name}_last.keras")
        files.save_model(model, path)
        export.append_ranges(path, models.learned_ranges(network))
    size = export.measure_complexity(folder.path / f"{name}.keras", splits.image_shape)
    figures |= _sizes_of(size)
    figures["training_seconds"] = outcome.seconds
    memory = _peak_memory_bytes()
    figures["peak_memory_bytes"] = memory
    files.write_json(folder.metrics_path, figures)
    print(_result_table(figures))
    _name_uncounted(size)
    told = (f"{size / 10**9:.2f} GB of {kind}" for kind, size in memory.items())
    print(f"  at most {', '.join(told)}")
    print(f"  written to {folder.path}")
    return 0


def _peak_memory_bytes():
    """The most memory that this process has had at once, by where it is."""
    peaks = {"main memory": machine.peak_memory_bytes()}
    for number, _ in enumerate(tf.config.list_logical_devices("GPU")):
        peaks[f"GPU {number}"] = tf.config.experimental.get_memory_info(f"GPU:{number}")["peak"]
    return {kind: size for kind, size in peaks.items() if size is not None}


def print_finished(folder):
    """Say that a run is finished, and how it came out.

    Returns:
        The exit status, 0.
    """
    print(f"  {folder.path} is finished; nothing to do.")
    print(_result_table(folder.read_metrics(names=_REPORTED)))
    return 0


def _result_table(figures):
    rows = []
    for which, epoch in (("best", figures["best_epoch"]), ("last", figures["epochs"])):
        if which in figures:
            label = f"{which} (epoch {epoch}), {figures['judged_on']}"
            rows.append(report.result_row(label, figures[which], **_sizes(figures)))
    return report.format_table(rows)


def _sizes(figures):
    return {name: figures[name] for name in ("parameters", "multiply_adds", "size_bytes")}


def _sizes_of(size):
    """The figures of a size, without a number of multiply-adds that leaves some out."""
    return {
        "parameters": size.parameters,
        "multiply_adds": None if size.uncounted else size.multiply_adds,
        "size_bytes": size.size_bytes,
    }


def _name_uncounted(size):
    if size.uncounted:
        print(f"  multiply-adds: not told, for those of {', '.join(size.uncounted)} are not known")


def evaluate_file(subject, splits, split_name):
    """Run a model's file over a split and print its figures.

    Args:
        subject: A `subjects.Subject`.
        splits: Its data.
        split_name: `"train"`, `"validation"` or `"test"`.

    Returns:
        The figures, plain values by name.
    """
    split = choose_split(splits, split_name)
    predictor = export.load_predictor(subject.path)
    predictor.check(splits.image_shape, splits.num_classes, splits.class_names)
    teacher_logits = _ask_teacher(subject, split)
    figures = metrics.summarize(
        _run_over(predictor, split), split.labels, splits.class_names, teacher_logits
    )
    size = export.measure_complexity(subject.path, splits.image_shape)
    sizes = _sizes_of(size)
    print(report.format_table([report.result_row(subject.path.name, figures, **sizes)]))
    _name_uncounted(size)
    errors = figures["per_class_error_percent"]
    print(
        report.format_table([{"class": name, "error %": error} for name, error in errors.items()])
    )
    return {"model": str(subject.path), "split": split_name, **figures, **sizes}


def _ask_teacher(subject, split):
    """The logits of a model's teacher, with whom it is compared, or None."""
    path = subject.teacher_path
    if path is None:
        return None
    if not path.exists():
        print(
            f"  missing: The teacher is not there any more: {path}. Tell its place with "
            "--teacher_path."
        )
        return None
    return _run_over(export.load_predictor(path), split)


def _run_over(predictor, split):
    logits = []
    for start in range(0, len(split), _BATCH_SIZE):
        images = split.images_at(range(start, min(start + _BATCH_SIZE, len(split))))
        logits.append(predictor.predict(export.standardize(images, predictor)))
    return export.settle_ties(np.concatenate(logits))


def verify_files(config, model, exported, splits):
    """Compare each exported file with its model over a whole split.

    Args:
        config: The configuration: which split, and how much may be lost.
        model: The Keras model.
        exported: Paths of the exported files by format.
        splits: The data.

    Returns:
        The `export.Verdict`s, in the files' order.
    """
    split = choose_split(splits, config.evaluation.split)
    return [
        export.verify(
            model,
            path,
            split,
            split.labels,
            max_logit_difference=config.export.max_logit_difference,
            max_error_increase=config.export.max_error_increase,
        )
        for path in exported.values()
    ]
