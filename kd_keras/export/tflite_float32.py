"""TensorFlow Lite in float32: the network's own numbers."""

from kd_keras.export import contents, tflite_conversion

__all__ = ["write_tflite_float32"]


def write_tflite_float32(model, path, **options):
    """Write a network as a TensorFlow Lite file in float32.

    Its signature `serving_default` takes `image`, float32, shape (batch, height, width,
    channels), and returns `logits`, float32, shape (batch, classes). It holds TensorFlow Lite's
    own operations only, so that it runs wherever its interpreter does. Class names are appended
    as TensorFlow Lite's metadata has them, in an archive: `unzip model.tflite labels.txt`.

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
        >>> path = write_tflite_float32(model, tempfile.mkdtemp() + "/model", class_names="ab")
        >>> path.name, contents.read_from_archive(path, "labels.txt")
        ('model.tflite', 'a\\nb\\n')
    """
    return tflite_conversion.write_tflite(model, path, contents.Contents(**options))
