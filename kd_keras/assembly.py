"""From a configuration to the objects of a run: data, networks, distiller.

What a command then does with them is in `pipeline`, where a run lives is in `runs`.
"""

from kd_keras import data, distillation, export, losses, models, runs, training

__all__ = [
    "build_distiller",
    "build_network",
    "compile_distiller",
    "load_model",
    "load_splits",
    "make_augmentation",
    "make_matching",
    "make_optimizer",
    "network_arguments",
    "read_classifier",
    "read_teacher",
]


# Fields of a configuration that every loss with an argument of that name is given.
_SHARED = {"temperature", "reduction"}

# Fields of the discriminator that its game is given.
_OF_A_GAME = {"wasserstein": ("weight_clip",), "wasserstein_penalty": ("penalty_weight",)}


def load_splits(config):
    """Load the data that a configuration asks for, and print what it is."""
    section = config.data
    splits = data.load(
        section.dataset,
        section.data_directory,
        download=section.download,
        cache_directory=section.cache_directory,
        memory_limit_gigabytes=section.memory_limit_gigabytes,
        validation_fraction=section.validation_fraction,
        test_fraction=section.test_fraction,
        split_seed=section.split_seed,
        max_train_examples=section.max_train_examples,
        image_size=section.image_size,
        resize=section.resize,
    )
    height, width, channels = splits.image_shape
    print(
        f"{splits.name}: {len(splits.train)} images to train on, {len(splits.validation)} for "
        f"validation, {len(splits.test)} for test; {height}x{width}x{channels}, "
        f"{splits.num_classes} classes"
    )
    for note in splits.notes:
        print(f"  {note}")
    return splits


def make_augmentation(config, splits):
    """The augmentation that a configuration asks for, on these images."""
    return data.Augmentation.resolve(
        splits,
        crop_padding=config.data.crop_padding,
        padding=config.data.padding,
        flip=config.data.flip,
    )


def build_network(section, splits, seed):
    """A new network of a `Teacher` or `Student` section, or that of its file, to be trained.

    Either computes under Keras's global policy, whatever the file was trained in.
    """
    if section.path:
        network = models.to_policy(read_classifier(runs.find_model(section.path), splits))
    else:
        network = _make_network(section, splits, seed)
    return models.with_binary_weights(network) if section.binary_weights else network


def _make_network(section, splits, seed):
    return models.get(
        section.network,
        image_shape=splits.image_shape,
        num_classes=splits.num_classes,
        mean=splits.mean,
        standard_deviation=splits.standard_deviation,
        seed=seed,
        **network_arguments(section),
    )


def network_arguments(section):
    """The sizes and options of a `Teacher` or `Student` section that its network takes.

    Raises:
        ValueError: If the network does not take a size or an option that is set.
    """
    known, given = models.arguments(section.network), {}
    for name in ("depth", "width", "dropout"):
        value, default = getattr(section, name), type(section).__dataclass_fields__[name].default
        if name in known:
            given[name] = value
        elif value != default:
            raise ValueError(
                f"{section.network} has no {name} to choose. Expected the default, {default}, "
                f"which it leaves alone. Received: {value}."
            )
    return given | models.read_options(section.network, section.options)


def load_model(path):
    """Load a `.keras` classifier, in safe mode, and make it give logits.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If the file is damaged, runs code, or is no classifier.
    """
    return models.to_logits(export.load_keras(path))


def _require_fit(model, path, splits):
    shape = tuple(model.input_shape[1:])
    if shape != tuple(splits.image_shape) and None not in shape:
        raise ValueError(
            f"{path} takes other images. Expected {splits.image_shape}. Received: {shape}. "
            "Set --image_size and --resize, or take another model."
        )
    if model.output_shape[-1] != splits.num_classes:
        raise ValueError(
            f"{path} knows another number of classes. Expected {splits.num_classes}, as in "
            f"{splits.name}. Received: {model.output_shape[-1]}."
        )


def read_teacher(config, splits):
    """Load the teacher of a configuration.

    Returns:
        The teacher, and the path it came from.

    Raises:
        FileNotFoundError: If it has not been trained.
        ValueError: If it does not fit the data.
    """
    if config.teacher.path:
        path = runs.find_model(config.teacher.path)
    else:
        path = runs.teacher_folder(config).path / "teacher.keras"
        if not path.is_file():
            section = config.teacher
            option = f" --teacher_option={','.join(section.option)}" if section.option else ""
            raise FileNotFoundError(
                f"No teacher at {path.parent}. Train one first: python main.py train_teacher "
                f"--dataset={config.data.dataset} --teacher={section.network} "
                f"--teacher_depth={section.depth} --teacher_width={section.width}{option}, with "
                "your other flags; or name one: --teacher_path=FILE."
            )
    return read_classifier(path, splits), path


def read_classifier(path, splits):
    """Load a classifier that fits the data, and make it give logits.

    Args:
        path: A `.keras` file.
        splits: The data.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or takes other images or knows other classes.
    """
    model = load_model(path)
    _require_fit(model, path, splits)
    return model


def build_distiller(config, splits, student, teacher=None):
    """Put the parts together and compile them; without a teacher it trains on labels alone."""
    section = config.distillation
    matching, adversary = [], None
    if teacher is not None:
        matching = make_matching(config)
        for loss, _ in matching:
            if loss.needs_examples:
                loss.set_examples(splits.train.labels)
        if section.adversarial_weight:
            adversary = _build_adversary(config, splits, student)
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=matching,
        supervised_weight=section.supervised_weight if teacher is not None else 1.0,
        adversary=adversary,
        adversarial_weight=section.adversarial_weight,
        track_gradient_shares=section.track_gradient_shares,
    )
    steps = data.steps_per_epoch(splits.train, config.training.batch_size)
    recipe = config.training
    compile_distiller(
        recipe,
        distiller,
        make_optimizer(recipe, recipe, steps, average_decay=recipe.average_decay),
        make_optimizer(config.discriminator, recipe, steps) if adversary else None,
    )
    return distiller


def compile_distiller(recipe, distiller, *optimizers):
    """Compile a distiller with its optimisers, as the section `training` asks."""
    _require_whole_parts(recipe, distiller.distribute_strategy.num_replicas_in_sync)
    distiller.compile(
        *optimizers,
        xla=recipe.xla == "yes",
        clip_norm=recipe.clip_norm or None,
        micro_batches=recipe.micro_batches,
        checkpoint_gradients=recipe.checkpoint_gradients,
    )


def _require_whole_parts(recipe, replicas):
    most = recipe.batch_size // replicas
    if recipe.micro_batches > most:
        raise ValueError(
            f"Invalid value for micro_batches. Expected 1 to {most}, the images that each of "
            f"{replicas} devices has of a batch of {recipe.batch_size}. "
            f"Received: {recipe.micro_batches}."
        )


def make_matching(config):
    """Pairs of a loss between teacher and student, and its weight.

    Raises:
        ValueError: If a loss does not take one of its options.
    """
    section, matching = config.distillation, []
    for name, weight in section.weighted_losses:
        shared = {key: getattr(section, key) for key in _SHARED & set(losses.arguments(name))}
        if "teachers" in losses.arguments(name):
            shared["teachers"] = _member_names(config)
        options = losses.read_options(name, section.options_of(name))
        loss = losses.get(name, **{**shared, **options})
        matching.append((loss, loss.default_weight if weight is None else weight))
    return matching


def _member_names(config):
    """The names of several teachers within their mean; none where there is one."""
    members = 1 + len(config.signal.ensemble)
    return tuple(models.member_name(number + 1) for number in range(members) if members > 1)


def _build_adversary(config, splits, student):
    section = config.discriminator
    image_shape = splits.image_shape if section.condition == "image" else None
    discriminator = models.get(
        "discriminator",
        num_classes=splits.num_classes,
        num_features=distillation.count_features("student", student, section.tap)
        if section.tap
        else None,
        depth=section.depth,
        count_output_layer=section.count_output_layer,
        dropout=section.dropout,
        head=section.head,
        real_fake_output=section.real_fake_output,
        condition=section.condition,
        image_shape=image_shape,
        seed=config.run.seed + 1,
    )
    taken = {name: getattr(section, name) for name in _OF_A_GAME.get(section.game, ())}
    return distillation.Adversary(
        discriminator,
        losses.games.get(section.game, **taken),
        label_weight=section.label_weight,
        batch_statistics=section.batch_statistics,
        frozen_in_student_update=section.frozen_in_student_update,
        look_ahead=section.look_ahead,
        tap=section.tap,
        teacher_tap=section.teacher_tap,
        teachers=_member_names(config) if section.several_teachers else (),
        seed=config.run.seed,
    )


def make_optimizer(section, recipe, steps_per_epoch, *, average_decay=0.0):
    """The optimiser with the rates of one section, on the schedule of the section `training`."""
    schedule = training.EpochSchedule(
        section.learning_rate,
        recipe.schedule,
        epochs=recipe.epochs,
        steps_per_epoch=steps_per_epoch,
        drops=recipe.learning_rate_drops or None,
        drop_factor=recipe.learning_rate_drop_factor,
        warmup_epochs=recipe.warmup_epochs,
    )
    averaging = {"use_ema": True, "ema_momentum": average_decay} if average_decay else {}
    return training.CoupledSGD(
        schedule,
        coupled_weight_decay=section.weight_decay,
        momentum=section.momentum,
        nesterov=section.nesterov,
        **averaging,
    )
