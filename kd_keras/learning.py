"""The commands that train: a teacher, a student, a network pruned or made ready for int8.

Each is a straight story from the configuration to the test split; what the commands have in
common stands below them.
"""

import contextlib
import dataclasses

import lazy_loader

from kd_keras import (
    assembly,
    data,
    distillation,
    distillers,
    fitting,
    joining,
    judging,
    refining,
    runs,
    signals,
    subjects,
    teamwork,
    training,
)

# They take seconds to import, and --help must not wait for them.
keras = lazy_loader.load("keras")
tf = lazy_loader.load("tensorflow")

__all__ = ["distill", "prepare", "prune", "quantize", "train_teacher"]


def train_teacher(config):
    """Train the teacher on the labels, keep the best on validation, and test it once."""
    config, strategy = prepare(config)
    assembly.network_arguments(config.teacher)  # A wrong setting is told before data is loaded.
    # What the flags say of a student's objective, its weights and schedules, is not the teacher's.
    config = dataclasses.replace(config, distillation=refining.LABELS_ALONE)
    splits = _load_splits(config)
    folder = runs.teacher_folder(config, config.run.name)
    sections = ("run", "data", "teacher", "training")
    identity, record = runs.identify(config, "train_teacher", splits, sections)
    with teamwork.claim(strategy, folder, identity, record) as folder:
        if folder.finished:
            return judging.print_finished(folder)
        with strategy.scope(), _policy(config):
            network = assembly.build_network(config.teacher, splits, config.run.seed)
            distiller = distillers.build_distiller(config, splits, network)
        outcome = _train(config, splits, distiller, folder)
        if not teamwork.is_chief():
            return 0
        return judging.finish(splits, distiller, outcome, folder, "teacher")


def distill(config):
    """Train the student on the labels, the teacher and the learned loss, and test it once."""
    config, strategy = prepare(config)
    distillers.make_matching(config)  # A wrong setting is told before anything is loaded.
    assembly.network_arguments(config.student)
    folder = runs.student_folder(config, config.run.name)
    if config.distillation.joint != "none":
        return _learn_together(config, strategy, folder)
    splits = _load_splits(config)

    def build():
        return assembly.build_network(config.student, splits, config.run.seed)

    return _teach(config, strategy, splits, folder, build, command="distill")


def _learn_together(config, strategy, folder):
    """Train the student and a second network at the same time, from scratch."""
    joining.require_possible(config)
    splits = _load_splits(config)
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
    subject = subjects.find_subject(config)
    config, strategy = prepare(refining.adopt(config, subject))
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
            distiller = distillers.build_distiller(config, splits, build_student(), signal.teacher)
        outcome = _train(config, splits, distiller, folder, signal.extras)
        if not teamwork.is_chief():
            return 0
        return judging.finish(splits, distiller, outcome, folder, "student", teacher=teacher)


def _load_splits(config):
    splits = assembly.load_splits(config)
    if config.training.patience and not len(splits.validation):
        raise ValueError(
            "--patience waits for a better network on the validation images, and there are none. "
            f"Expected --validation_fraction above 0, or --patience=0. Received: "
            f"{config.training.patience}."
        )
    return splits


def prepare(config):
    """What every command needs that asks a network in this process.

    Returns:
        The configuration with what was left open chosen, and the strategy.
    """
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
    chosen = {name: one.value for name, one in choices.items()}
    return dataclasses.replace(config, training=dataclasses.replace(config.training, **chosen))


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
            distillation.DiscriminatorMonitor(
                splits.num_classes, learns_classes=config.discriminator.label_weight > 0
            ),
        ],
        checkpoint_minutes=config.run.checkpoint_minutes,
        tensorboard=config.run.tensorboard,
        patience=recipe.patience,
    )
