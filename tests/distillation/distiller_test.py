import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, losses
from tests.distillation import toys


def _log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _linear(seed, units=3, inputs=5):
    image = keras.Input([inputs], name="image")
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.Model(image, keras.layers.Dense(units, kernel_initializer=initializer)(image))


def test_a_step_of_the_whole_objective_against_numpy():
    """A linear student, so that the gradient of every term can be written down.

    The discriminator's own gradient with respect to the student's logits is taken from the
    discriminator after its update, by central differences: the student must see it updated.
    """
    x, labels = toys.make_vectors(6, inputs=5, classes=3)
    student, teacher = _linear(1), _linear(2)
    adversary = toys.make_adversary(classes=3)
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=[(losses.LogitL1(), 0.7), (losses.SoftTarget(temperature=2.0), 0.3)],
        supervised_weight=0.5,
        adversary=adversary,
        adversarial_weight=1.5,
    )
    distiller.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.5))
    kernel, bias = (v.numpy().astype("float64") for v in student.trainable_variables)
    t, s = teacher(x).numpy().astype("float64"), x @ kernel + bias
    distiller.train_on_batch(x, labels)

    one_hot = np.eye(3)[labels]
    q, p2, q2 = (np.exp(_log_softmax(z)) for z in (s, t / 2, s / 2))
    gradient = 0.5 * (q - one_hot) + 0.7 * np.sign(s - t) + 0.3 * 4 * (q2 - p2) / 2
    gradient += 1.5 * _numeric_adversarial_gradient(adversary, s, labels) * len(x)
    gradient /= len(x)
    np.testing.assert_allclose(student.layers[1].kernel, kernel - x.T @ gradient, atol=1e-3)
    np.testing.assert_allclose(student.layers[1].bias, bias - gradient.sum(0), atol=1e-3)


def _numeric_adversarial_gradient(adversary, logits, labels, step=3e-4):
    def mean(z):
        out = adversary.discriminator({"logits": z.astype("float32")}, training=True)
        score, classes = (np.float64(out[k].numpy()) for k in ("real_score", "class_logits"))
        log_fake = -np.logaddexp(0, score)
        log_label = _log_softmax(classes)[np.arange(len(labels)), labels]
        return 0.5 * (log_fake - log_label).mean()

    gradient = np.zeros_like(logits)
    for index in np.ndindex(*logits.shape):
        up, down = logits.copy(), logits.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (mean(up) - mean(down)) / (2 * step)
    return gradient


def test_the_discriminator_is_updated_first_and_the_student_sees_it_updated():
    x, labels = toys.make_vectors(16)
    moved = []
    for rate in (0.0, 1.0):
        distiller = toys.make_distiller(
            adversary=toys.make_adversary(), matching=(), supervised_weight=0.0, compiled=False
        )
        distiller.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(rate))
        distiller.train_on_batch(x, labels)
        moved.append(toys.weights_of(distiller.student))
    assert toys.largest_difference(*moved) > 1e-4


def test_the_student_is_a_constant_to_the_discriminator():
    x, labels = toys.make_vectors(16)
    distiller = toys.make_distiller(
        adversary=toys.make_adversary(),
        matching=(),
        supervised_weight=0.0,
        adversarial_weight=0.0,
    )
    before = toys.weights_of(distiller.student)
    opponent = [v.numpy() for v in distiller.adversary.trainable_variables]
    distiller.train_on_batch(x, labels)
    assert toys.largest_difference(before, toys.weights_of(distiller.student)) == 0
    after = [v.numpy() for v in distiller.adversary.trainable_variables]
    assert toys.largest_difference(opponent, after) > 0


def test_without_teacher_it_is_plain_supervised_training():
    x, labels = toys.make_vectors(16)
    student = toys.make_dense(1)
    stock = keras.models.clone_model(student)
    stock.set_weights(student.get_weights())
    distiller = distillation.Distiller(student)
    distiller.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    stock.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    for model in (distiller, stock):
        model.fit(x, labels, batch_size=8, epochs=3, shuffle=False, verbose=0)
    difference = toys.largest_difference(toys.weights_of(student), toys.weights_of(stock))
    assert difference < 1e-6


def test_xla_and_eager_execution_agree_with_the_graph():
    x, labels = toys.make_vectors(16)
    weights = []
    for arguments in ({}, {"xla": True}, {"run_eagerly": True}):
        distiller = toys.make_distiller(
            adversary=toys.make_adversary(), compiled=False, track_gradient_shares=True
        )
        toys.compile_with_sgd(distiller, **arguments)
        for _ in range(3):
            distiller.train_on_batch(x, labels)
        weights.append(toys.weights_of(distiller.student) + toys.weights_of(distiller.adversary))
    assert toys.largest_difference(weights[0], weights[1]) < 1e-5
    assert toys.largest_difference(weights[0], weights[2]) < 1e-5


def test_gradient_shares_add_up_and_name_the_stronger_term():
    distiller = toys.make_distiller(
        matching=[(losses.LogitL1(), 100.0)],
        adversary=toys.make_adversary(),
        track_gradient_shares=True,
    )
    logs = distiller.train_on_batch(*toys.make_vectors(16), return_dict=True)
    shares = {name: value for name, value in logs.items() if name.startswith("gradient_share_")}
    assert set(shares) == {
        "gradient_share_supervised",
        "gradient_share_logit_l1",
        "gradient_share_adversarial",
    }
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)
    assert shares["gradient_share_logit_l1"] > 0.9


def test_tracking_shares_changes_nothing():
    weights = []
    for track in (False, True):
        distiller = toys.make_distiller(
            adversary=toys.make_adversary(), track_gradient_shares=track
        )
        distiller.train_on_batch(*toys.make_vectors(16))
        weights.append(toys.weights_of(distiller.student))
    assert toys.largest_difference(*weights) == 0


def test_averaged_weights_are_the_students_at_the_end_of_fit():
    distiller = toys.make_distiller(adversary=toys.make_adversary(), compiled=False)
    distiller.compile(
        keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9), keras.optimizers.SGD(0.01)
    )
    distiller.fit(toys.batches(*toys.make_vectors()), epochs=2, verbose=0, shuffle=False)
    averages = distiller.optimizer._model_variables_moving_average
    for variable, average in zip(distiller.student.trainable_variables, averages, strict=True):
        np.testing.assert_allclose(variable, average, atol=1e-7)


def test_steps_per_execution():
    one, several = toys.make_distiller(compiled=False), toys.make_distiller(compiled=False)
    toys.compile_with_sgd(one)
    toys.compile_with_sgd(several, steps_per_execution=2)
    for distiller in (one, several):
        distiller.fit(toys.batches(*toys.make_vectors()), epochs=1, shuffle=False, verbose=0)
    assert toys.largest_difference(
        toys.weights_of(one.student), toys.weights_of(several.student)
    ) == pytest.approx(0, abs=1e-7)


def test_a_missing_teacher_is_said():
    distiller = toys.make_distiller()
    distiller.teacher = None
    with pytest.raises(ValueError, match=r"There is no teacher\. Expected a teacher, or batches"):
        distiller.train_on_batch(*toys.make_vectors(16))


def test_a_loss_of_another_library_is_refused():
    with pytest.raises(TypeError, match=r"Expected a kd_keras.losses.DistillationLoss"):
        toys.make_distiller(matching=[(keras.losses.KLDivergence(), 1.0)])


def test_losses_on_taps_need_the_teacher_itself():
    class Tapped(losses.DistillationLoss):
        taps = ("tap",)

    with pytest.raises(ValueError, match=r"Losses on taps \(tap\) need the teacher itself"):
        distillation.Distiller(toys.make_dense(1), matching=[(Tapped(), 1.0)])


def test_an_adversary_needs_its_optimiser_and_nothing_else_does():
    distiller = toys.make_distiller(adversary=toys.make_adversary(), compiled=False)
    with pytest.raises(ValueError, match="Invalid value for discriminator_optimizer"):
        distiller.compile(keras.optimizers.SGD(0.1))
    plain = toys.make_distiller(compiled=False)
    with pytest.raises(ValueError, match="Invalid value for discriminator_optimizer"):
        plain.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))


def test_nothing_is_traced_again_between_epochs():
    distiller = toys.make_distiller(adversary=toys.make_adversary())
    data = toys.batches(*toys.make_vectors())
    traces = []
    step = distiller.train_step

    def counted(data):
        traces.append(1)
        return step(data)

    distiller.train_step = counted
    distiller.train_function = None
    for _ in range(3):
        distiller.fit(data, epochs=2, verbose=0, shuffle=False, validation_data=data)
    assert len(traces) == 1


def test_dropout_and_statistics_of_the_student_are_alive_in_training():
    student = toys.make_classifier(dropout=0.5)
    before = [v.numpy() for v in student.non_trainable_variables]
    distiller = toys.make_distiller(student, toys.make_classifier(seed=3))
    distiller.train_on_batch(*toys.make_images())
    moved = [v.numpy() for v in student.non_trainable_variables]
    changed = [not np.array_equal(a, b) for a, b in zip(before, moved, strict=True)]
    assert all(changed)


def test_predict_and_call_give_the_students_logits():
    distiller = toys.make_distiller()
    vectors, _ = toys.make_vectors(8)
    expected = distiller.student(vectors)
    np.testing.assert_allclose(distiller.predict(vectors, verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(distiller({"image": tf.constant(vectors)}), expected, rtol=1e-5)
