"""TensorFlow Lite with weights in 8 bits, and ranges of activations found as it runs."""

import tensorflow as tf

from kd_keras.export import contents, tflite_conversion

__all__ = ["write_tflite_dynamic_int8"]


def write_tflite_dynamic_int8(model, path, **options):
    """Write a network as a TensorFlow Lite file with weights in int8.

    A quarter of the size. Kernels of some size are int8 with a scale per output channel;
    activations are quantised at every call by their own range, so that no images are needed
    beforehand. Input and output are float32.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.tflite` is added where it is missing.
        **options: Of `contents.Contents`.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If the model is no classifier of images, the options do not fit it, or an
            operation does not exist in this form.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_tflite_dynamic_int8(model, tempfile.mkdtemp() + "/model")
        >>> path.name
        'model.tflite'
    """
    return tflite_conversion.write_tflite(model, path, contents.Contents(**options), _configure)


def _configure(converter, representative_calls):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
