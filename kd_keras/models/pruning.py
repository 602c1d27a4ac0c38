"""Taking whole filters out of a trained network, so that a smaller one remains.

Which filters go is decided here, once, by their weights; the training after it is in
`kd_keras.training`.
"""

import collections

import keras
import numpy as np

from kd_keras.models import graphs

__all__ = ["prune_filters"]

# Layers that compute each channel from that channel alone, so that one can be left out.
_PER_CHANNEL = (
    keras.layers.Activation,
    keras.layers.AveragePooling2D,
    keras.layers.BatchNormalization,
    keras.layers.Cropping2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dropout,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.Identity,
    keras.layers.LeakyReLU,
    keras.layers.MaxPooling2D,
    keras.layers.ReLU,
    keras.layers.SpatialDropout2D,
    keras.layers.UpSampling2D,
    keras.layers.ZeroPadding2D,
)
_ACROSS_CHANNELS = frozenset({"softmax", "log_softmax"})


def prune_filters(model, fraction):
    """The network without the filters whose weights have the smallest L1 norm.

    In every convolution of which that is possible, the given fraction of the filters goes, those
    with the smallest sum |W|; at least one stays. With a filter goes its channel in all layers
    behind, up to the kernels that read it. It is possible where nothing but such layers reads the
    channel: in a residual network, within a block and not in the sums.

    A filter of zeros whose channel is then 0 everywhere leaves without a trace; any other changes
    the outputs, and the network has to be trained on.

    Args:
        model: A functional `keras.Model`.
        fraction: Of the filters, in [0, 1).

    Returns:
        A functional model with weights of its own.

    Raises:
        TypeError: If the model is not functional.
        ValueError: If the fraction is out of range, or no filter can go.

    Example:
        >>> image = keras.Input((4, 4, 1))
        >>> x = keras.layers.ReLU()(keras.layers.Conv2D(8, 3)(image))
        >>> x = keras.layers.GlobalAveragePooling2D()(x)
        >>> model = keras.Model(image, keras.layers.Dense(2)(x))
        >>> [weight.shape for weight in prune_filters(model, 0.75).get_weights()]
        [(3, 3, 1, 2), (2,), (2, 2), (2,)]

    Reference:
        Li, Kadav, Durdanovic, Samet, Graf, "Pruning Filters for Efficient ConvNets", 2017,
        section 3.
    """
    graphs.require_functional(model)
    if not 0.0 <= fraction < 1.0:
        raise ValueError(
            "Invalid value for fraction. Expected a number from 0 up to but not including 1. "
            f"Received: {fraction}."
        )
    plan = _Plan(model)
    if not plan.chains:
        raise ValueError(
            f"No filter of {model.name} can go. Expected convolutions whose channels are read by "
            "other kernels alone, not by sums or by what mixes channels. Received: none."
        )
    for convolution, behind in plan.chains:
        kept = _choose_filters(convolution, fraction)
        plan.keep_outputs(convolution, kept)
        for layer in behind:
            plan.keep_inputs(layer, kept)
    return plan.build()


def _choose_filters(convolution, fraction):
    """The indices of the filters that stay, in their order."""
    norms = np.abs(np.asarray(convolution.kernel, np.float64)).sum(axis=(0, 1, 2))
    count = max(1, len(norms) - round(fraction * len(norms)))
    # Of equal ones the first stay, on every machine.
    return np.sort(np.argsort(-norms, kind="stable")[:count])


class _Plan:
    """What stays of each layer's weights, and the network that this makes.

    Attributes:
        chains: Pairs of a convolution that can lose filters, and the layers behind it that lose a
            channel with each.
    """

    def __init__(self, model):
        self._model = model
        calls = []
        outputs = graphs.rebuild(model, calls=calls).outputs
        self._readers = graphs.find_readers(calls, outputs)
        self._times = collections.Counter(id(call.operation) for call in calls)
        self._weights = {}
        pairs = [(c.operation, self._behind(c)) for c in calls if self._is_convolution(c)]
        self.chains = [(layer, behind) for layer, behind in pairs if behind is not None]

    def _is_convolution(self, call):
        return (
            type(call.operation) is keras.layers.Conv2D
            and self._is_usual(call)
            and call.operation.groups == 1
        )

    def _is_usual(self, call):
        """Whether the layer is called here alone, with channels last."""
        layer = call.operation
        data_format = getattr(layer, "data_format", "channels_last")
        return self._times[id(layer)] == 1 and data_format == "channels_last"

    def _behind(self, call):
        """The layers behind a call that have its channels, up to the kernels; None if one cannot
        lose a channel."""
        found = []
        for reader in self._readers.get(id(call.outputs), [None]):
            if reader is None or not self._is_usual(reader):
                return None
            if self._is_convolution(reader) or self._is_dense(reader):
                found.append(reader.operation)
                continue
            behind = self._behind(reader) if _is_per_channel(reader) else None
            if behind is None:
                return None
            found += [reader.operation, *behind]
        return found

    def _is_dense(self, reader):
        return type(reader.operation) is keras.layers.Dense

    def _kept(self, layer):
        return self._weights.setdefault(id(layer), [np.asarray(w) for w in layer.get_weights()])

    def keep_outputs(self, layer, kept):
        """Keep some filters of a convolution."""
        weights = self._kept(layer)
        weights[:] = [weight[..., kept] for weight in weights]

    def keep_inputs(self, layer, kept):
        """Keep some channels of what a layer reads."""
        weights = self._kept(layer)
        if type(layer) is keras.layers.Dense:
            weights[0] = weights[0][kept]
        elif type(layer) is keras.layers.Conv2D:
            weights[0] = weights[0][:, :, kept]
        elif type(layer) is keras.layers.DepthwiseConv2D:
            weights[:] = [weights[0][:, :, kept], *(bias[kept] for bias in weights[1:])]
        else:
            weights[:] = [weight[kept] for weight in weights]

    def build(self):
        """The smaller network."""
        twins = {}

        def replace(layer):
            if id(layer) not in twins:
                twins[id(layer)] = self._twin(layer)
            return twins[id(layer)]

        smaller = graphs.rebuild(self._model, layer=replace)
        for layer in self._model.layers:
            twin = twins.get(id(layer), layer)
            if twin is not layer:
                twin.set_weights(self._kept(layer))
        for layer in smaller._flatten_layers(include_self=False, recursive=True):
            # `Normalization` computes with what it derives from its weights when it is told to.
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()
        return smaller

    def _twin(self, layer):
        if not isinstance(layer, keras.Layer):
            return layer
        config = layer.get_config()
        if type(layer) is keras.layers.Conv2D:
            config["filters"] = self._kept(layer)[0].shape[-1]
        return type(layer).from_config(config)


def _is_per_channel(call):
    layer = call.operation
    if type(layer) not in _PER_CHANNEL:
        return False
    if isinstance(layer, keras.layers.BatchNormalization):
        return layer.axis in (-1, len(call.outputs.shape) - 1)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return layer.depth_multiplier == 1
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", "") not in _ACROSS_CHANNELS
