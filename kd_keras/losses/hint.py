"""FitNets: the student's inner layer predicts the teacher's."""

import keras
import tensorflow as tf

from kd_keras.losses import checks, taps

__all__ = ["Hint"]

_REGRESSORS = ("linear", "relu", "none")
_SMALLEST_VARIANCE = 1e-5


@keras.saving.register_keras_serializable(package="kd_keras")
class Hint(taps.TapLoss):
    """FitNets' hint: regression of the teacher's inner layer on the student's.

    sum_taps mean_elements (teacher - r(student))^2, with a trained regressor r.

    On maps r is a 1x1 convolution, then batch normalisation by the batch's own statistics, which
    on several replicas is the replica's. Where the sizes differ, the larger map is averaged down
    to the smaller before it.

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        regressor: "linear"; "relu", which can reach no negative target; or "none", the student's
            layer itself, which needs the teacher's number of channels.
        normalize: Whether the regressor is normalised. Without it, it has a bias, an example's
            value depends on that example alone, and the weight 100 is too large for the usual
            learning rates.
        name: Name of the layer.

    Raises:
        ValueError: If there is no such regressor, or the channels differ without one.

    Public code:
        The paper's equation (3) is 1/2 of the squared norm, the sum over all elements; public
        code takes the mean over them, to which the weight 100 belongs. RepDistiller's regressor
        ends in batch normalisation and a ReLU, which can never reach the negative part of a wide
        residual network's raw sums; here the ReLU is an option. The paper trains in two stages,
        the hint alone and then soft targets alone: two runs, the second with `--student_path`.

    Example:
        >>> teacher, student = {"a": tf.ones([2, 3])}, {"a": tf.zeros([2, 3])}
        >>> Hint(taps=["a"], regressor="none").per_example(teacher, student).numpy()
        array([1., 1.], dtype=float32)

    Reference:
        Romero, Ballas, Kahou, Chassang, Gatta, Bengio, "FitNets: Hints for Thin Deep Nets", 2015,
        equation (3).
    """

    equalizes_sizes = True
    default_weight = 100.0
    default_weight_source = "RepDistiller and mdistiller, for the mean over elements"

    def __init__(
        self, taps=("group2",), teacher_taps=(), *, regressor="linear", normalize=True, name=None
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.regressor = checks.one_of("regressor", _REGRESSORS, regressor)
        self.normalize = bool(normalize)
        self.relates_examples = self.normalize and regressor != "none"
        self.scales, self.shifts = {}, {}

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes and make the regressors."""
        super().build_parts(teacher_shapes, student_shapes)
        for tap in self.taps:
            channels = teacher_shapes[tap][-1], student_shapes[tap][-1]
            if self.regressor != "none":
                self._add_regressor(tap, channels[0], student_shapes[tap])
            elif channels[0] != channels[1]:
                raise ValueError(
                    f"Teacher and student disagree on the channels of {tap}. Received: teacher "
                    f"{channels[0]}, student {channels[1]}. Set regressor to linear."
                )

    def _add_regressor(self, tap, channels, student_shape):
        self.add_adapter(tap, channels, student_shape, use_bias=not self.normalize)
        if self.normalize:
            self.scales[tap] = self.add_weight(shape=[channels], initializer="ones")
            self.shifts[tap] = self.add_weight(shape=[channels], initializer="zeros")

    def adapted(self, tap, student):
        """The student's layer after the regressor."""
        features = super().adapted(tap, student)
        if tap in self.scales:
            mean, variance = tf.nn.moments(features, axes=list(range(features.shape.rank - 1)))
            features = tf.nn.batch_normalization(
                features,
                mean,
                variance,
                offset=self.shifts[tap].value,
                scale=self.scales[tap].value,
                variance_epsilon=_SMALLEST_VARIANCE,
            )
        return tf.nn.relu(features) if self.regressor == "relu" else features

    def compare(self, teacher, student):
        """The mean squared difference of each example, shape (batch,)."""
        return tf.reduce_mean(taps.flatten(tf.square(teacher - student)), axis=-1)
