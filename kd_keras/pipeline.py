"""What each command does, as one straight story per command.

How the parts of a story are built from the configuration is in `assembly`; where runs live is in
`runs`; how a trained network is judged is in `judging`; everything else is a library that knows
nothing of commands.
"""

import contextlib
import dataclasses
import typing

import lazy_loader

from kd_keras import (
    assembly,
    choosing,
    comparison,
    data,
    delivery,
    distillation,
    files,
    fitting,
    gathering,
    joining,
    judging,
    models,
    prediction,
    refining,
    runs,
    searching,
    signals,
    startup,
    teamwork,
    training,
)
from kd_keras import export as exporting
from kd_keras import report as reporting

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
tf = lazy_loader.load("tensorflow")

__all__ = [
    "COMMANDS",
    "Command",
    "cache",
    "choose",
    "compare",
    "convert",
    "distill",
    "evaluate",
    "export",
    "predict",
    "prune",
    "quantize",
    "quickstart",
    "report",
    "search",
    "train_teacher",
]


def quickstart(config):
    """Train a teacher and the same student three ways, and export the adversarial student."""
    if config.run.name:
        raise ValueError(
            "quickstart makes several runs. Expected no --run_name. "
            f"Received: {config.run.name}. Set --output_directory instead."
        )
    config = _replace(config, "compare", methods=(), seeds=(config.run.seed,))
    planned = comparison.plan(config, suffix="quickstart")
    steps = len(planned.rows) + 2
    with comparison.claim(planned):
        print(f"1/{steps}  The teacher learns from the labels.")
        # One teacher for all seeds, so that quickstarts with other seeds compare students alone.
        train_teacher(_replace(config, "run", seed=0))
        teacher_path = runs.teacher_path(config)
        comparison.claim_teacher(planned, teacher_path)
        for number, row in enumerate(planned.rows, start=2):
            print(f"\n{number}/{steps}  The student learns: {row.label}.")
            distill(row.config)
        print(f"\n{steps}/{steps}  The adversarial student becomes files.")
        adversarial = planned.rows[-1].folder.path
        status = export(_replace(config, "evaluation", run=str(adversarial)))
        print("\n" + comparison.write(planned, teacher_path, failures={}))
    return status


def train_teacher(config):
    """Train the teacher on the labels, keep the best on validation, and test it once."""
    config, strategy = _prepare(config)
    assembly.network_arguments(config.teacher)  # A wrong setting is told before data is loaded.
    splits = assembly.load_splits(config)
    folder = runs.teacher_folder(config, config.run.name)
    sections = ("run", "data", "teacher", "training")
    identity, record = runs.identify(config, "train_teacher", splits, sections)
    with teamwork.claim(strategy, folder, identity, record) as folder:
        if folder.finished:
            return judging.print_finished(folder)
        with strategy.scope(), _policy(config):
            network = assembly.build_network(config.teacher, splits, config.run.seed)
            distiller = assembly.build_distiller(config, splits, network)
        outcome = _train(config, splits, distiller, folder)
        if not teamwork.is_chief():
            return 0
        return judging.finish(splits, distiller, outcome, folder, "teacher")


def distill(config):
    """Train the student on the labels, the teacher and the learned loss, and test it once."""
    config, strategy = _prepare(config)
    assembly.make_matching(config)  # A wrong setting is told before anything is loaded.
    assembly.network_arguments(config.student)
    folder = runs.student_folder(config, config.run.name)
    if config.distillation.joint != "none":
        return _learn_together(config, strategy, folder)
    splits = assembly.load_splits(config)

    def build():
        return assembly.build_network(config.student, splits, config.run.seed)

    return _teach(config, strategy, splits, folder, build, command="distill")


def _learn_together(config, strategy, folder):
    """Train the student and a second network at the same time, from scratch."""
    joining.require_possible(config)
    splits = assembly.load_splits(config)
    identity, record = runs.identify(config, "distill", splits, runs.OF_A_STUDENT)
    record["teacher"] = str(joining.peer_path(folder))
    with teamwork.claim(strategy, folder, identity, record) as folder:
        if folder.finished:
            return judging.print_finished(folder)
        with strategy.scope(), _policy(config):
            distiller = joining.build_distiller(config, splits)
        outcome = _train(config, splits, distiller, folder)
        if not teamwork.is_chief():
            return 0
        peer, further = joining.finish_peer(splits, distiller, folder)
        return judging.finish(
            splits, distiller, outcome, folder, "student", teacher=peer, further=further
        )


def prune(config):
    """Take filters out of a finished network and train the smaller one on, as a run of its own."""
    return _train_on(config, "prune", refining.build_pruned)


def quantize(config):
    """Train a finished network on, rounding as its int8 file will, as a run of its own."""
    return _train_on(config, "quantize", refining.build_quantized)


def _train_on(config, command, build_from):
    subject = runs.find_subject(config)
    config, strategy = _prepare(refining.adopt(config, subject))
    config = refining.suit(config, command)
    splits = assembly.load_splits(config)
    with strategy.scope():
        model = assembly.read_classifier(subject.path, splits)
    folder, facts = refining.folder_of(config, subject, command), {}
    if command == "prune":
        config, facts = fitting.fit(config, model, splits, folder)
    return _teach(
        config,
        strategy,
        splits,
        folder,
        lambda: build_from(config, model, splits),
        command=command,
        sections=refining.SECTIONS[command],
        origin=(model, subject.path),
        **facts,
    )


def _teach(
    config, strategy, splits, folder, build_student, *, command, sections=(), origin=None, **facts
):
    """Train the student that `build_student` returns, which may come from another's network.

    What else is known of the run, `facts`, is kept in its record.
    """
    with strategy.scope():
        teacher, paths = signals.read_teacher(config, splits)
    sections = (*runs.OF_A_STUDENT, *sections)
    identity, record = runs.identify(config, command, splits, sections, teacher, origin)
    facts["teacher"] = str(paths[0]) if len(paths) == 1 else None
    with teamwork.claim(strategy, folder, identity, record | facts) as folder:
        if folder.finished:
            return judging.print_finished(folder)
        with strategy.scope():
            signal = signals.make_signal(config, splits, teacher)
        with strategy.scope(), _policy(config):
            distiller = assembly.build_distiller(config, splits, build_student(), signal.teacher)
        outcome = _train(config, splits, distiller, folder, signal.extras)
        if not teamwork.is_chief():
            return 0
        return judging.finish(splits, distiller, outcome, folder, "student", teacher=teacher)


def cache(config):
    """Build, list, verify or remove the stored logits of teachers."""
    scope = contextlib.nullcontext()
    if signals.asks_teacher(config):
        config, strategy = _prepare(config)
        scope = strategy.scope()
    with scope:
        print(signals.ACTIONS[config.cache.action](config))
    return 0


def compare(config):
    """Train several students with several seeds on one teacher, and tell how sure a gain is."""
    planned = comparison.plan(config)
    with comparison.claim(planned):
        teacher_path = comparison.find_teacher(planned)
        comparison.claim_teacher(planned, teacher_path)
        planned = comparison.adopt_finished(planned)
        comparison.build_caches(planned)
        failures = comparison.run_rows(
            planned,
            jobs=config.processes.jobs,
            after_row=lambda so_far: comparison.write(planned, teacher_path, so_far),
        )
        print("\n" + comparison.write(planned, teacher_path, failures))
    print(f"written to {planned.path}")
    return 1 if failures else 0


def search(config):
    """Train students of many kinds, time their files, and tell which are beaten by none."""
    planned = searching.plan(config)
    with searching.claim(planned) as role:
        searching.start(planned)
        print(searching.describe_plan(planned))
        teacher_path = searching.prepare(planned, role)
        searching.run_trials(planned, teacher_path, role=role, jobs=config.processes.jobs)
        if role == "worker":
            return 0
        text, found = searching.finish(planned, teacher_path)
    print(f"\n{text}\nwritten to {planned.path}")
    return 0 if found else 1


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
    formats = delivery.choose_formats(config.export)
    contents = delivery.gather_contents(config, model, splits)
    contents["activation_ranges"] = exporting.read_ranges(subject.path)
    written = exporting.write(model, directory, formats, **contents)
    verdicts = delivery.judge(config, model, written, splits)
    files.write_json(directory / "verdicts.json", [v.to_dictionary() for v in verdicts])
    with files.open_atomically(directory / "MODEL_CARD.md") as file:
        file.write(delivery.describe(config, subject, splits, verdicts))
    delivery.print_verdicts(config, verdicts)
    print(f"written to {directory}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def predict(config):
    """Name the likeliest classes of pictures with a finished model, in any form."""
    output = config.predict.output
    if output:
        prediction.check_output(output)
    predictions = prediction.predict_pictures(config, runs.find_subject(config))
    if output:
        prediction.write_predictions(predictions, output)
        print(f"written to {output}")
    else:
        print(prediction.format_predictions(predictions))
    return 0


def choose(config):
    """Name the student to take under a budget: before any training, or after a search."""
    name_student = choosing.choose_untrained
    if config.evaluation.run:
        name_student = choosing.choose_trained
    text, fits = name_student(config)
    print(text)
    return 0 if fits else 1


def convert(config):
    """Make a teacher of a wide residual network of RepDistiller, a .pth file of PyTorch."""
    if not config.evaluation.model.endswith(".pth"):
        raise ValueError(
            "Nothing to convert. Expected --model=FILE.pth, a teacher of RepDistiller. "
            f"Received: {config.evaluation.model or 'none'}."
        )
    network = models.read_rep_distiller(config.evaluation.model)
    path = runs.converted_folder(config, network) / "teacher.keras"
    files.save_model(network, path)
    print(f"{network.name}, {network.output_shape[-1]} classes, written to {path}")
    print(f"Learn from it: python main.py distill --dataset=cifar100 --teacher_path={path.parent}")
    return 0


def report(config):
    """Make a page of a run, a comparison or a search, for a browser and in Markdown."""
    content = gathering.gather(config)
    for sentence in content.missing:
        print(f"  missing: {sentence}")
    for path in reporting.write_page(content, config.evaluation.run):
        print(f"written to {path}")
    return 0


def _prepare(config):
    # Before TensorFlow's first operation: devices cannot be set up after it.
    strategy = teamwork.make_strategy(config.training)
    config = _choose(config)
    training.require_precision(config.training.precision)
    keras.utils.set_random_seed(config.run.seed)
    if config.run.deterministic:
        tf.config.experimental.enable_op_determinism()
    return config, strategy


def _choose(config):
    """Put what the machine is quick in where the configuration leaves it open, and say so.

    A run's record then holds what was chosen: on another machine the run is not gone on with in
    another precision.
    """
    choices = {
        "precision": training.choose_precision(config.training.precision),
        "xla": training.choose_xla(config.training.xla),
    }
    for name, choice in choices.items():
        if choice.reason:
            print(f"  {name}: {choice.value}, because {choice.reason}")
    return _replace(config, "training", **{name: one.value for name, one in choices.items()})


@contextlib.contextmanager
def _policy(config):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.training.precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _train(config, splits, distiller, folder, extras=None):
    augmentation = assembly.make_augmentation(config, splits)
    recipe, share = config.training, teamwork.own_share()
    schedule = distillation.Schedule.through(config.distillation.schedules, distiller)
    if distiller.terms.need_examples:
        extras = data.with_examples(extras)

    def make_batches(first_epoch, first_step):
        return data.training_batches(
            splits.train,
            batch_size=recipe.batch_size,
            augmentation=augmentation,
            seed=config.run.seed,
            first_epoch=first_epoch,
            first_step=first_step,
            extras=extras,
            views=signals.count_views(config),
            view_seed=config.data.view_seed,
            share=share,
        )

    validation = None
    if len(splits.validation):
        validation = data.evaluation_batches(
            splits.validation, batch_size=recipe.batch_size, share=share
        )
    return training.train(
        distiller,
        make_batches,
        validation_batches=validation,
        epochs=recipe.epochs,
        steps_per_epoch=data.steps_per_epoch(splits.train, recipe.batch_size),
        folder=folder,
        callbacks=[
            schedule,
            judging.time_epochs(folder),
            distillation.DiscriminatorMonitor(splits.num_classes),
        ],
        checkpoint_minutes=config.run.checkpoint_minutes,
        tensorboard=config.run.tensorboard,
        patience=recipe.patience,
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
        uses_tensorflow: Whether it computes in this process.
        several_hosts: Whether the hosts of TF_CONFIG run it together.
    """

    function: typing.Callable
    sections: tuple[str, ...]
    preset: str = ""
    uses_tensorflow: bool = True
    several_hosts: bool = False

    @property
    def summary(self):
        """The first line of the function's docstring."""
        return self.function.__doc__.splitlines()[0]

    def run(self, config):
        """Run it, TensorFlow started before; returns the exit status."""
        with teamwork.together(self.function.__name__, several=self.several_hosts):
            if self.uses_tensorflow:
                startup.start_tensorflow()
            return self.function(config)


_LEARN = ("run", "data", "teacher", "training")
_DISTILL = (*_LEARN, "student", "signal", "distillation", "discriminator")
_REFINE = ("run", "data", "teacher", "evaluation", "refinement")

COMMANDS = {
    "quickstart": Command(quickstart, (*_DISTILL, "export"), preset="quickstart"),
    "train_teacher": Command(train_teacher, _LEARN, several_hosts=True),
    "distill": Command(distill, _DISTILL, several_hosts=True),
    "compare": Command(
        compare, (*_DISTILL, "compare", "processes"), preset="compare", uses_tensorflow=False
    ),
    "prune": Command(prune, (*_REFINE, "pruning", "budget")),
    "quantize": Command(quantize, _REFINE),
    "search": Command(
        search,
        (*_DISTILL, "search", "budget", "processes"),
        preset="search",
        uses_tensorflow=False,
    ),
    "evaluate": Command(evaluate, ("run", "data", "teacher", "evaluation")),
    "export": Command(export, ("run", "data", "evaluation", "export")),
    "predict": Command(predict, ("run", "data", "evaluation", "predict")),
    "cache": Command(cache, (*_LEARN, "signal", "cache")),
    "choose": Command(
        choose, ("run", "data", "student", "evaluation", "budget", "choose"), uses_tensorflow=False
    ),
    "convert": Command(convert, ("run", "evaluation")),
    "report": Command(report, ("run", "data", "teacher", "evaluation", "report")),
}
