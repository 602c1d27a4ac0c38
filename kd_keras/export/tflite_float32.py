"""TensorFlow Lite in float32: the network's own numbers."""

from kd_keras.export import tflite_conversion

__all__ = ["write_tflite_float32"]


def write_tflite_float32(model, path, **options):
    """Write a network as a TensorFlow Lite file in float32.

    Its signature `serving_default` takes `image`, float32, shape (batch, height, width,
    channels), and returns `logits`, float32, shape (batch, classes). It holds TensorFlow Lite's
    own operations only, so that it runs wherever its interpreter does. Class names are appended
    as TensorFlow Lite's metadata has them, in an archive: `unzip model.tflite labels.txt`.

    It takes, returns and raises what `tflite_conversion.write_tflite` does.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> from kd_keras.export import contents
        >>> path = write_tflite_float32(model, tempfile.mkdtemp() + "/model", class_names="ab")
        >>> path.name, contents.read_from_archive(path, "labels.txt")
        ('model.tflite', 'a\\nb\\n')
    """
    return tflite_conversion.write_tflite(model, path, options)
