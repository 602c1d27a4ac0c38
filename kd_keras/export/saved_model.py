"""TensorFlow's SavedModel: a folder with the graph and the weights, for TensorFlow Serving.

How its predictions are read, and those of the other formats, is in `predictor`.
"""

import pathlib

import tensorflow as tf

from kd_keras import models
from kd_keras.export import contents, files, predictor
from kd_keras.export.preparation import prepare

__all__ = [
    "load_signature",
    "only_input",
    "read_saved_model",
    "save_signatures",
    "write_saved_model",
]

_SERVING = "serving_default"
_STANDARDIZED = "standardized"
_CLASS_NAMES = "class_names"
_EXTRA = "assets.extra"


def write_saved_model(model, directory, **options):
    """Write a network as a SavedModel.

    Its signature `serving_default` takes `image`, float32, shape (batch, height, width,
    channels), and returns `logits` and `probabilities`, float32, shape (batch, classes). Where
    the network standardises its images, the signature `standardized` is the same for images that
    are standardised already. Where there are class names, the signature `class_names` takes
    nothing and returns them. What else is known of the model is in `assets.extra/about.json`.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. It may have
            been trained in half precision; the file is in float32.
        directory: The folder to write.
        **options: Of `contents.Contents`.

    Returns:
        The folder, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If the model is no classifier of images, the names do not fit it, or there
            is no preprocessing to leave out.

    Example:
        >>> import keras, tempfile
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> directory = write_saved_model(model, tempfile.mkdtemp() + "/model")
        >>> serve = tf.saved_model.load(str(directory)).signatures["serving_default"]
        >>> sorted(serve(image=tf.zeros([3, 4, 4, 1])))
        ['logits', 'probabilities']
    """
    options = contents.Contents(**options)
    network = prepare(
        model,
        class_names=options.class_names,
        include_preprocessing=options.include_preprocessing,
    )
    has_standardization = options.include_preprocessing and models.has_preprocessing(network)
    save_signatures(
        network,
        directory,
        class_names=options.class_names,
        batch_size=options.batch_size,
        standardized=models.without_preprocessing(network) if has_standardization else None,
    )
    extra = pathlib.Path(directory) / _EXTRA / contents.METADATA_NAME
    extra.parent.mkdir()
    extra.write_text(options.to_json(), "utf-8")
    return pathlib.Path(directory)


def save_signatures(
    network, directory, *, class_names=(), probabilities=True, batch_size=None, standardized=None
):
    """Save a prepared network with its named signatures.

    Args:
        network: What `prepare` returned.
        directory: The folder to write.
        class_names: One per class, or none.
        probabilities: Whether they are an output beside the logits.
        batch_size: Images at a time, or None for any number.
        standardized: The same network without its preprocessing, to be served beside it.
    """

    @tf.function(input_signature=[])
    def names():
        return {_CLASS_NAMES: tf.constant(class_names, tf.string)}

    # A plain module with the bare variables. `keras.export.ExportArchive` writes each weight
    # twice, which doubles the file.
    module = tf.Module()
    module.weights = [variable.value for variable in network.weights]
    signatures = {_SERVING: _serve(network, batch_size, probabilities)}
    if standardized is not None:
        signatures[_STANDARDIZED] = _serve(standardized, batch_size, probabilities)
    if class_names:
        signatures[_CLASS_NAMES] = names
    tf.saved_model.save(module, str(directory), signatures=signatures)


def _serve(network, batch_size, probabilities):
    shape = (batch_size, *network.input_shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])
    def serve(image):
        logits = network(image, training=False)
        outputs = {"logits": logits}
        if probabilities:
            outputs["probabilities"] = tf.nn.softmax(logits)
        return outputs

    return serve


def load_signature(path):
    """Load a SavedModel and find what it serves.

    Args:
        path: The folder.

    Returns:
        The loaded object, which owns the variables and has to be kept, and its signature: the
        one called `serving_default`, or the only one.

    Raises:
        ValueError: If the folder cannot be read, or there are several signatures and none is
            called `serving_default`.
    """
    try:
        loaded = tf.saved_model.load(str(path))
    except (OSError, ValueError, IndexError, tf.errors.OpError) as error:
        raise files.damaged(path, error) from error
    signatures = {key: value for key, value in loaded.signatures.items() if key != _CLASS_NAMES}
    if _SERVING in signatures:
        return loaded, signatures[_SERVING]
    if len(signatures) == 1:
        return loaded, next(iter(signatures.values()))
    raise ValueError(
        f"No signature {_SERVING} in {path}. Expected it, or one signature only. "
        f"Received: {', '.join(sorted(signatures)) or 'none'}."
    )


def only_input(signature, path):
    """The one input of a signature.

    Args:
        signature: What `load_signature` found.
        path: The folder, for the error.

    Returns:
        Its name and its `tf.TensorSpec`.

    Raises:
        ValueError: If there are several.
    """
    inputs = signature.structured_input_signature[1]
    if len(inputs) != 1:
        raise ValueError(
            f"Expected one input, the images, in {path}. Received: {', '.join(sorted(inputs))}."
        )
    return next(iter(inputs.items()))


def read_saved_model(path):
    """Open a SavedModel for prediction.

    Args:
        path: The folder.

    Returns:
        A `predictor.Predictor`.

    Raises:
        ValueError: If the folder cannot be read, or its signature is not from one batch of
            images to logits.
    """
    loaded, signature = load_signature(path)
    name, image = only_input(signature, path)
    outputs = signature.structured_outputs
    output = predictor.choose_output(path, outputs)

    def run(images, owner_of_variables=loaded):
        try:
            return signature(**{name: tf.cast(images, image.dtype)})[output].numpy()
        except tf.errors.OpError as error:
            raise files.damaged(path, _reason(error)) from error

    return predictor.Predictor(
        path=path,
        kind="saved_model",
        run=run,
        image_shape=_shape(image),
        logits_shape=_shape(outputs[output]),
        output_name=output,
        class_names=_read_class_names(loaded),
    )


def _reason(error):
    """What went wrong, without where in the graph it did."""
    where = ("Graph execution error", "Detected at node", "<stack traces", "\t [[")
    lines = [line for line in error.message.splitlines() if line and not line.startswith(where)]
    return lines[0] if lines else error.message


def _shape(specification):
    return () if specification.shape.rank is None else tuple(specification.shape)


def _read_class_names(loaded):
    if _CLASS_NAMES not in loaded.signatures:
        return ()
    names = loaded.signatures[_CLASS_NAMES]()[_CLASS_NAMES].numpy()
    return tuple(name.decode("utf-8") for name in names)
