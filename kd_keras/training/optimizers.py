"""The optimiser of the paper's recipe."""

import keras

__all__ = ["CoupledSGD"]


@keras.saving.register_keras_serializable(package="kd_keras")
class CoupledSGD(keras.optimizers.SGD):
    """Stochastic gradient descent with PyTorch's coupled weight decay.

    g = gradient + coupled_weight_decay * w;  v = momentum * v - learning_rate * g;  w = w + v
    and with Nesterov's momentum w = w + momentum * v - learning_rate * g.

    The decay is part of the gradient that the momentum sees. Keras's own `weight_decay` shrinks
    the weights beside the momentum, which is another method as soon as there is momentum.

    While the learning rate stays, this is PyTorch's SGD. Keras's velocity v holds the learning
    rate, PyTorch's does not, so that they part for some steps when it changes: after a drop, what
    has gathered in v still moves the weights at the older rate here, at the new one there.

    Args:
        learning_rate: A number or a `keras.optimizers.schedules.LearningRateSchedule`.
        coupled_weight_decay: Factor on each weight, 0 or more. It applies to every variable,
            scale, offset and bias too.
        **arguments: Of `keras.optimizers.SGD`: `momentum`, `nesterov`, `use_ema`, ...

    Raises:
        ValueError: If the decay is negative.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = CoupledSGD(0.1, coupled_weight_decay=0.5)
        >>> optimizer.apply([keras.ops.zeros([1])], [weight])
        >>> weight.numpy().tolist()
        [0.949999988079071]

    Reference:
        Loshchilov, Hutter, "Decoupled Weight Decay Regularization", 2019, section 2, which
        names the two methods.
    """

    def __init__(self, learning_rate=0.1, coupled_weight_decay=0.0, **arguments):
        super().__init__(learning_rate, **arguments)
        if coupled_weight_decay < 0:
            raise ValueError(
                "Invalid value for coupled_weight_decay. Expected 0 or more. "
                f"Received: {coupled_weight_decay}."
            )
        self.coupled_weight_decay = coupled_weight_decay

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable from its gradient, which is summed over the replicas already."""
        if self.coupled_weight_decay:
            decay = keras.ops.cast(self.coupled_weight_decay, variable.dtype)
            gradient = keras.ops.cast(gradient, variable.dtype) + decay * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "coupled_weight_decay": self.coupled_weight_decay}
