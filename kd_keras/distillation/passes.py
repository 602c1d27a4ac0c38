"""How a training step runs a network: with its taps, in parts of a batch, its outputs in float32.

How one pass is compiled is in `forward`, how a batch is cut in `micro_batches`.
"""

import tensorflow as tf

from kd_keras.distillation.forward import make_forward
from kd_keras.distillation.micro_batches import run_forwards, run_forwards_in_parts, run_in_parts
from kd_keras.models import with_taps

__all__ = ["Pass", "Passes", "never_empty"]


def never_empty(run):
    """Let a network run on one black image where a device has none of a batch.

    A batch of fewer images than devices, the last one, leaves some without; on processors,
    TensorFlow's convolution gives no images the wrong shape.

    Args:
        run: A function of images, shape (batch, ...), to tensors of shape (batch, ...) in any
            structure.

    Returns:
        A function like it. On one device it is `run` itself that is called.

    Example:
        >>> never_empty(lambda images: 2.0 * images)(tf.ones([1, 1])).numpy().tolist()
        [[2.0]]
    """

    def padded(images):
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return run(images)
        count = tf.shape(images)[0]
        missing = tf.concat([[tf.maximum(1 - count, 0)], tf.shape(images)[1:]], axis=0)
        outputs = run(tf.concat([images, tf.zeros(missing, images.dtype)], axis=0))
        return tf.nest.map_structure(lambda output: output[:count], outputs)

    return padded


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
        run = never_empty(lambda part: self._run(part, training=False)[0])
        return run_in_parts(run, image, self._micro_batches)

    def train(self, image):
        """The outputs of a network that is trained, and a function for the way back.

        Returns:
            As `micro_batches.run_forwards`.
        """
        if self._micro_batches == 1:
            return run_forwards(self._run, image)
        state = self._model.non_trainable_variables
        return run_forwards_in_parts(self._run, image, self._micro_batches, state=state)


class Passes:
    """A distiller's teacher and how its networks are run, which Keras must neither track nor save.

    Args:
        teacher: The teacher, or None.

    Attributes:
        teacher: The teacher, or None.
        student_pass: The student's `Pass` in training.
        evaluation_pass: The student's in evaluation.
        teacher_pass: The teacher's; None where there is no teacher.
    """

    def __init__(self, teacher):
        self.teacher = teacher
        self.student_pass = self.evaluation_pass = self.teacher_pass = None

    def prepare(self, student, terms, *, teacher_learns, checkpoint_gradients, **choices):
        """Make the passes.

        Args:
            student: The student.
            terms: The `Terms`; they say which taps are read.
            teacher_learns: Whether the teacher is trained too.
            checkpoint_gradients: Of `forward.make_forward`, for networks that are trained.
            **choices: Of `Pass`, for all but evaluation.
        """
        trained = {"checkpoint_gradients": checkpoint_gradients}
        self.student_pass = Pass(student, terms.student_taps, **trained, **choices)
        # Without XLA, which would compile anew for a last batch that is smaller.
        self.evaluation_pass = Pass(student)
        if self.teacher is not None:
            role = trained if teacher_learns else {"trains": False}
            self.teacher_pass = Pass(self.teacher, terms.teacher_taps, **role, **choices)

    def hear_teacher(self, batch, terms):
        """What the terms need of the teacher, as constants by name: what is known, or its answer.

        Args:
            batch: The `Batch`. Logits that it carries are not asked for again.
            terms: The `Terms`.

        Returns:
            Float32 tensors by name, or None where no term hears a teacher.

        Raises:
            ValueError: If the teacher has to be asked and there is none.
        """
        if not terms.need_teacher:
            return None
        known = {}
        if batch.teacher_logits is not None:
            known = {"logits": tf.cast(batch.teacher_logits, tf.float32)}
        if not known or terms.teacher_taps:
            if self.teacher_pass is None:
                raise ValueError(
                    "There is no teacher. Expected a teacher, or batches with teacher_logits. "
                    "Set it: distiller.teacher = teacher."
                )
            known = {**self.teacher_pass.ask(batch.image), **known}
        return {name: tf.stop_gradient(value) for name, value in known.items()}
