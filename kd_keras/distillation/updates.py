"""From terms to new weights: the pieces of calculus that a training step is made of.

Which terms there are and in which order networks are updated is the distiller's affair.
"""

import keras
import tensorflow as tf

__all__ = ["apply_gradients", "backpropagate", "gradient_shares", "scale_where_needed"]


def scale_where_needed(optimizer, model):
    """An optimiser that scales the loss where a network computes in float16.

    Args:
        optimizer: A Keras optimiser, or its name.
        model: The network that it updates.

    Returns:
        The optimiser, inside a `keras.optimizers.LossScaleOptimizer` where it needs one.

    Example:
        >>> model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1, dtype="float16")])
        >>> type(scale_where_needed("sgd", model)).__name__
        'LossScaleOptimizer'
    """
    optimizer = keras.optimizers.get(optimizer)
    layers = model._flatten_layers(include_self=True, recursive=True)
    in_float16 = any(layer.compute_dtype == "float16" for layer in layers)
    if in_float16 and not hasattr(optimizer, "inner_optimizer"):
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def backpropagate(tape, outputs, output_gradients, regularization, *, optimizer, variables):
    """Gradients of a network's variables from the gradients of its outputs.

    Args:
        tape: The tape that recorded the forward pass.
        outputs: Dict of output tensors.
        output_gradients: Dict of the objective's gradients, scaled as the optimiser scales its
            loss; None where an output has none.
        regularization: The network's own losses, a scalar recorded by the tape.
        optimizer: The optimiser, which may scale losses.
        variables: The network's variables.

    Returns:
        One gradient per variable, scaled likewise.
    """
    names = [name for name, gradient in output_gradients.items() if gradient is not None]
    one = optimizer.scale_loss(tf.nn.scale_regularization_loss(tf.ones([])))
    return tape.gradient(
        [outputs[name] for name in names] + [regularization],
        variables,
        output_gradients=[output_gradients[name] for name in names] + [one],
    )


def apply_gradients(optimizer, gradients, variables, clip_norm=None):
    """Let an optimiser update variables, with the norm of the whole gradient limited.

    Args:
        optimizer: Built on the variables.
        gradients: This replica's, one per variable, scaled as the optimiser scales its loss; None
            where the objective does not depend on the variable.
        variables: What to update.
        clip_norm: Largest norm of the gradient over all replicas, or None.
    """
    if clip_norm:
        # The optimiser adds up over the replicas what it is given; the norm is that of the sum,
        # so the sum is taken here and each replica hands on its share of the result.
        context = tf.distribute.get_replica_context()
        known = [gradient for gradient in gradients if gradient is not None]
        known = context.all_reduce(tf.distribute.ReduceOp.SUM, known)
        limit = optimizer.scale_loss(tf.constant(clip_norm))
        clipped = iter(tf.clip_by_global_norm(known, limit)[0])
        gradients = [
            None if gradient is None else next(clipped) / context.num_replicas_in_sync
            for gradient in gradients
        ]
    optimizer.apply(gradients, variables)


def gradient_shares(tape, contributions, student_logits):
    """Each term's share of the gradient with respect to the student's logits.

    |d contribution_k / d logits| / sum_j |d contribution_j / d logits|, Frobenius norms over the
    batch.

    Args:
        tape: A persistent tape that watched the logits.
        contributions: Dict of the weighted terms, scalars.
        student_logits: Shape (batch, classes).

    Returns:
        Dict from `gradient_share_<term>` to a scalar; they add up to 1.
    """
    norms = {
        name: tf.norm(tape.gradient(value, student_logits, unconnected_gradients="zero"))
        for name, value in contributions.items()
    }
    total = tf.add_n(list(norms.values()))
    return {
        f"gradient_share_{name}": tf.math.divide_no_nan(norm, total) for name, norm in norms.items()
    }
