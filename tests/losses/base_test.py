import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import base


@keras.saving.register_keras_serializable(package="kd_keras_tests")
class _ScaledDistance(base.DistillationLoss):
    scheduled = ("scale",)

    def __init__(self, scale=2.0, *, power=1, name=None):
        super().__init__(name=name)
        self.scale = scale
        self.power = power

    def per_example(self, teacher, student, labels=None, *, scale=None):
        teacher, student = base.comparable_logits(teacher, student)
        scale = self.scale if scale is None else scale
        return scale * tf.reduce_sum(tf.abs(teacher - student) ** self.power, axis=-1)


class _WithAdapter(base.DistillationLoss):
    def __init__(self, *, name=None):
        super().__init__(name=name)
        self.adapter = keras.layers.Dense(3, use_bias=False, dtype="float32")
        self.adapter.build([None, 3])

    def per_example(self, teacher, student, labels=None):
        teacher, student = base.comparable_logits(teacher, student)
        return tf.reduce_sum(tf.square(teacher - self.adapter(student)), axis=-1)


def test_is_a_layer_and_a_loss_of_the_stock_distiller():
    loss = _ScaledDistance()
    assert isinstance(loss, keras.layers.Layer)
    assert isinstance(loss, keras.distillation.DistillationLoss)


def test_needs_only_logits_unless_it_says_otherwise():
    assert base.DistillationLoss.taps == ()
    assert base.DistillationLoss.needs_labels is False
    assert base.DistillationLoss.scheduled == ()


def test_a_loss_without_per_example_names_itself_and_what_to_write():
    class Unfinished(base.DistillationLoss):
        pass

    with pytest.raises(NotImplementedError) as error:
        Unfinished().per_example(tf.zeros([1, 2]), tf.zeros([1, 2]))
    assert str(error.value) == (
        "Unfinished does not say what its loss is. Write its method "
        "per_example(self, teacher, student, labels=None, **scheduled), which returns one "
        "float32 value per example, shape (batch,)."
    )


def test_compute_loss_is_the_mean_over_the_examples():
    teacher = np.array([[1.0, 2.0], [0.0, -4.0], [3.0, 0.0]], np.float32)
    value = _ScaledDistance().compute_loss(teacher, np.zeros_like(teacher))
    assert float(value) == pytest.approx(2.0 * (3.0 + 4.0 + 3.0) / 3)
    assert value.shape == ()


def test_compute_loss_passes_keywords_on():
    value = _ScaledDistance().compute_loss(tf.ones([2, 3]), tf.zeros([2, 3]), scale=5.0)
    assert float(value) == 15.0


def test_compute_loss_divides_by_the_batch_of_all_replicas(monkeypatch):
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    monkeypatch.setattr(type(strategy), "num_replicas_in_sync", 4)
    with strategy.scope():
        value = strategy.run(
            lambda: _ScaledDistance().compute_loss(tf.ones([2, 3]), tf.zeros([2, 3]))
        )
    assert float(value) == pytest.approx(2.0 * 3.0 / 4)


def test_configuration_follows_from_the_signature():
    loss = _ScaledDistance(scale=3.0, power=2, name="distance")
    assert loss.get_config() == {"scale": 3.0, "power": 2, "name": "distance"}
    restored = _ScaledDistance.from_config(loss.get_config())
    assert restored.get_config() == loss.get_config()


def test_serialises_with_keras():
    loss = _ScaledDistance(scale=3.0, power=2)
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(restored) is _ScaledDistance
    assert restored.get_config() == loss.get_config()


def test_is_float32_under_a_mixed_policy():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        loss = _ScaledDistance()
        weight = loss.add_weight(shape=())
    finally:
        keras.config.set_dtype_policy(before)
    assert loss.compute_dtype == "float32"
    assert weight.dtype == "float32"


def test_a_trainable_part_is_tracked_and_trained_by_the_stock_distiller():
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    labels = np.zeros(8)
    teacher, student = (keras.Sequential([keras.Input([4]), keras.layers.Dense(3)]) for _ in "ab")
    loss = _WithAdapter()
    assert [id(v) for v in loss.trainable_variables] == [id(loss.adapter.kernel)]
    distiller = keras.distillation.Distiller(
        teacher, student, distillation_losses=loss, student_loss_weight=0.0
    )
    distiller.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = loss.adapter.kernel.numpy()
    distiller.fit(inputs, labels, epochs=1, verbose=0)
    assert np.abs(loss.adapter.kernel.numpy() - before).max() > 1e-4


def test_constructor_arguments_of_a_class_without_a_constructor_are_none():
    class Plain:
        pass

    assert base.constructor_arguments(Plain()) == {}


def test_comparable_logits_are_float32_and_the_teacher_is_a_constant():
    teacher, student = tf.ones([2, 3], tf.float64), tf.ones([2, 3], tf.bfloat16)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([teacher, student])
        constant, comparable = base.comparable_logits(teacher, student)
        product = constant * comparable
    assert (constant.dtype, comparable.dtype) == (tf.float32, tf.float32)
    assert tape.gradient(product, teacher) is None
    np.testing.assert_array_equal(tf.cast(tape.gradient(product, student), tf.float32), 1.0)


@pytest.mark.parametrize(
    ("teacher_shape", "student_shape", "message"),
    [
        (
            (2, 100),
            (2, 10),
            "Teacher and student disagree on the number of classes. "
            "Received: teacher 100, student 10.",
        ),
        (
            (1, 10),
            (4, 10),
            "Teacher and student disagree on the number of examples. "
            "Received: teacher 1, student 4.",
        ),
        (
            (10,),
            (4, 10),
            "Expected logits of shape (batch, classes). Received: teacher (10,), student (4, 10).",
        ),
    ],
)
def test_logits_that_cannot_be_compared_are_refused(teacher_shape, student_shape, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        base.comparable_logits(tf.zeros(teacher_shape), tf.zeros(student_shape))
    assert str(error.value) == message


def test_unknown_batch_size_is_accepted():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([2, 3])])
    def distance(teacher, student):
        return _ScaledDistance().per_example(teacher, student)

    np.testing.assert_array_equal(distance(tf.ones([2, 3]), tf.zeros([2, 3])), [6.0, 6.0])


def test_class_numbers():
    column = base.class_numbers(np.array([[1], [0]], np.int64))
    assert column.dtype == tf.int32
    assert column.numpy().tolist() == [1, 0]
    with pytest.raises(ValueError, match=r"Labels are missing\. Expected integers of shape"):
        base.class_numbers(None)
    for labels in (np.array([1.7]), np.eye(3, dtype="int32")):
        with pytest.raises(ValueError, match=r"Expected integers of shape \(batch,\), one class"):
            base.class_numbers(labels)
