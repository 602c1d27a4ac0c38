"""The discriminator: a network from logits to Real or Fake and to a class.

Only the network lives here. What it and the student minimise is a game, in `kd_keras.losses`.
"""

import keras

from kd_keras import registry
from kd_keras.models import layers

__all__ = ["discriminator"]

_IMAGE_FILTERS = (32, 64)


def discriminator(
    num_classes,
    *,
    num_features=None,
    depth=3,
    count_output_layer=False,
    dropout=0.3,
    head="auxiliary",
    real_fake_output="softmax",
    condition="none",
    image_shape=None,
    input_batch_normalization=True,
    seed=None,
    name="discriminator",
):
    """A residual multi-layer perceptron that tells teacher logits from student logits.

    The logits are batch-normalised and pass `depth` residual blocks of C nodes, C being the
    number of classes: relu(x + dropout(batch_normalization(linear(x)))). One linear layer gives
    the outputs. Layers start as PyTorch's `nn.Linear`: weights and biases uniform in
    +-1/sqrt(inputs). The output layer alone starts at zero, so that a fresh discriminator
    favours neither an origin nor a class and a game begins at chance, 2 ln 2 + 2 ln C un-halved
    (10.60 for C = 100; the paper states no initialisation, and its curve begins at 10.44, the
    mean of a first epoch). Batch normalisation has momentum 0.9 and epsilon 1e-5, PyTorch's 0.1
    and 1e-5. Everything is float32 under every dtype policy.

    Heads: `auxiliary` has C class outputs beside those of Real and Fake, as if the two were
    independent given the logits. `joint` has one output for each of the 2C pairs of a class and
    Real or Fake; the real score and the class logits are its marginals,
    logsumexp(real) - logsumexp(fake) and logaddexp(real_c, fake_c).

    Conditions: the paper tried an embedding of the label, the image or the teacher's logits
    beside the logits, and leaves its form open. Here it has three weight layers with ReLU
    between them and ends in C values: three linear layers of C nodes for the (one-hot) label or
    the teacher's logits, two strided 3x3 convolutions of 32 and 64 filters, a global average
    and a linear layer for the image. It is concatenated with the normalised logits, and one
    linear layer brings the 2C values back to C before the blocks.

    Args:
        num_classes: C, 2 or more.
        num_features: For a discriminator of inner features in the place of logits: how many there
            are, which is then the number of nodes of its layers too.
        depth: Layers of C nodes, 1 or more.
        count_output_layer: The output layer is one of the depth: one block fewer.
        dropout: Probability in [0, 1) at the end of each block's branch.
        head: "auxiliary" or "joint".
        real_fake_output: Of the auxiliary head: "softmax", two outputs whose difference is the
            score, or "sigmoid", one output that is the score.
        condition: "none", "label", "image" or "teacher_logits".
        image_shape: (height, width, channels) in pixels; for the condition image alone.
        input_batch_normalization: Normalise the logits; False takes them as they are.
        seed: Makes initialisation and dropout repeatable; each layer has its own from it.
        name: Name of the model.

    Returns:
        A functional `keras.Model` from a dictionary of `logits`, shape (batch, classes), and of
        the condition under its own name: `label`, whole numbers of shape (batch,); `image`,
        shape (batch, height, width, channels), pixels from 0 to 255; `teacher_logits`, shape
        (batch, classes). To a dictionary of `real_score`, the log-odds
        log P(Real) - log P(Fake), shape (batch,), and `class_logits`, shape (batch, classes).

    Raises:
        ValueError: If an argument is out of range or unknown, or an image_shape is missing.

    Example:
        >>> outputs = discriminator(10)({"logits": keras.ops.zeros([4, 10])})
        >>> {key: tuple(value.shape) for key, value in sorted(outputs.items())}
        {'class_logits': (4, 10), 'real_score': (4,)}

    Reference:
        Xu, Hsu, Huang, "Training Shallow and Thin Networks for Acceleration via Knowledge
        Distillation with Conditional Adversarial Networks", 2017, sections 3.3.2 and 4.1.
    """
    _check_sizes(num_classes, depth, dropout)
    make_head = _choose_head(head, real_fake_output)
    seeds = layers.Seeds(seed)
    nodes = num_classes if num_features is None else num_features
    x = keras.Input([nodes], dtype="float32", name="logits")
    inputs = {"logits": x}
    if input_batch_normalization:
        x = _batch_normalization(x, "logits_normalization")
    if condition != "none":
        inputs[condition], embedding = _embed(condition, num_classes, image_shape, seeds)
        x = keras.layers.Concatenate(dtype="float32", name="conditioned")([x, embedding])
        x = _linear(x, nodes, seeds, "projection")
    for block in range(depth - 1 if count_output_layer else depth):
        x = _residual_block(x, dropout, seeds, f"block{block + 1}")
    real_score, class_logits = make_head(x, num_classes)
    return keras.Model(inputs, {"real_score": real_score, "class_logits": class_logits}, name=name)


def _check_sizes(num_classes, depth, dropout):
    if num_classes < 2:
        raise ValueError(
            f"Invalid value for num_classes. Expected 2 or more. Received: {num_classes}."
        )
    if depth < 1:
        raise ValueError(f"Invalid value for depth. Expected 1 or more. Received: {depth}.")
    if not 0 <= dropout < 1:
        raise ValueError(
            "Invalid value for dropout. Expected a number from 0 up to but not including 1. "
            f"Received: {dropout}."
        )


def _choose_head(head, real_fake_output):
    if head not in ("auxiliary", "joint"):
        raise registry.unknown_name("head", ["auxiliary", "joint"], head)
    if real_fake_output not in _AUXILIARY_HEADS:
        raise registry.unknown_name("real_fake_output", _AUXILIARY_HEADS, real_fake_output)
    if head == "auxiliary":
        return _AUXILIARY_HEADS[real_fake_output]
    if real_fake_output != "softmax":
        raise ValueError(
            "Invalid value for real_fake_output. Expected softmax, because the head is joint: "
            f"one softmax over all 2C outputs. Received: {real_fake_output}."
        )
    return _joint_head


def _output_layer(x, units):
    return keras.layers.Dense(
        units, kernel_initializer="zeros", bias_initializer="zeros", dtype="float32", name="outputs"
    )(x)


def _softmax_head(x, num_classes):
    outputs = _output_layer(x, num_classes + 2)
    return outputs[:, num_classes] - outputs[:, num_classes + 1], outputs[:, :num_classes]


def _sigmoid_head(x, num_classes):
    outputs = _output_layer(x, num_classes + 1)
    return outputs[:, num_classes], outputs[:, :num_classes]


def _joint_head(x, num_classes):
    outputs = _output_layer(x, 2 * num_classes)
    real, fake = outputs[:, :num_classes], outputs[:, num_classes:]
    real_score = keras.ops.logsumexp(real, axis=-1) - keras.ops.logsumexp(fake, axis=-1)
    return real_score, keras.ops.logaddexp(real, fake)


_AUXILIARY_HEADS = {"softmax": _softmax_head, "sigmoid": _sigmoid_head}


def _embed(condition, num_classes, image_shape, seeds):
    if condition not in _EMBEDDINGS:
        raise registry.unknown_name("condition", ["none", *_EMBEDDINGS], condition)
    return _EMBEDDINGS[condition](num_classes, image_shape, seeds)


def _embed_label(num_classes, image_shape, seeds):
    label = keras.Input([], dtype="int32", name="label")
    one_hot = keras.ops.one_hot(label, num_classes, dtype="float32")
    return label, _perceptron(one_hot, num_classes, seeds)


def _embed_teacher_logits(num_classes, image_shape, seeds):
    teacher_logits = keras.Input([num_classes], dtype="float32", name="teacher_logits")
    return teacher_logits, _perceptron(teacher_logits, num_classes, seeds)


def _embed_image(num_classes, image_shape, seeds):
    if image_shape is None:
        raise ValueError(
            "Invalid value for image_shape. Expected (height, width, channels), because the "
            "condition is image. Received: None."
        )
    image = keras.Input(image_shape, dtype="float32", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32", name="image_scaling")(image)
    for index, filters in enumerate(_IMAGE_FILTERS, start=1):
        x = keras.layers.Conv2D(
            filters,
            3,
            strides=2,
            padding="same",
            activation="relu",
            dtype="float32",
            name=f"embedding{index}",
            **_uniform(9 * x.shape[-1], seeds),
        )(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32", name="embedding_average")(x)
    return image, _linear(x, num_classes, seeds, f"embedding{len(_IMAGE_FILTERS) + 1}")


_EMBEDDINGS = {
    "label": _embed_label,
    "image": _embed_image,
    "teacher_logits": _embed_teacher_logits,
}


def _perceptron(x, units, seeds):
    x = _linear(x, units, seeds, "embedding1", activation="relu")
    x = _linear(x, units, seeds, "embedding2", activation="relu")
    return _linear(x, units, seeds, "embedding3")


def _residual_block(x, dropout, seeds, name):
    branch = _linear(x, x.shape[-1], seeds, f"{name}_linear")
    branch = _batch_normalization(branch, f"{name}_normalization")
    branch = keras.layers.Dropout(dropout, seed=seeds(), dtype="float32", name=f"{name}_dropout")(
        branch
    )
    x = keras.layers.Add(dtype="float32", name=f"{name}_sum")([x, branch])
    return keras.layers.ReLU(dtype="float32", name=name)(x)


def _batch_normalization(x, name):
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype="float32", name=name)(
        x
    )


def _linear(x, units, seeds, name, activation=None):
    return keras.layers.Dense(
        units, activation=activation, dtype="float32", name=name, **_uniform(x.shape[-1], seeds)
    )(x)


def _uniform(inputs, seeds):
    bound = inputs**-0.5
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seeds()),
        "bias_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seeds()),
    }
