"""What goes wrong in `keras.distillation.Distiller` of Keras 3.15 must not go wrong here.

One test, or more, for each flaw found there. Where the stock class can be run beside ours in a
few lines, the test shows its fault too, so that it is seen when Keras mends it.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, losses, models
from tests.distillation import toys


def _divergence(teacher, student, temperature):
    def log_softmax(x):
        x = x - x.max(-1, keepdims=True)
        return x - np.log(np.exp(x).sum(-1, keepdims=True))

    p, q = log_softmax(teacher / temperature), log_softmax(student / temperature)
    return float((temperature**2 * (np.exp(p) * (p - q)).sum(-1)).mean())


def test_the_named_loss_is_knowledge_distillation_and_the_stock_default_is_not():
    generator = np.random.default_rng(0)
    teacher, student = 3 * generator.normal(size=(2, 64, 10)).astype("float32")
    ours = losses.SoftTarget(temperature=4.0).compute_loss(teacher, student)
    stock = keras.distillation.LogitsDistillation(temperature=4.0).compute_loss(teacher, student)
    assert float(ours) == pytest.approx(_divergence(teacher, student, 4.0), rel=1e-5)
    assert float(stock) != pytest.approx(float(ours), rel=0.1)


def test_the_gradient_of_an_untrained_student_is_not_zero_anywhere():
    teacher, student = tf.random.stateless_normal([2, 64, 10], seed=[0, 0])
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = losses.SoftTarget(4.0).compute_loss(teacher, student)
    assert float(tf.reduce_mean(tf.cast(tape.gradient(loss, student) == 0, tf.float32))) == 0


def test_a_confident_mistake_keeps_its_loss_and_its_gradient():
    teacher, student = tf.constant([[60.0, 0.0]]), tf.constant([[0.0, 60.0]])
    with tf.GradientTape() as tape:
        tape.watch(student)
        loss = losses.SoftTarget(temperature=1.0).compute_loss(teacher, student)
    assert float(loss) == pytest.approx(60.0)
    np.testing.assert_allclose(tape.gradient(loss, student), [[-1.0, 1.0]], atol=1e-6)


def test_temperature_squared_is_in_every_softened_loss():
    teacher, student = tf.random.stateless_normal([2, 16, 5], seed=[1, 1])
    norms = []
    for temperature in (50.0, 100.0):
        with tf.GradientTape() as tape:
            tape.watch(student)
            loss = losses.SoftTarget(temperature).compute_loss(teacher, student)
        norms.append(float(tf.norm(tape.gradient(loss, student))))
    assert norms[0] == pytest.approx(norms[1], rel=0.05)


def test_evaluation_moves_no_statistic_and_drops_nothing():
    student = toys.make_classifier(dropout=0.5)
    distiller = toys.make_distiller(student, toys.make_classifier(2, seed=9))
    before = toys.weights_of(student)
    first = distiller.evaluate(*toys.make_images(), verbose=0, return_dict=True)
    second = distiller.evaluate(*toys.make_images(), verbose=0, return_dict=True)
    assert toys.largest_difference(before, toys.weights_of(student)) == 0
    assert first == second


def test_the_student_runs_once_in_a_step_so_that_its_statistics_move_once():
    student = toys.make_classifier()
    twin = keras.models.clone_model(student)
    twin.set_weights(student.get_weights())
    distiller = toys.make_distiller(
        student, toys.make_classifier(seed=3), adversary=toys.make_adversary()
    )
    images, labels = toys.make_images()
    distiller.train_on_batch(images, labels)
    twin(images, training=True)
    for moved, once in zip(
        student.non_trainable_variables, twin.non_trainable_variables, strict=True
    ):
        np.testing.assert_allclose(moved, once, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("xla", [False, True])
def test_regularisers_of_weights_and_activities_count(xla):
    student = toys.make_dense(
        1, kernel_regularizer=keras.regularizers.L2(0.1), activity_regularizer="l2"
    )
    distiller = toys.make_distiller(
        student, supervised_weight=0.0, matching=[(losses.LogitL1(), 0.0)]
    )
    distiller.compile(keras.optimizers.SGD(1.0), xla=xla)
    vectors, labels = toys.make_vectors(16)
    with tf.GradientTape() as tape:
        student(vectors, training=True)
        expected = tf.add_n(student.losses)
    gradients = tape.gradient(expected, student.trainable_variables)
    wanted = [v - g for v, g in zip(student.trainable_variables, gradients, strict=True)]
    logs = distiller.train_on_batch(vectors, labels, return_dict=True)
    assert logs["regularization"] == pytest.approx(float(expected), rel=1e-5)
    assert logs["loss"] == pytest.approx(float(expected), rel=1e-5)
    for variable, value in zip(student.trainable_variables, wanted, strict=True):
        np.testing.assert_allclose(variable, value, atol=1e-6)


def test_a_saved_distiller_goes_on_training_with_both_optimisers(tmp_path):
    distiller = toys.make_distiller(adversary=toys.make_adversary())
    data = toys.batches(*toys.make_vectors())
    distiller.fit(data, epochs=2, verbose=0, shuffle=False)
    distiller.save(tmp_path / "distiller.keras")
    loaded = keras.models.load_model(tmp_path / "distiller.keras")
    loaded.teacher = distiller.teacher
    for one in (distiller, loaded):
        one.fit(data, epochs=1, verbose=0, shuffle=False)
    assert loaded.optimizer.iterations == distiller.optimizer.iterations == 6
    assert (
        toys.largest_difference(toys.weights_of(distiller.student), toys.weights_of(loaded.student))
        == 0
    )
    assert (
        toys.largest_difference(
            toys.weights_of(distiller.adversary), toys.weights_of(loaded.adversary)
        )
        == 0
    )


def test_sample_weights_of_zero_leave_the_weights_alone():
    distiller = toys.make_distiller(adversary=toys.make_adversary())
    student = [v.numpy() for v in distiller.student.trainable_variables]
    opponent = [v.numpy() for v in distiller.adversary.trainable_variables]
    vectors, labels = toys.make_vectors()
    distiller.train_on_batch(vectors, labels, sample_weight=np.zeros(len(labels), "float32"))
    after = [v.numpy() for v in distiller.student.trainable_variables]
    assert toys.largest_difference(student, after) == 0
    after = [v.numpy() for v in distiller.adversary.trainable_variables]
    assert toys.largest_difference(opponent, after) == 0


def test_class_weights_count():
    vectors, labels = toys.make_vectors()
    weight = {0: 5.0, 1: 0.5, 2: 1.0, 3: 2.0}
    by_class, by_sample = toys.make_distiller(), toys.make_distiller()
    by_class.fit(vectors, labels, batch_size=32, class_weight=weight, verbose=0, shuffle=False)
    by_sample.train_on_batch(
        vectors, labels, sample_weight=np.array([weight[c] for c in labels], "float32")
    )
    assert toys.largest_difference(
        toys.weights_of(by_class.student), toys.weights_of(by_sample.student)
    ) == pytest.approx(0, abs=1e-7)


@keras.saving.register_keras_serializable(package="tests")
class Projected(losses.DistillationLoss):
    """Squared distance of a tap after a trained projection of the student's."""

    taps = ("tap",)

    def __init__(self, units=8, *, name=None):
        super().__init__(name=name)
        self.units = units

    def build_parts(self, teacher_shapes, student_shapes):
        self.projection = keras.layers.Dense(teacher_shapes["tap"][-1], dtype="float32")
        self.projection.build(student_shapes["tap"])

    def per_example(self, teacher, student, labels=None):
        projected = self.projection(student["tap"])
        return tf.reduce_sum(tf.square(teacher["tap"] - projected), axis=-1)


def test_a_loss_may_own_trainable_parts_and_read_taps():
    distiller = toys.make_distiller(matching=[(Projected(), 1.0)], supervised_weight=0.0)
    projection = distiller.terms.matching["projected"].projection
    before = projection.kernel.numpy()
    student = distiller.student.layers[1].kernel.numpy()
    history = distiller.fit(*toys.make_vectors(), epochs=20, verbose=0).history["projected"]
    assert np.abs(projection.kernel.numpy() - before).max() > 1e-3
    assert np.abs(distiller.student.layers[1].kernel.numpy() - student).max() > 1e-3
    assert history[-1] < 0.5 * history[0]
    assert all(v.shape != projection.kernel.shape for v in distiller.student.variables[2:])


def test_the_teacher_is_not_asked_in_evaluation_or_validation():
    teacher = toys.make_dense(2)
    asked = []

    class Spy(keras.layers.Layer):
        def call(self, inputs):
            asked.append(1)
            return inputs

    image = keras.Input([6], name="image")
    spied = keras.Model(image, teacher(Spy()(image)))
    distiller = toys.make_distiller(teacher=spied)
    distiller.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    vectors, labels = toys.make_vectors(16)
    asked.clear()
    distiller.evaluate(vectors, labels, verbose=0)
    distiller.predict(vectors, verbose=0)
    assert not asked
    distiller.fit(vectors, labels, batch_size=16, validation_data=(vectors, labels), verbose=0)
    assert len(asked) == 1


def test_known_logits_take_the_place_of_the_teacher():
    vectors, labels = toys.make_vectors(16)
    teacher = toys.make_dense(2)
    asking, told = toys.make_distiller(teacher=teacher), toys.make_distiller()
    told.teacher = None
    asking.train_on_batch(vectors, labels)
    features = {"image": vectors, "teacher_logits": teacher(vectors).numpy()}
    told.train_on_batch(features, labels)
    assert toys.largest_difference(
        toys.weights_of(asking.student), toys.weights_of(told.student)
    ) == pytest.approx(0, abs=1e-7)


def test_the_teacher_is_not_in_the_file_or_among_the_weights(tmp_path):
    big = toys.make_classifier(4, seed=3)
    distiller = toys.make_distiller(toys.make_classifier(), big)
    of_teacher = {id(variable) for variable in big.variables}
    assert not of_teacher & {id(variable) for variable in distiller.variables}
    distiller.save(tmp_path / "distiller.keras")
    big.save(tmp_path / "teacher.keras")
    distiller.student.save(tmp_path / "student.keras")
    sizes = {path.stem: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["distiller"] < sizes["teacher"] / 2
    assert sizes["student"] < sizes["distiller"]


def test_one_loss_keeps_its_weight():
    distiller = toys.make_distiller(matching=[(losses.LogitL1(), 7.0)], supervised_weight=0.0)
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    assert logs["loss"] == pytest.approx(7 * logs["logit_l1"], rel=1e-6)


def test_an_unknown_tap_is_refused_with_the_names_there_are():
    class Missing(Projected):
        taps = ("tapp",)

    with pytest.raises(ValueError, match="tapp") as error:
        toys.make_distiller(matching=[(Missing(), 1.0)])
    assert "Did you mean tap?" in str(error.value)


def test_teacher_and_student_may_take_different_precisions_and_still_match_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    student = toys.make_dense(1)
    keras.config.set_dtype_policy("float32")
    distiller = toys.make_distiller(student, matching=[(losses.SoftTarget(), 1.0)])
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    vectors, _ = toys.make_vectors(16)
    assert all(np.isfinite(list(logs.values())))
    assert student(vectors).dtype == tf.bfloat16


def test_nested_models_are_students_and_teachers_too():
    image = keras.Input([6], name="image")
    nested = keras.Model(image, toys.make_dense(4)(image))
    distiller = toys.make_distiller(
        nested, keras.Sequential([keras.Input([6]), toys.make_dense(5)])
    )
    before = [v.numpy() for v in nested.trainable_variables]
    distiller.train_on_batch(*toys.make_vectors(16))
    assert toys.largest_difference(before, [v.numpy() for v in nested.trainable_variables]) > 0


def test_weights_and_temperature_can_change_without_tracing_again():
    distiller = toys.make_distiller(
        matching=[(losses.SoftTarget(temperature=2.0), 1.0)], supervised_weight=0.0
    )
    vectors, labels = toys.make_vectors(16)
    distiller.optimizer.learning_rate = 0.0

    def step():
        return distiller.train_on_batch(vectors, labels, return_dict=True)

    first = step()
    traced = distiller.train_function
    distiller.hyperparameters["soft_target"].assign(3.0)
    weighted = step()
    assert weighted["loss"] == pytest.approx(3 * first["loss"], rel=1e-5)
    distiller.hyperparameters["soft_target.temperature"].assign(5.0)
    hotter = step()
    teacher, student = distiller.teacher(vectors).numpy(), distiller.student(vectors).numpy()
    assert hotter["soft_target"] == pytest.approx(_divergence(teacher, student, 5.0), rel=1e-4)
    assert distiller.train_function is traced


def test_weights_of_terms_are_free():
    distiller = toys.make_distiller(matching=[(losses.LogitL1(), 30.0)], supervised_weight=2.5)
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    assert logs["loss"] == pytest.approx(2.5 * logs["supervised"] + 30 * logs["logit_l1"], rel=1e-5)


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match=r"Invalid weight of logit_l1. Expected 0 or more"):
        toys.make_distiller(matching=[(losses.LogitL1(), -1.0)])


def test_each_term_is_reported_by_name_and_metrics_of_keras_work():
    distiller = toys.make_distiller(
        matching=[(losses.LogitL1(), 1.0), (losses.SoftTarget(), 1.0)],
        adversary=toys.make_adversary(),
        compiled=False,
    )
    toys.compile_with_sgd(
        distiller, metrics=[keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")]
    )
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    assert {
        "loss",
        "supervised",
        "logit_l1",
        "soft_target",
        "adversarial",
        "accuracy",
        "agreement",
        "top2",
        "discriminator_loss",
        "discriminator_teacher_accuracy",
        "discriminator_student_accuracy",
        "discriminator_teacher_class_accuracy",
        "discriminator_student_class_accuracy",
    } == set(logs)
    evaluated = distiller.evaluate(*toys.make_vectors(16), verbose=0, return_dict=True)
    assert set(evaluated) == {"loss", "supervised", "accuracy", "top2"}


def test_pure_distillation_needs_no_supervised_loss():
    distiller = toys.make_distiller(supervised_weight=0.0)
    vectors, labels = toys.make_vectors(16)
    one = distiller.train_on_batch(vectors, labels, return_dict=True)
    other = toys.make_distiller(supervised_weight=0.0)
    two = other.train_on_batch(vectors, (labels + 1) % toys.CLASSES, return_dict=True)
    assert one["loss"] == two["loss"]
    assert (
        toys.largest_difference(toys.weights_of(distiller.student), toys.weights_of(other.student))
        == 0
    )


def test_the_teacher_is_left_as_it_is():
    teacher = toys.make_classifier(2, seed=3)
    before, count = toys.weights_of(teacher), len(teacher.trainable_variables)
    distiller = toys.make_distiller(toys.make_classifier(), teacher)
    distiller.train_on_batch(*toys.make_images())
    assert teacher.trainable
    assert len(teacher.trainable_variables) == count
    assert toys.largest_difference(before, toys.weights_of(teacher)) == 0
    assert len(distiller.trainable_variables) == len(distiller.student.trainable_variables)


def test_backup_and_restore_starts_on_a_fresh_distiller(tmp_path):
    distiller = toys.make_distiller()
    distiller.fit(
        *toys.make_vectors(),
        epochs=1,
        verbose=0,
        callbacks=[keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))],
    )
    assert distiller.optimizer.iterations == 1


def test_probabilities_instead_of_logits_are_refused_with_the_way_out():
    softened = toys.make_dense(2, activation="softmax", name="softened")
    with pytest.raises(ValueError, match="ends in a softmax") as error:
        distillation.Distiller(toys.make_dense(1), softened)
    assert "kd_keras.models.to_logits(teacher)" in str(error.value)
    toys.make_distiller(teacher=models.to_logits(softened))


def test_two_class_counts_are_refused():
    with pytest.raises(ValueError, match=r"number of classes. Received: teacher 7, student 4"):
        toys.make_distiller(teacher=toys.make_dense(2, units=7))


def test_other_classes_are_no_matter_where_only_taps_are_compared():
    distiller = toys.make_distiller(
        teacher=toys.make_dense(2, units=7), matching=[(Projected(), 1.0)]
    )
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    assert set(logs) == {"loss", "supervised", "projected", "accuracy"}


def test_a_teacher_of_another_resolution_brings_its_resizing_along():
    image = keras.Input((8, 8, 3), name="image")
    large = toys.make_residual(2, shape=(16, 16, 3))
    teacher = keras.Model(image, large(keras.layers.Resizing(16, 16)(image)))
    distiller = toys.make_distiller(toys.make_residual(1), teacher)
    images, labels = toys.make_images(16)
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    resized = tf.image.resize(tf.cast(images, tf.float32), (16, 16))
    expected = np.abs(large(resized) - toys.make_residual(1)(images, training=True)).sum(-1).mean()
    assert logs["logit_l1"] == pytest.approx(float(expected), rel=1e-3)


def test_a_subclassed_teacher_is_a_teacher_too():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = toys.make_dense(2)

        def call(self, inputs, training=False):
            return self.inner(inputs)

    vectors, labels = toys.make_vectors(16)
    plain, subclassed = toys.make_distiller(), toys.make_distiller(teacher=Subclassed())
    for distiller in (plain, subclassed):
        distiller.train_on_batch(vectors, labels)
    assert toys.largest_difference(
        toys.weights_of(plain.student), toys.weights_of(subclassed.student)
    ) == pytest.approx(0, abs=1e-7)
