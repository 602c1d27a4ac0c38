"""Contrastive representation distillation with a memory of all training images."""

import math

import keras
import numpy as np
import tensorflow as tf

from kd_keras.losses import checks, relations, taps
from kd_keras.losses.randomness import draw_uniform

__all__ = ["ContrastMemory"]


@keras.saving.register_keras_serializable(package="kd_keras")
class ContrastMemory(taps.TapLoss):
    """Contrastive representation distillation (CRD), its negatives from a memory.

    contrast(s_i, M_teacher) + contrast(t_i, M_student), with
    contrast(v, M) = -log P_i / (P_i + K / N) - sum_k log (K / N) / (P_k + K / N),
    P_j = e^(v.M_j / tau) / Z.

    s and t are the student's and the teacher's features after a trained linear embedding of
    each, scaled to length 1. M holds such a vector of each of the N training images; i is the
    image itself, k runs over K images of other labels, drawn anew for every image, with
    replacement. Z is N times the mean of the first batch's exponentials and then stays. After each
    step M_i becomes momentum M_i + (1 - momentum) v_i, scaled to length 1.

    It needs the numbers of the images in the training set, which this project's batches carry,
    and the labels of that set: `set_examples`. Its memory is 2 N embedding_size numbers.

    Args:
        taps: Name of the student's layer, one.
        teacher_taps: Name of the teacher's; empty: the same.
        embedding_size: Features of the embeddings.
        contrast_temperature: tau > 0, no unit.
        negatives: K.
        momentum: Of the memory, in [0, 1).
        seed: Of the memory's first vectors and of the negatives.
        name: Name of the layer.

    Raises:
        ValueError: If an argument is out of range, or there is more than one tap.

    Public code:
        Its output for an image adds 1e-7 in the denominators, which is left out here. The
        teacher's embedding is trained as well, there too.

    Example:
        >>> features, shapes = {"a": tf.eye(3)}, {"a": [None, 3]}
        >>> loss = ContrastMemory(taps=["a"], embedding_size=2, negatives=4)
        >>> loss.set_examples([0, 1, 1])
        >>> loss.connect(shapes, shapes)
        >>> loss.per_example(features, features, examples=tf.constant([0, 1, 2])).shape
        TensorShape([3])

    Reference:
        Tian, Krishnan, Isola, "Contrastive Representation Distillation", 2020, equations (10) to
        (19), and its code, `crd/memory.py` and `crd/criterion.py`.
    """

    needs_examples = True
    default_weight = 0.8
    default_weight_source = "RepDistiller"

    def __init__(
        self,
        taps=("pooled",),
        teacher_taps=(),
        *,
        embedding_size=128,
        contrast_temperature=0.07,
        negatives=16384,
        momentum=0.5,
        seed=0,
        name=None,
    ):
        super().__init__(taps, teacher_taps, name=name)
        if len(self.taps) != 1:
            raise ValueError(
                "Invalid value for taps. Expected one layer, of which the memory is. "
                f"Received: {', '.join(self.taps)}."
            )
        self.embedding_size = checks.whole_number("embedding_size", embedding_size, lowest=1)
        self.contrast_temperature = checks.above_zero("contrast_temperature", contrast_temperature)
        self.negatives = checks.whole_number("negatives", negatives, lowest=1)
        self.momentum = checks.fraction("momentum", momentum)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._labels = None

    def set_examples(self, labels):
        """Tell the labels of the training set, before the loss is connected.

        Args:
            labels: Class numbers, in the order in which the images are numbered.

        Raises:
            ValueError: If all are of one class, which leaves no negatives.
        """
        labels = np.asarray(labels, np.int64)
        if len(np.unique(labels)) < 2:
            raise ValueError(
                "Contrast needs images of other labels. Expected two classes in the training set. "
                f"Received: {len(np.unique(labels))}."
            )
        self._labels = labels

    def build_parts(self, teacher_shapes, student_shapes):
        """Check the shapes, make the two embeddings and the memory."""
        super().build_parts(teacher_shapes, student_shapes)
        if self._labels is None:
            raise ValueError(
                f"{self.name} remembers every training image. Expected "
                "set_examples(labels) with the labels of the training set first. Received: none."
            )
        [tap] = self.taps
        self.add_adapter(tap, self.embedding_size, [None, student_shapes[tap][-1]])
        self.teacher_embedding = keras.layers.Dense(
            self.embedding_size, dtype="float32", name="teacher_embedding"
        )
        self.teacher_embedding.build([None, teacher_shapes[tap][-1]])
        count = len(self._labels)
        self.memories = {
            side: self._add_state(f"{side}_memory", [count, self.embedding_size], number)
            for number, side in enumerate(("teacher", "student"))
        }
        # 0 stands for: not known yet.
        self.log_normalizers = {
            side: self._add_state(f"{side}_log_normalizer", []) for side in self.memories
        }
        self._add_order()

    def _add_state(self, name, shape, number=None):
        bound = math.sqrt(3 / self.embedding_size)  # as the public code starts
        draw = keras.initializers.RandomUniform(
            -bound, bound, seed=(self.seed or 0) + (number or 0)
        )
        return self.add_weight(
            shape=shape,
            initializer="zeros" if number is None else draw,
            trainable=False,
            aggregation="mean",
            name=name,
        )

    def _add_order(self):
        """The images in the order of their labels: those of other labels are then in one piece."""
        _, inverse, counts = np.unique(self._labels, return_inverse=True, return_counts=True)
        firsts = np.cumsum(counts) - counts
        contents = {
            "order": np.argsort(inverse, kind="stable"),
            "firsts": firsts[inverse],
            "counts": counts[inverse],
        }
        self.order = {
            name: self.add_weight(
                shape=[len(inverse)],
                dtype="int64",
                initializer=_fixed(content),
                trainable=False,
                name=name,
            )
            for name, content in contents.items()
        }

    def get_build_config(self):
        """The shapes and how many images are remembered, for saving; None before that."""
        shapes = super().get_build_config()
        return shapes and {**shapes, "examples": len(self._labels)}

    def build_from_config(self, config):
        """Make the parts again; the order of the labels comes back with the weights."""
        if self._labels is None:
            self._labels = np.arange(config["examples"]) % 2
        super().build_from_config(config)

    def adapted(self, tap, student):
        """The student's features, embedded."""
        return super().adapted(tap, taps.average_pixels(student))

    def per_example(self, teacher, student, labels=None, *, examples=None):
        """The two contrasts of each example in nats, shape (batch,); the memory moves on.

        Args:
            teacher: Tensors by the names in `taps`.
            student: Likewise.
            labels: Not used; those of the training set are known.
            examples: Numbers of the images in the training set, shape (batch,).
        """
        if examples is None:
            raise ValueError(
                f"{self.name} needs to know which images a batch holds. Expected examples, their "
                "numbers in the training set. Received: None."
            )
        [(_, target, source)] = self.tensors(teacher, student)
        target = relations.unit(self.teacher_embedding(taps.average_pixels(target)))
        source = relations.unit(source)
        counts = self._count_others(examples)
        value = self._contrast(source, "teacher", examples, counts)
        value += self._contrast(target, "student", examples, counts)
        self._move("teacher", examples, tf.stop_gradient(target))
        self._move("student", examples, tf.stop_gradient(source))
        return value

    def _draw_others(self, examples):
        """Numbers of the negatives, int64, shape (batch, negatives)."""
        order, firsts, counts = (self.order[name].value for name in ("order", "firsts", "counts"))
        own_first, own_count = (tf.gather(v, examples)[:, None] for v in (firsts, counts))
        available = tf.cast(tf.shape(order, tf.int64)[0] - own_count, tf.float32)
        shape = [tf.shape(examples)[0], self.negatives]
        share = draw_uniform(shape, self.seed_generator.next())
        place = tf.cast(tf.minimum(share * available, available - 1.0), tf.int64)
        return tf.gather(order, place + tf.where(place >= own_first, own_count, 0))

    def _count_others(self, examples):
        """How often each image is a negative of each example, shape (batch, images)."""
        others = self._draw_others(examples)
        rows = tf.zeros_like(others) + tf.range(tf.shape(others, tf.int64)[0])[:, None]
        places = tf.stack([rows, others], axis=-1)
        shape = [tf.shape(others, tf.int64)[0], self.memories["teacher"].shape[0]]
        return tf.scatter_nd(places, tf.ones_like(others, tf.float32), shape)

    def _contrast(self, vectors, side, examples, counts):
        scores = tf.matmul(vectors, self.memories[side].value, transpose_b=True)
        scores /= self.contrast_temperature
        images = self.memories[side].shape[0]
        own = tf.one_hot(examples, images)
        log_odds = scores - self._log_normalizer(side, scores, counts + own)
        log_odds -= math.log(self.negatives / images)
        return tf.reduce_sum(
            own * tf.math.softplus(-log_odds) + counts * tf.math.softplus(log_odds), axis=1
        )

    def _log_normalizer(self, side, scores, counts):
        known = self.log_normalizers[side]
        weighted = tf.where(counts > 0, scores + tf.math.log(tf.maximum(counts, 1.0)), -math.inf)
        mean = tf.reduce_logsumexp(weighted) - tf.math.log(tf.reduce_sum(counts))
        first = tf.stop_gradient(mean) + math.log(self.memories[side].shape[0])
        chosen = tf.where(tf.equal(known.value, 0.0), first, known.value)
        known.assign(chosen)
        return chosen

    def _move(self, side, examples, vectors):
        memory = self.memories[side]
        before = tf.gather(memory.value, examples)
        after = relations.unit(self.momentum * before + (1.0 - self.momentum) * vectors)
        # Every replica writes its own images, and what they write is averaged.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        steps = replicas * (after - before)
        rows = tf.cast(examples, tf.int64)[:, None]
        memory.assign(tf.tensor_scatter_nd_add(memory.value, rows, steps))


def _fixed(content):
    def initialize(shape, dtype=None):
        return tf.constant(content, dtype)

    return initialize
