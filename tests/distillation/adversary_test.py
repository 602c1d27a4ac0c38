import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, models
from kd_keras.losses import games
from tests.distillation import toys


def _cross_entropy(logits, labels):
    shifted = logits - logits.max(-1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return -log_probabilities[np.arange(len(labels)), labels]


def _logits(seed, count=8):
    return np.random.default_rng(seed).normal(size=(count, toys.CLASSES)).astype("float32")


def _started(**arguments):
    adversary = toys.make_adversary(**arguments)
    adversary.start(xla=False)
    return adversary


def test_the_discriminators_objective_is_equation_5():
    """Minimise -(L_A + L_DS) / 2, each half with teacher and student."""
    teacher, student = _logits(0), _logits(1)
    labels = np.arange(8, dtype="int32") % toys.CLASSES
    adversary = _started()
    said = [adversary.discriminator({"logits": z}, training=True) for z in (teacher, student)]
    real = [out["real_score"].numpy().astype("float64") for out in said]
    classes = [out["class_logits"].numpy().astype("float64") for out in said]
    likelihood = -np.logaddexp(0, -real[0]) - np.logaddexp(0, real[1])
    labels_likelihood = -sum(_cross_entropy(z, labels) for z in classes)
    loss, verdict = adversary.discriminator_loss(teacher, student, tf.constant(labels))
    np.testing.assert_allclose(loss, -0.5 * (likelihood + labels_likelihood), rtol=1e-5)
    unhalved = -(likelihood + labels_likelihood)
    np.testing.assert_allclose(verdict["discriminator_loss"], unhalved, rtol=1e-5)
    np.testing.assert_array_equal(verdict["discriminator_teacher_accuracy"], real[0] > 0)
    np.testing.assert_array_equal(verdict["discriminator_student_accuracy"], real[1] < 0)
    for name, z in zip(("teacher", "student"), classes, strict=True):
        hits = verdict[f"discriminator_{name}_class_accuracy"]
        np.testing.assert_array_equal(hits, z.argmax(-1) == labels)


@pytest.mark.parametrize("label_weight", [0.0, 0.5, 1.0])
def test_the_students_term_is_equation_7_without_what_it_cannot_change(label_weight):
    """(log P(Fake | D(F)) - label_weight * log P(l | D(F))) / 2: the saturating form."""
    teacher, student = _logits(0), _logits(1)
    labels = np.arange(8, dtype="int32") % toys.CLASSES
    adversary = _started(label_weight=label_weight)
    out = adversary.discriminator({"logits": student}, training=True)
    score, classes = (out[k].numpy().astype("float64") for k in ("real_score", "class_logits"))
    expected = 0.5 * (-np.logaddexp(0, score) + label_weight * _cross_entropy(classes, labels))
    loss = adversary.student_loss(teacher, student, tf.constant(labels))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("game", ["minimax", "non_saturating"])
@pytest.mark.parametrize("num_classes", [10, 100])
def test_a_game_starts_at_chance_in_the_first_training_step(game, num_classes):
    """Un-halved: 2 ln 2 + 2 ln C, the level at which the paper's curve begins."""
    discriminator = models.get("discriminator", num_classes=num_classes, seed=3)
    distiller = toys.make_distiller(
        toys.make_residual(1, classes=num_classes),
        toys.make_residual(2, classes=num_classes),
        adversary=distillation.Adversary(discriminator, game),
    )
    images, labels = toys.make_images(64, classes=num_classes)
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    chance = 2 * np.log(2) + 2 * np.log(num_classes)
    assert logs["discriminator_loss"] == pytest.approx(chance, rel=1e-5)


def test_a_discriminator_that_starts_at_zero_learns_to_tell_logits_apart():
    adversary = distillation.Adversary(
        models.get("discriminator", num_classes=toys.CLASSES, dropout=0.0, seed=3),
        batch_statistics="joint",
    )
    distiller = toys.make_distiller(adversary=adversary, compiled=False)
    distiller.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1, momentum=0.9))
    inside = adversary.discriminator.get_layer("block1_linear").kernel
    before = inside.numpy()
    vectors, labels = toys.make_vectors(64)
    steps = [distiller.train_on_batch(vectors, labels, return_dict=True) for _ in range(60)]
    assert np.abs(inside.numpy() - before).max() > 1e-2
    assert steps[-1]["discriminator_loss"] < steps[0]["discriminator_loss"] - 1.0


def test_separate_statistics_hide_a_common_scale_and_joint_ones_show_it():
    teacher = _logits(0, 64)
    labels = tf.zeros([64], tf.int32)
    rates = {}
    for statistics in ("separate", "joint"):
        adversary = _started(batch_statistics=statistics)
        both = adversary._see_both(teacher, teacher * 100, {}, True)
        rates[statistics] = float(
            tf.reduce_max(tf.abs(both[0]["real_score"] - both[1]["real_score"]))
        )
        adversary.student_loss(teacher, teacher, labels)
    assert rates["separate"] < 1e-2
    assert rates["joint"] > 0.1


def test_a_frozen_discriminator_uses_its_moving_statistics_and_moves_nothing():
    adversary = _started(frozen_in_student_update=True, dropout=0.5)
    before = toys.weights_of(adversary)
    labels = tf.zeros([8], tf.int32)
    first = adversary.student_loss(_logits(0), _logits(1), labels)
    second = adversary.student_loss(_logits(0), _logits(1), labels)
    np.testing.assert_array_equal(first, second)
    assert toys.largest_difference(before, toys.weights_of(adversary)) == 0


@pytest.mark.parametrize("condition", ["label", "image", "teacher_logits"])
@pytest.mark.parametrize("batch_statistics", ["separate", "joint"])
def test_every_condition_reaches_the_discriminator(condition, batch_statistics):
    discriminator = models.get(
        "discriminator",
        num_classes=toys.CLASSES,
        condition=condition,
        image_shape=(8, 8, 3) if condition == "image" else None,
        seed=1,
    )
    adversary = distillation.Adversary(discriminator, batch_statistics=batch_statistics)
    distiller = toys.make_distiller(
        toys.make_residual(1), toys.make_residual(2), adversary=adversary
    )
    images, labels = toys.make_images(16)
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    assert np.isfinite(list(logs.values())).all()


def test_clipping_spares_batch_normalisation():
    adversary = toys.make_adversary(games.get("wasserstein", weight_clip=0.01))
    distiller = toys.make_distiller(adversary=adversary)
    distiller.train_on_batch(*toys.make_vectors(16))
    for layer in adversary.discriminator.layers:
        largest = max([float(np.abs(v).max()) for v in layer.get_weights()], default=0.0)
        if isinstance(layer, keras.layers.Dense):
            assert 0 < largest <= 0.01 + 1e-8
        elif isinstance(layer, keras.layers.BatchNormalization):
            assert largest > 0.5


def test_unknown_choices_are_refused():
    with pytest.raises(ValueError, match="Unknown batch_statistics"):
        toys.make_adversary(batch_statistics="together")
    with pytest.raises(ValueError, match="Unknown game"):
        toys.make_adversary("chess")
