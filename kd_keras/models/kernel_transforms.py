"""Layers that multiply by something made of their kernel, and the plain layers they end as.

What is made of the kernel is in `fake_quantization` and `binary_weights`. Such layers exist while
a network is trained; what is saved is the network that `to_plain` returns.
"""

import keras
import numpy as np
import tensorflow as tf

from kd_keras.models import graphs

__all__ = [
    "TransformedConv2D",
    "TransformedDense",
    "TransformedDepthwiseConv2D",
    "to_plain",
    "twin_of",
]


class _TransformedKernel:
    """What the layers have in common.

    A subclass has the class of Keras whose layer it stands for as `plain_class`, and defines
    `transform`, from the kernel, float32, to what is multiplied by, of the same shape.
    """

    plain_class = None

    def transform(self, kernel):
        """What takes the place of the kernel, float32, of the same shape."""
        raise NotImplementedError(
            f"{type(self).__name__} does not say what it makes of its kernel. Write its method "
            "transform(self, kernel), which returns a float32 tensor of the same shape."
        )

    def _transformed(self, kernel, dtype):
        return tf.cast(self.transform(tf.cast(tf.convert_to_tensor(kernel), tf.float32)), dtype)

    def make_plain(self):
        """The layer of Keras that computes the same, with weights of its own."""
        plain = self.plain_class.from_config(self.get_config())
        plain.build_from_config(self.get_build_config())
        kernel, *others = self.get_weights()
        plain.set_weights([np.asarray(self.transform(tf.constant(kernel))), *others])
        return plain


class TransformedConv2D(_TransformedKernel, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with something made of its kernel in the kernel's place."""

    plain_class = keras.layers.Conv2D

    def convolution_op(self, inputs, kernel):
        """The convolution alone, without bias and activation."""
        return super().convolution_op(inputs, self._transformed(kernel, inputs.dtype))


class TransformedDepthwiseConv2D(_TransformedKernel, keras.layers.DepthwiseConv2D):
    """`keras.layers.DepthwiseConv2D` with something made of its kernel in the kernel's place."""

    plain_class = keras.layers.DepthwiseConv2D

    def call(self, inputs):
        """The convolution, with bias and activation."""
        outputs = keras.ops.depthwise_conv(
            inputs,
            self._transformed(self.kernel, inputs.dtype),
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return _finish(self, outputs)


class TransformedDense(_TransformedKernel, keras.layers.Dense):
    """`keras.layers.Dense` with something made of its kernel in the kernel's place."""

    plain_class = keras.layers.Dense

    def call(self, inputs):
        """The product, with bias and activation."""
        return _finish(self, keras.ops.matmul(inputs, self._transformed(self.kernel, inputs.dtype)))


def _finish(layer, outputs):
    if layer.use_bias:
        outputs = keras.ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)


def twin_of(layer, twin_class):
    """A layer of another class with the same configuration and a copy of the weights.

    Args:
        layer: The layer, built.
        twin_class: The class.

    Returns:
        The layer, built.
    """
    twin = twin_class.from_config(layer.get_config())
    twin.build_from_config(layer.get_build_config())
    twin.set_weights(layer.get_weights())
    return twin


def to_plain(model):
    """The same network in layers of Keras alone, once its training is done.

    What was made of a kernel at every step becomes the kernel. Layers that only exist while a
    network is trained, which have a true attribute `only_in_training`, are left out.

    Args:
        model: A functional `keras.Model`.

    Returns:
        A functional model that computes the same at inference but for those layers, with weights
        of its own in what was transformed; the model itself if there is nothing to do.

    Example:
        >>> from kd_keras.models import with_binary_weights
        >>> image = keras.Input((4, 4, 1))
        >>> x = keras.layers.Conv2D(2, 3)(keras.layers.Conv2D(2, 1)(image))
        >>> binary = with_binary_weights(keras.Model(image, keras.layers.Flatten()(x)))
        >>> [type(layer).__name__ for layer in to_plain(binary).layers]
        ['InputLayer', 'Conv2D', 'Conv2D', 'Flatten']
    """
    layers = model._flatten_layers(include_self=False, recursive=True)
    if not any(_is_of_training(layer) for layer in layers):
        return model
    return _rebuild(model, {})


def _is_of_training(layer):
    return isinstance(layer, _TransformedKernel) or getattr(layer, "only_in_training", False)


def _rebuild(model, twins):
    """Rebuild one graph; `twins` remembers what each layer became, by the layer's id."""

    def replace(operation):
        if id(operation) not in twins:
            if graphs.is_functional(operation):
                twins[id(operation)] = _rebuild(operation, twins)
            elif isinstance(operation, _TransformedKernel):
                twins[id(operation)] = operation.make_plain()
            else:
                twins[id(operation)] = operation
        return twins[id(operation)]

    def call(operation, *args, **kwargs):
        if getattr(operation, "only_in_training", False):
            return graphs.tensors_in(args, kwargs)[0]
        return operation(*args, **kwargs)

    return graphs.rebuild(model, layer=replace, call=call)
