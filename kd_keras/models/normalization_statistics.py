"""Taking the statistics of batch normalisation anew."""

import contextlib

import keras
import numpy as np

from kd_keras.models import graphs

__all__ = ["re_estimate_statistics"]


def re_estimate_statistics(model, images, *, batch_size=256):
    """Set the moving statistics of batch normalisation to those of some images.

    They become the means, over batches of the images, of each batch's mean and variance; every
    normalisation sees what the ones before it give for the same batch. Dropout is left out, as it
    is at inference. Nothing else in the network changes.

    Args:
        model: A functional `keras.Model`. Its statistics are changed in place.
        images: Shape (images, height, width, channels), as the model takes them.
        batch_size: Images at a time. What does not fill a batch is left out, unless it is all
            that there is.

    Returns:
        How many normalisations have other statistics now: a frozen one keeps its own.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If there are no images.

    Example:
        >>> image = keras.Input((1, 1, 1))
        >>> layer = keras.layers.BatchNormalization()
        >>> model = keras.Model(image, layer(image))
        >>> re_estimate_statistics(model, np.array([1.0, 5.0], np.float32).reshape(2, 1, 1, 1))
        1
        >>> float(layer.moving_mean[0]), float(layer.moving_variance[0])
        (3.0, 4.0)
    """
    graphs.require_functional(model)
    if not len(images):
        raise ValueError("Expected images to take the statistics of. Received: none.")
    layers = [
        layer
        for layer in model._flatten_layers(include_self=False, recursive=True)
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not layers:
        return 0
    before = [_statistics(layer) for layer in layers]
    network = _without_dropout(model)
    with _own_momentum(layers):
        for number in range(max(1, len(images) // batch_size)):
            for layer in layers:
                layer.momentum = number / (number + 1)  # the average of all batches so far
            batch = images[number * batch_size : (number + 1) * batch_size]
            network(np.asarray(batch, np.float32), training=True)
    return sum(
        not np.array_equal(old, _statistics(layer))
        for old, layer in zip(before, layers, strict=True)
    )


def _statistics(layer):
    return np.stack([layer.moving_mean.numpy(), layer.moving_variance.numpy()])


@contextlib.contextmanager
def _own_momentum(layers):
    before = [layer.momentum for layer in layers]
    try:
        yield
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum = momentum


def _without_dropout(model):
    """The same network over the same layers, without dropout."""

    def replace(operation):
        return _without_dropout(operation) if graphs.is_functional(operation) else operation

    def call(operation, *args, **kwargs):
        if isinstance(operation, keras.layers.Dropout):
            return graphs.tensors_in(args, kwargs)[0]
        return operation(*args, **kwargs)

    return graphs.rebuild(model, layer=replace, call=call)
