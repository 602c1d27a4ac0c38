"""A network's faster twin: other layers that compute the same with the same variables.

What takes the place of a layer is in `fast_layers`; here it is decided where.
"""

import keras

from kd_keras.models import fast_layers, graphs

__all__ = ["accelerate"]


def accelerate(model):
    """A twin of a model that computes the same, faster where it is run without XLA.

    Batch normalisation becomes one operation, dropout of images two passes, and on a processor
    with AMX the filters' gradients are computed with images side by side, or from the pixels that
    a strided 1x1 takes. The variables are the model's own, so that training the twin trains the
    model, and there is nothing to copy back or to save.

    The results are the model's up to rounding, dropout's draws apart. A layer that synchronises
    its statistics, has a mask, normalises another axis than the last, or is of the user's own
    class, is left as it is.

    Args:
        model: A `keras.Model`.

    Returns:
        A functional model with the layers of a functional one, any other model as it is.

    Example:
        >>> image = keras.Input((4, 4, 3))
        >>> model = keras.Model(image, keras.layers.BatchNormalization()(image))
        >>> twin = accelerate(model)
        >>> [a is b for a, b in zip(twin.variables, model.variables)]
        [True, True, True, True]
    """
    if not graphs.is_functional(model) or not model.built:
        return model
    return _Acceleration().twin_of(model)


class _Acceleration:
    """One model's twin in the making; remembers what became of a layer that is used again."""

    def __init__(self):
        self._twins = {}

    def twin_of(self, model):
        calls = []

        def call(operation, *args, **kwargs):
            fused = self._fuse(operation, args, calls)
            if fused is None:
                return operation(*args, **kwargs)
            stand_in, inputs = fused
            return stand_in(inputs, **kwargs)

        return graphs.rebuild(model, layer=self._replace, call=call, calls=calls)

    def _replace(self, layer):
        """What takes the place of a layer whatever stands before it."""
        if graphs.is_functional(layer):
            return self._remember(layer, self.twin_of)
        if isinstance(layer, keras.Layer):
            for stand_in in (fast_layers.NormalizationStandIn, fast_layers.ConvolutionStandIn):
                if stand_in.can_replace(layer):
                    return self._remember(layer, stand_in)
        return layer

    def _fuse(self, layer, args, calls):
        """What takes the place of a layer together with the one before it, and its input."""
        if not isinstance(layer, keras.Layer) or len(args) != 1:
            return None
        before = graphs.producer(calls, args[0])
        if fast_layers.DropoutStandIn.can_replace(layer) and len(args[0].shape) == 4:
            if before and _is_relu(before.operation, layer):
                stand_in = fast_layers.DropoutStandIn(layer, after_relu=True)
                return stand_in, graphs.inputs_of(before)[0]
            return fast_layers.DropoutStandIn(layer), args[0]
        return None

    def _remember(self, layer, make):
        if id(layer) not in self._twins:
            self._twins[id(layer)] = make(layer)
        return self._twins[id(layer)]


def _is_relu(layer, dropout):
    if not isinstance(layer, keras.Layer) or layer.activity_regularizer is not None:
        return False
    return graphs.is_relu(layer) and layer.compute_dtype == dropout.compute_dtype
