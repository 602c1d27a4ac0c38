"""From a configuration to a compiled distiller: losses, adversary, optimisers.

Its data and networks come from `assembly`; what a command then does with it is in `learning`. The
distiller of two networks that learn together is in `joining`.
"""

from kd_keras import data, distillation, losses, models, training

__all__ = ["build_distiller", "compile_distiller", "make_matching", "make_optimizer"]

# Fields of a configuration that every loss with an argument of that name is given.
_SHARED = {"temperature", "reduction"}

# Fields of the discriminator that its game is given.
_OF_A_GAME = {"wasserstein": ("weight_clip",), "wasserstein_penalty": ("penalty_weight",)}


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
        supervised_weight=section.supervised_weight,
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
