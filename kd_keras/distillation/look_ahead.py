"""Where a network's weights will be after another step like its last one."""

import keras
import tensorflow as tf

__all__ = ["LookAhead"]


class LookAhead(keras.layers.Layer):
    """The prediction step: what a network gives with its last update made once more.

    w + (w - w_before), of the trainable weights w and those before the last update. Nothing moves:
    neither the weights nor the statistics of batch normalisation nor random generators. Before
    the first update it is the network as it is.

    Args:
        network: A built model from images to logits. It is neither tracked nor saved here.

    Example:
        >>> image = keras.Input([1])
        >>> network = keras.Model(image, keras.layers.Dense(1, use_bias=False)(image))
        >>> network.set_weights([tf.constant([[1.0]]).numpy()])
        >>> ahead = LookAhead(network)
        >>> ahead.remember()
        >>> network.set_weights([tf.constant([[3.0]]).numpy()])
        >>> ahead.logits(tf.ones([1, 1])).numpy()
        array([[5.]], dtype=float32)

    Reference:
        Yadav, Shah, Xu, Jacobs, Goldstein, "Stabilizing Adversarial Nets with Prediction
        Methods", 2018, equation (3).
    """

    def __init__(self, network):
        super().__init__(name="look_ahead", dtype="float32")
        self._network = (network,)  # in a tuple, so that Keras does not track it a second time
        self.before = [
            self.add_weight(
                shape=variable.shape,
                dtype=variable.dtype,
                initializer="zeros",
                trainable=False,
                name=f"before{number}",
            )
            for number, variable in enumerate(network.trainable_variables)
        ]
        self.begun = self.add_weight(shape=(), initializer="zeros", trainable=False, name="begun")
        self.built = True

    def logits(self, image):
        """The network's outputs with the weights that are expected, in training.

        Args:
            image: A batch of images.

        Returns:
            Shape (batch, classes), float32.
        """
        [network] = self._network
        weights = [
            now.value + tf.cast(self.begun.value, now.value.dtype) * (now.value - before.value)
            for now, before in zip(network.trainable_variables, self.before, strict=True)
        ]
        others = [variable.value for variable in network.non_trainable_variables]
        outputs, _ = network.stateless_call(weights, others, image, training=True)
        return tf.cast(outputs, tf.float32)

    def remember(self):
        """Keep the weights as they are; called before each update."""
        [network] = self._network
        kept = [variable.value for variable in self.before]
        current = [variable.value for variable in network.trainable_variables]

        def copy(strategy):
            for before, now in zip(kept, current, strict=True):
                _update(strategy, before, now)
            _update(strategy, self.begun.value, tf.ones([]))

        if tf.distribute.in_cross_replica_context():
            copy(tf.distribute.get_strategy())
        else:
            tf.distribute.get_replica_context().merge_call(copy)


def _update(strategy, variable, value):
    strategy.extended.update(
        variable, lambda kept, now: kept.assign(now), args=(value,), group=False
    )
