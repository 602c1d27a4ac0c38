"""Running a network over a batch: as a whole, or in parts to save memory.

A network is run forwards first and backwards later, once the gradients of its outputs are known.
What is made of the outputs in between is up to the distiller, which sees the whole batch's at
once however they came about.
"""

import itertools

import tensorflow as tf

from kd_keras.distillation.updates import backpropagate

__all__ = ["cut", "run_forwards", "run_forwards_in_parts", "run_in_parts"]


def cut(tensor, parts):
    """Cut a tensor along the batch, into parts of near equal size.

    Args:
        tensor: Shape (batch, ...).
        parts: How many.

    Returns:
        A list of tensors.

    Raises:
        ValueError: If a part would be empty, as far as the size is known.

    Example:
        >>> [part.numpy().tolist() for part in cut(tf.range(5), 2)]
        [[0, 1], [2, 3, 4]]
    """
    size = tensor.shape[0]
    if size is None:
        size = tf.shape(tensor)[0]
    elif size < parts:
        raise ValueError(
            f"Cannot cut a batch into {parts} parts. Expected at least as many images. "
            f"Received: {size}."
        )
    edges = [size * number // parts for number in range(parts + 1)]
    return [tensor[start:end] for start, end in itertools.pairwise(edges)]


def run_in_parts(run, image, parts):
    """Run a function over parts of a batch, one after the other, and join what it returns.

    Args:
        run: Function from images to a structure of tensors, each of shape (batch, ...).
        image: Shape (batch, ...).
        parts: How many; 1: the batch as it is.

    Returns:
        The structure, of the whole batch.

    Example:
        >>> run_in_parts(lambda image: {"double": 2 * image}, tf.range(3), 2)["double"].numpy()
        array([0, 2, 4], dtype=int32)
    """
    if parts == 1:
        return run(image)
    results = []
    for part in cut(image, parts):
        results.append(run(_after(results[-1:], part)))
    return tf.nest.map_structure(lambda *pieces: tf.concat(pieces, axis=0), *results)


def run_forwards(forward, image, *, share=1.0):
    """Run a network forwards, and keep what the way back needs.

    Args:
        forward: Function of (inputs, training) that returns a dict of outputs and the
            regularisation losses, a scalar.
        image: Shape (batch, ...).
        share: Factor on the regularisation losses.

    Returns:
        The outputs, and the way back: a function of their gradients by name, an optimiser and
        variables, that returns a gradient for each variable and the regularisation losses.
    """
    with tf.GradientTape() as tape:
        outputs, regularization = forward(image, training=True)
        regularization = share * regularization

    def run_backwards(output_gradients, optimizer, variables):
        gradients = backpropagate(
            tape,
            outputs,
            output_gradients,
            regularization,
            optimizer=optimizer,
            variables=variables,
        )
        return gradients, regularization

    return outputs, run_backwards


def run_forwards_in_parts(forward, image, parts, *, state):
    """Run a network forwards in parts, and on the way back part by part once more.

    Nothing is kept for the way back, so that no more than one part's memory is needed at once.
    Each part is then run again, with the same random draws, and its gradients are added to those
    of the others. The sum is the whole batch's gradient. Batch normalisation alone sees a
    difference: its statistics are those of a part, and move once for each.

    A random generator that belongs to no layer draws anew for the way back.

    Args:
        forward: As in `run_forwards`.
        image: Shape (batch, ...).
        parts: How many.
        state: The network's variables that running it moves.

    Returns:
        As `run_forwards`.

    Reference:
        Gao, Zhang, Han, Callan, "Scaling Deep Contrastive Learning Batch Size under Memory
        Limited Setup", 2021, section 3, who call it gradient caching.
    """
    before = [tf.identity(variable.value) for variable in state]
    outputs = run_in_parts(lambda part: forward(part, training=True)[0], image, parts)
    for variable, value in zip(state, before, strict=True):
        variable.assign(value)

    def run_backwards(output_gradients, optimizer, variables):
        upstream = {
            name: [None] * parts if gradient is None else cut(gradient, parts)
            for name, gradient in output_gradients.items()
        }
        total, done = None, output_gradients
        for number, part in enumerate(cut(image, parts)):
            share = tf.shape(part)[0] / tf.shape(image)[0]
            _, way_back = run_forwards(forward, _after(done, part), share=tf.cast(share, "float32"))
            own = {name: gradients[number] for name, gradients in upstream.items()}
            total = _add(total, way_back(own, optimizer, variables))
            done = total
        return total

    return outputs, run_backwards


def _after(done, part):
    """The same part, but not before something else is done: two at once would need more memory."""
    ready = [tensor for tensor in tf.nest.flatten(done) if tensor is not None]
    with tf.control_dependencies(ready):
        return tf.identity(part)


def _add(first, second):
    """The sums of two structures of tensors, in which a gradient may be None."""
    if first is None:
        return second
    return tf.nest.map_structure(lambda a, b: a if b is None else tf.add_n([a, b]), first, second)
