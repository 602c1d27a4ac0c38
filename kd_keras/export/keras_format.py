"""Keras's own file, for those who go on in Keras. How it is read is in `keras_file`."""

import pathlib

from kd_keras.export import contents
from kd_keras.export.preparation import prepare

__all__ = ["write_keras"]


def write_keras(model, path, **options):
    """Write a network as a `.keras` file: float32, logits, without the state of its training.

    It has the network's own layers, batch normalisation among them, so that it can be trained
    on. What else is known of the model is in the archive: `unzip -p FILE about.json`.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision.
        path: The file to write; `.keras` is added where it is missing.
        **options: Of `contents.Contents`. The batch stays free.

    Returns:
        The file, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If the model is no classifier of images, the names do not fit it, or there
            is no preprocessing to leave out.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> path = write_keras(model, tempfile.mkdtemp() + "/model")
        >>> path.name, keras.models.load_model(path).output_shape
        ('model.keras', (None, 2))
    """
    options = contents.Contents(**options)
    path = pathlib.Path(path)
    if path.suffix != ".keras":
        path = path.with_name(path.name + ".keras")
    network = prepare(
        model,
        class_names=options.class_names,
        include_preprocessing=options.include_preprocessing,
    )
    network.save(path)
    contents.append_to_archive(path, {contents.METADATA_NAME: options.to_json()})
    contents.append_ranges(path, options.activation_ranges)
    return path
