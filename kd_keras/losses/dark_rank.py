"""DarkRank: in which order the other examples of a batch come near to one."""

import itertools

import keras
import tensorflow as tf

from kd_keras.losses import checks, relations, taps

__all__ = ["DarkRank"]

_FORMS = ("soft", "hard")
_LONGEST_SOFT_LIST = 6  # 720 orders
_NEVER = 1e9  # the score of an example as its own neighbour, negated


@keras.saving.register_keras_serializable(package="kd_keras")
class DarkRank(taps.TapLoss):
    """DarkRank: the order of an example's nearest neighbours.

    Each example is a query, the others are its candidates; a candidate's score is
    S = -alpha |q - x|^beta, features scaled to length 1. The list is the teacher's
    `list_length` nearest, and an order's probability is that of drawing it from the scores
    (Plackett, Luce): prod_i e^S_i / sum_{k >= i} e^S_k.

    hard: -log P(the teacher's order | the student's scores).
    soft: sum over all orders of P_teacher (log P_teacher - log P_student).

    Args:
        taps: Names of the student's layers.
        teacher_taps: Names of the teacher's; empty: the same.
        form: "soft" or "hard".
        alpha: Scale of the score, above 0.
        beta: Power of the distance, above 0.
        list_length: Candidates in the list, 2 or more; up to 6 where the form is soft. The batch
            of a replica must have one more.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range, or the batch is too small for the list.

    Public code:
        The paper's score is -3 d^3. The official code runs -(3.5 d^2)^2 = -12.25 d^4, with the
        first half of the batch as queries, a list of 4 and weight 16: alpha=12.25, beta=4. Its
        hard form ranks the whole list; RKD's copy ranks the teacher's nearest 4, as here. Its
        soft form is the cross-entropy, which differs by a constant.

    Example:
        >>> features = {"a": tf.constant([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 3.0]])}
        >>> DarkRank(taps=["a"], list_length=2).per_example(features, features).numpy()
        array([0., 0., 0., 0.], dtype=float32)

    Reference:
        Chen, Wang, Zhang, "DarkRank: Accelerating Deep Metric Learning via Cross Sample
        Similarities Transfer", 2018.
    """

    relates_examples = True
    default_weight = 2.0
    default_weight_source = "the paper, for its score -3 d^3"

    def __init__(
        self,
        taps=("pooled",),
        teacher_taps=(),
        *,
        form="soft",
        alpha=3.0,
        beta=3.0,
        list_length=4,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        self.form = checks.one_of("form", _FORMS, form)
        self.alpha = checks.above_zero("alpha", alpha)
        self.beta = checks.above_zero("beta", beta)
        longest = {"highest": _LONGEST_SOFT_LIST} if form == "soft" else {}
        self.list_length = checks.whole_number("list_length", list_length, lowest=2, **longest)

    def compare(self, teacher, student):
        """The divergence of each query's orders in nats, shape (batch,)."""
        count = teacher.shape[0]
        if count is not None and count <= self.list_length:
            raise ValueError(
                f"Too few examples to rank. Expected a batch of more than {self.list_length} on "
                f"each replica, the list's length. Received: {count}. Set list_length."
            )
        teacher_scores, student_scores = self._scores(teacher), self._scores(student)
        itself = tf.eye(tf.shape(teacher_scores)[0])
        nearest = tf.math.top_k(teacher_scores - _NEVER * itself, k=self.list_length).indices
        teacher_list, student_list = (
            tf.gather(scores, nearest, batch_dims=1) for scores in (teacher_scores, student_scores)
        )
        if self.form == "hard":
            return -_log_probability(student_list)
        teacher_orders, student_orders = _all_orders(teacher_list), _all_orders(student_list)
        return tf.reduce_sum(tf.exp(teacher_orders) * (teacher_orders - student_orders), axis=-1)

    def _scores(self, tensor):
        distances = relations.distances(relations.unit(taps.flatten(tensor)))
        return -self.alpha * tf.pow(distances, self.beta)


def _all_orders(scores):
    """Log-probabilities of all orders of a list, shape (batch, orders)."""
    orders = list(itertools.permutations(range(scores.shape[-1])))
    return _log_probability(tf.gather(scores, orders, axis=-1))


def _log_probability(ordered):
    """Of the order in which scores are given, shape (..., list)."""
    remaining = [
        tf.reduce_logsumexp(ordered[..., first:], axis=-1) for first in range(ordered.shape[-1])
    ]
    return tf.reduce_sum(ordered - tf.stack(remaining, axis=-1), axis=-1)
