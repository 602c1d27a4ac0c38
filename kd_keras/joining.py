"""From a configuration to two networks that learn at the same time, and what is left of them.

How they learn is in `distillation.joint`. The second network is called the peer: it is made of the
teacher's section, and its file is called as a teacher's is.
"""

from kd_keras import (
    assembly,
    data,
    distillation,
    distillers,
    export,
    files,
    judging,
    metrics,
    models,
)

__all__ = ["build_distiller", "finish_peer", "peer_path", "require_possible"]

_FIRST_PEER_SEED = 10_000  # two networks of one kind must not begin alike


def require_possible(config):
    """Refuse what does not go with a second network that learns along.

    Raises:
        ValueError: If its settings are of a teacher that has been trained, or the losses or the
            recipe cannot be used so.
    """
    section, signal = config.distillation, config.signal
    if config.teacher.path:
        raise ValueError(
            f"With --joint={section.joint} the second network learns from scratch. Expected no "
            f"--teacher_path, but its kind and size: --teacher, --teacher_depth, --teacher_width. "
            f"Received: {config.teacher.path}."
        )
    if signal.source != "live" or signal.ensemble:
        found = signal.source if signal.source != "live" else f"with {', '.join(signal.ensemble)}"
        raise ValueError(
            f"With --joint={section.joint} the second network changes at every step, and nothing "
            "of it can be kept or averaged. Expected --teacher_signal=live without "
            f"--teacher_ensemble. Received: {found}."
        )
    if section.learns_both_ways:
        distillation.require_both_ways(loss for loss, _ in distillers.make_matching(config))
    if section.joint_share != "none":
        _require_shareable(config)
    assembly.network_arguments(config.teacher)


def _require_shareable(config):
    share = config.distillation.joint_share
    if config.student.binary_weights:
        raise ValueError(
            f"--joint_share={share} gives both networks the same kernels. Expected no "
            "--student_binary_weights, which are one network's. Received: both."
        )
    if config.training.average_decay:
        raise ValueError(
            f"--joint_share={share} gives both networks the same kernels, of which one network's "
            "averages would be left. Expected --average_decay=0. "
            f"Received: {config.training.average_decay}."
        )
    if config.training.precision == "mixed_float16":
        raise ValueError(
            f"--joint_share={share} gives kernels the gradients of two losses, which float16 "
            "scales by two numbers. Expected --precision=float32 or mixed_bfloat16. "
            "Received: mixed_float16."
        )


def build_distiller(config, splits):
    """Put two new networks together and compile them, each with an optimiser of its own.

    Args:
        config: The configuration.
        splits: The data.

    Returns:
        A `distillation.JointDistiller`.

    Raises:
        ValueError: If the two do not go together.
    """
    section, recipe = config.distillation, config.training
    matching = distillers.make_matching(config)
    for loss, _ in matching:
        if loss.needs_examples:
            loss.set_examples(splits.train.labels)
    seed = config.run.seed
    distiller = distillation.JointDistiller(
        assembly.build_network(config.student, splits, seed),
        assembly.build_network(config.teacher, splits, _FIRST_PEER_SEED + seed),
        matching=matching,
        supervised_weight=section.supervised_weight,
        both_ways=section.learns_both_ways,
        share=section.joint_share,
        track_gradient_shares=section.track_gradient_shares,
    )
    steps = data.steps_per_epoch(splits.train, recipe.batch_size)
    distillers.compile_distiller(
        recipe,
        distiller,
        distillers.make_optimizer(recipe, recipe, steps, average_decay=recipe.average_decay),
        distillers.make_optimizer(recipe, recipe, steps),
    )
    return distiller


def peer_path(folder):
    """Where a run keeps its second network."""
    return folder.path / "teacher.keras"


def finish_peer(splits, distiller, folder):
    """Save the second network as its last epoch left it, and test it once.

    It has to be done before the student's best weights are put back, some of which it may share.

    Args:
        splits: The data.
        distiller: The `distillation.JointDistiller` as training left it.
        folder: The `RunFolder`.

    Returns:
        The network, in float32, and its figures under the name `peer`.
    """
    distillation.synchronize_batch_normalization(distiller.peer, False)
    peer = models.to_plain(models.to_float32(distiller.peer))
    path = peer_path(folder)
    files.save_model(peer, path)
    size = export.measure_complexity(path, splits.image_shape)
    figures = {"parameters": size.parameters, "multiply_adds": size.multiply_adds}
    split = splits.test if len(splits.test) else splits.validation
    if len(split):
        logits = judging.predict_logits(peer, split)
        figures |= metrics.summarize(logits, split.labels, splits.class_names)
        error = figures["top1_error_percent"]
        print(f"  the second network, {size.parameters} parameters: error {error:.2f}% at the end")
    return peer, {"peer": figures}
