"""How a training step runs a network: with its taps, in parts of a batch, its outputs in float32.

How one pass is compiled is in `forward`, how a batch is cut in `micro_batches`.
"""

import tensorflow as tf

from kd_keras.distillation.forward import make_forward
from kd_keras.distillation.micro_batches import run_forwards, run_forwards_in_parts, run_in_parts
from kd_keras.models import with_taps

__all__ = ["Pass"]


class Pass:
    """A network as a training step runs it.

    Args:
        model: A built functional model from images to logits.
        taps: Inner layers whose outputs are asked for beside the logits.
        micro_batches: Parts of a batch that it is run on one after the other.
        **choices: Of `forward.make_forward`.

    Example:
        >>> import keras
        >>> image = keras.Input([2])
        >>> model = keras.Model(image, keras.layers.Dense(3, kernel_initializer="ones")(image))
        >>> Pass(model).ask(tf.ones([1, 2]))["logits"].numpy().tolist()
        [[2.0, 2.0, 2.0]]
    """

    def __init__(self, model, taps=(), *, micro_batches=1, **choices):
        self._model = model
        self._forward = make_forward(with_taps(model, taps) if taps else model, **choices)
        self._has_taps = bool(taps)
        self._micro_batches = micro_batches

    def _run(self, image, training):
        outputs, regularization = self._forward(image, training=training)
        outputs = outputs if self._has_taps else {"logits": outputs}
        outputs = {name: tf.cast(value, tf.float32) for name, value in outputs.items()}
        return outputs, regularization

    def ask(self, image):
        """The outputs of a network that is not trained, float32 tensors by name."""
        return run_in_parts(
            lambda part: self._run(part, training=False)[0], image, self._micro_batches
        )

    def train(self, image):
        """The outputs of a network that is trained, and a function for the way back.

        Returns:
            As `micro_batches.run_forwards`.
        """
        if self._micro_batches == 1:
            return run_forwards(self._run, image)
        state = self._model.non_trainable_variables
        return run_forwards_in_parts(self._run, image, self._micro_batches, state=state)
