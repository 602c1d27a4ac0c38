"""The teacher's logits of plain images, asked once and looked up by the image's number."""

import numpy as np
import tensorflow as tf

__all__ = ["CleanSignal"]


class CleanSignal:
    """The teacher's logits of every training image as it is, without augmentation.

    This is the reading of the paper's "stored logits" that its text suggests: one vector per
    image, computed before training. It is given to the batches as their `extras`.

    Args:
        teacher: A model from images to logits.
        batches: Dataset of `({"image": ...}, labels)` over the training images in their order.

    Example:
        >>> import keras
        >>> image = keras.Input([2])
        >>> teacher = keras.Model(image, keras.layers.Dense(3)(image))
        >>> batches = tf.data.Dataset.from_tensors(({"image": tf.ones([4, 2])}, tf.zeros([4])))
        >>> signal = CleanSignal(teacher, batches)
        >>> signal(tf.constant([3, 0]), tf.constant(0))["teacher_logits"].shape.as_list()
        [2, 3]
    """

    def __init__(self, teacher, batches):
        ask = tf.function(lambda image: teacher(image, training=False))
        logits = [ask(inputs["image"]).numpy() for inputs, _ in batches]
        self._logits = tf.constant(np.concatenate(logits), tf.float32)

    def __call__(self, indices, epoch):
        """The logits of some images.

        Args:
            indices: Rows of the training split, shape (batch,).
            epoch: Not used: the plain image is the same in every epoch.

        Returns:
            `{"teacher_logits": ...}` of shape (batch, classes).
        """
        return {"teacher_logits": tf.gather(self._logits, indices)}
