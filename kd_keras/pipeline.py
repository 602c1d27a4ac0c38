"""What each command does, as one straight story per command.

How the parts of a story are built from the configuration is in `assembly`; where runs live is in
`runs`; how a trained network is judged is in `judging`; everything else is a library that knows
nothing of commands.
"""

import contextlib
import dataclasses
import typing

import lazy_loader

from kd_keras import assembly, data, distillation, files, judging, report, runs, training
from kd_keras import export as exporting

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
tf = lazy_loader.load("tensorflow")

__all__ = ["COMMANDS", "Command", "distill", "evaluate", "export", "quickstart", "train_teacher"]

_QUICKSTART = {
    "from scratch": {"loss": (), "adversarial_weight": 0.0},
    "soft targets": {
        "loss": ("soft_target",),
        "supervised_weight": 0.5,
        "adversarial_weight": 0.0,
    },
    "adversarial": {},
}


def quickstart(config):
    """Train a teacher and the same student three ways, and export the adversarial student."""
    if config.run.name:
        raise ValueError(
            "quickstart makes several runs. Expected no --run_name. "
            f"Received: {config.run.name}. Set --output_directory instead."
        )
    steps = len(_QUICKSTART) + 2
    print(f"1/{steps}  The teacher learns from the labels.")
    # One teacher for all seeds, so that quickstarts with other seeds compare students alone.
    train_teacher(_replace(config, "run", seed=0))
    folders = {"teacher": runs.teacher_folder(config)}
    for number, (label, changes) in enumerate(_QUICKSTART.items(), start=2):
        print(f"\n{number}/{steps}  The student learns: {label}.")
        method = _replace(config, "distillation", **changes)
        distill(method)
        folders[label] = runs.student_folder(method)
    print(f"\n{steps}/{steps}  The adversarial student becomes files.")
    status = export(_replace(config, "evaluation", run=str(folders["adversarial"].path)))
    print("\n" + judging.compare_folders(folders, control="from scratch"))
    return status


def train_teacher(config):
    """Train the teacher on the labels, keep the best on validation, and test it once."""
    strategy = _prepare(config)
    splits = assembly.load_splits(config)
    folder = runs.teacher_folder(config, config.run.name)
    sections = ("run", "data", "teacher", "training")
    identity, record = runs.identify(config, "train_teacher", splits, sections)
    folder.claim(identity, record)
    if folder.finished:
        return judging.print_finished(folder)
    with strategy.scope(), _policy(config):
        network = assembly.build_network(config.teacher, splits, config.run.seed)
        distiller = assembly.build_distiller(config, splits, network)
    outcome = _train(config, splits, distiller, folder)
    return judging.finish(splits, distiller, outcome, folder, "teacher")


def distill(config):
    """Train the student on the labels, the teacher and the learned loss, and test it once."""
    strategy = _prepare(config)
    splits = assembly.load_splits(config)
    folder = runs.student_folder(config, config.run.name)
    teacher, teacher_path = None, None
    if config.distillation.needs_teacher:
        with strategy.scope():
            teacher, teacher_path = assembly.read_teacher(config, splits)
        print(f"  teacher: {teacher_path}")
    sections = ("run", "data", "student", "signal", "distillation", "discriminator", "training")
    identity, record = runs.identify(config, "distill", splits, sections, teacher)
    folder.claim(identity, {**record, "teacher": teacher_path and str(teacher_path)})
    if folder.finished:
        return judging.print_finished(folder)
    with strategy.scope(), _policy(config):
        student = assembly.build_network(config.student, splits, config.run.seed)
        distiller = assembly.build_distiller(config, splits, student, teacher)
    outcome = _train(config, splits, distiller, folder)
    return judging.finish(splits, distiller, outcome, folder, "student")


def evaluate(config):
    """Run a finished model over a split, print its figures and write them beside it."""
    subject = runs.find_subject(config)
    splits = assembly.load_splits(subject.config)
    figures = judging.evaluate_file(subject, splits, config.evaluation.split)
    target = subject.path.with_name(f"{subject.path.name}.{config.evaluation.split}.json")
    files.write_json(target, figures)
    print(f"written to {target}")
    return 0


def export(config):
    """Write the files of a student, run each over the test split, and give a verdict."""
    subject = runs.find_subject(config)
    splits = assembly.load_splits(subject.config)
    model = assembly.load_model(subject.path)
    directory = subject.path.parent / "exports"
    section = config.export
    written = exporting.write(
        model,
        directory,
        section.formats,
        class_names=splits.class_names,
        include_preprocessing=section.include_preprocessing,
    )
    verdicts = judging.verify_files(config, model, written, splits)
    files.write_json(directory / "verdicts.json", [v.to_dictionary() for v in verdicts])
    print(report.format_table([report.verdict_row(verdict) for verdict in verdicts]))
    for verdict in verdicts:
        for reason in verdict.reasons:
            print(f"{verdict.path.name}: {reason}")
    print(f"written to {directory}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def _prepare(config):
    # Before TensorFlow's first operation: devices cannot be set up after it.
    strategy = training.make_strategy(config.training.devices)
    training.require_precision(config.training.precision)
    keras.utils.set_random_seed(config.run.seed)
    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    return strategy


@contextlib.contextmanager
def _policy(config):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.training.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _train(config, splits, distiller, folder):
    augmentation = assembly.make_augmentation(config, splits)
    recipe = config.training
    extras = None
    if distiller.teacher is not None and config.signal.source == "clean":
        plain = data.evaluation_batches(splits.train, batch_size=recipe.batch_size)
        extras = distillation.CleanSignal(distiller.teacher, plain)

    def make_batches(first_epoch):
        return data.training_batches(
            splits.train,
            batch_size=recipe.batch_size,
            augmentation=augmentation,
            seed=config.run.seed,
            first_epoch=first_epoch,
            extras=extras,
        )

    validation = None
    if len(splits.validation):
        validation = data.evaluation_batches(splits.validation, batch_size=recipe.batch_size)
    return training.train(
        distiller,
        make_batches,
        validation_batches=validation,
        epochs=recipe.epochs,
        steps_per_epoch=data.steps_per_epoch(splits.train, recipe.batch_size),
        folder=folder,
        callbacks=[distillation.DiscriminatorMonitor(splits.num_classes)],
    )


def _replace(config, section, **values):
    changed = dataclasses.replace(getattr(config, section), **values)
    return dataclasses.replace(config, **{section: changed})


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: what it runs, which sections of the configuration it reads, its preset.

    Attributes:
        function: From a `Config` to the exit status.
        sections: Names of sections of `Config`.
        preset: Name of the preset whose flags it starts from, or "".
    """

    function: typing.Callable
    sections: tuple[str, ...]
    preset: str = ""

    @property
    def summary(self):
        """The first line of the function's docstring."""
        return self.function.__doc__.splitlines()[0]


_LEARN = ("run", "data", "teacher", "training")
_DISTILL = (*_LEARN, "student", "signal", "distillation", "discriminator")

COMMANDS = {
    "quickstart": Command(quickstart, (*_DISTILL, "export"), preset="quickstart"),
    "train_teacher": Command(train_teacher, _LEARN),
    "distill": Command(distill, _DISTILL),
    "evaluate": Command(evaluate, ("run", "data", "teacher", "evaluation")),
    "export": Command(export, ("run", "data", "evaluation", "export")),
}
