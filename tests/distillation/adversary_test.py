import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, models
from kd_keras.distillation import slopes as slopes_module
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


@pytest.mark.parametrize("label_weight", [0.0, 0.5, 1.0])
def test_the_discriminators_objective_is_equation_5(label_weight):
    """Minimise -(L_A + label_weight * L_DS) / 2, each half with teacher and student."""
    teacher, student = _logits(0), _logits(1)
    labels = np.arange(8, dtype="int32") % toys.CLASSES
    adversary = _started(label_weight=label_weight)
    said = [adversary.discriminator({"logits": z}, training=True) for z in (teacher, student)]
    real = [out["real_score"].numpy().astype("float64") for out in said]
    classes = [out["class_logits"].numpy().astype("float64") for out in said]
    likelihood = -np.logaddexp(0, -real[0]) - np.logaddexp(0, real[1])
    labels_likelihood = -label_weight * sum(_cross_entropy(z, labels) for z in classes)
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


def test_with_joint_statistics_the_student_is_seen_beside_the_teacher():
    teacher, student = _logits(0), _logits(1)
    labels = np.arange(8, dtype="int32") % toys.CLASSES
    adversary = _started(batch_statistics="joint")
    together = {"logits": np.concatenate([teacher, student])}
    out = adversary.discriminator(together, training=True)
    score, classes = (out[k].numpy().astype("float64")[8:] for k in ("real_score", "class_logits"))
    expected = 0.5 * (-np.logaddexp(0, score) + _cross_entropy(classes, labels))
    loss = adversary.student_loss(teacher, student, tf.constant(labels))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    alone = _started().student_loss(teacher, student, tf.constant(labels))
    assert np.abs(loss - alone).max() > 1e-2


@pytest.mark.parametrize("batch_statistics", ["separate", "joint"])
def test_the_students_term_moves_no_teacher(batch_statistics):
    teacher, student = (tf.constant(_logits(seed)) for seed in (0, 1))
    adversary = _started(batch_statistics=batch_statistics, teachers=("teacher1",))
    with tf.GradientTape() as tape:
        tape.watch([teacher, student])
        loss = adversary.student_loss(
            teacher, student, tf.zeros([8], tf.int32), reals=[teacher + 1.0]
        )
    of_teacher, of_student = tape.gradient(loss, [teacher, student])
    assert of_teacher is None
    assert np.abs(of_student).max() > 0


def test_the_regularisers_of_the_discriminator_count():
    def step(**arguments):
        image = keras.Input([toys.CLASSES], name="logits")
        kernel = {"kernel_initializer": keras.initializers.GlorotUniform(3)}
        hidden = keras.layers.Dense(5, **kernel, **arguments)(image)
        outputs = {
            "real_score": keras.layers.Dense(1, **kernel)(hidden)[:, 0],
            "class_logits": keras.layers.Dense(toys.CLASSES, **kernel)(hidden),
        }
        discriminator = keras.Model({"logits": image}, outputs)
        before = discriminator.layers[1].kernel.numpy()
        distiller = toys.make_distiller(
            adversary=distillation.Adversary(discriminator), compiled=False
        )
        distiller.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.1))
        distiller.train_on_batch(*toys.make_vectors(16))
        return before, discriminator.layers[1].kernel.numpy()

    (before, plain), (_, regularized) = step(), step(kernel_regularizer=keras.regularizers.L2(0.7))
    np.testing.assert_allclose(regularized - plain, -0.1 * 2 * 0.7 * before, rtol=1e-4, atol=1e-6)


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
        both = adversary._see_all([teacher, teacher * 100], {}, True)
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


@pytest.mark.parametrize(
    ("batch_statistics", "condition"),
    [
        ("separate", "label"),
        ("separate", "image"),
        ("joint", "teacher_logits"),
        pytest.param("separate", "teacher_logits", marks=pytest.mark.slow),
        pytest.param("joint", "label", marks=pytest.mark.slow),
        pytest.param("joint", "image", marks=pytest.mark.slow),
    ],
)
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


def test_several_teachers_are_real_each_on_its_own():
    """The discriminator's teacher terms are the mean over the teachers."""
    first, second, student = _logits(0), _logits(1), _logits(2)
    labels = tf.constant(np.arange(8, dtype="int32") % toys.CLASSES)
    adversary = _started(teachers=("teacher1", "teacher2"))
    (loss, verdict), *alone = (
        adversary.discriminator_loss(first, student, labels, reals=reals)
        for reals in ([first, second], [first], [second])
    )
    np.testing.assert_allclose(loss, (alone[0][0] + alone[1][0]) / 2, rtol=1e-5)
    for name, value in verdict.items():
        np.testing.assert_allclose(value, (alone[0][1][name] + alone[1][1][name]) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("game", "scores", "right"),
    [
        ("minimax", ([2.0, -1.0], [-3.0, 1.0]), ([1, 0], [1, 0])),
        ("least_squares", ([0.9, 0.4], [0.6, 0.3]), ([1, 0], [0, 1])),
        ("wasserstein", ([7.0, 9.0], [6.0, 8.0]), ([0, 1], [1, 0])),
        ("wasserstein_penalty", ([-7.0, -4.0], [-9.0, -8.0]), ([0, 1], [1, 1])),
    ],
)
def test_who_is_told_from_whom_follows_the_game(monkeypatch, game, scores, right):
    adversary = _started(game=game)
    classes = tf.zeros([2, toys.CLASSES])
    said = [{"real_score": tf.constant(score), "class_logits": classes} for score in scores]
    monkeypatch.setattr(adversary, "_see_all", lambda *arguments: said)
    monkeypatch.setattr(adversary, "_penalty", lambda *arguments: 0.0)
    _, verdict = adversary.discriminator_loss(classes, classes, tf.zeros([2], tf.int32))
    found = [verdict[f"discriminator_{who}_accuracy"] for who in ("teacher", "student")]
    np.testing.assert_array_equal(found, right)


def test_the_distiller_shows_the_discriminator_the_members_of_a_mean():
    teachers = [toys.make_residual(seed) for seed in (2, 3)]
    names = [models.member_name(1), models.member_name(2)]
    distiller = toys.make_distiller(
        toys.make_residual(1),
        models.mean_of(teachers),
        adversary=toys.make_adversary(teachers=names, batch_statistics="joint"),
    )
    images, labels = toys.make_images(16)
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    asked = distiller._passes.teacher_pass.ask(tf.cast(images, tf.float32))
    for name, teacher in zip(names, teachers, strict=True):
        np.testing.assert_allclose(asked[name], teacher(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_statistics", ["separate", "joint"])
def test_a_gradient_penalty_is_added_and_moves_the_discriminator(batch_statistics):
    game = games.get("wasserstein_penalty", penalty_weight=5.0)
    teacher, student = tf.constant(_logits(0)), tf.constant(_logits(1))
    labels = tf.zeros([8], tf.int32)
    adversary, plain = (
        _started(game=each, batch_statistics=batch_statistics)
        for each in (game, games.get("wasserstein", weight_clip=None))
    )
    loss, _ = adversary.discriminator_loss(teacher, student, labels)
    expected, _ = plain.discriminator_loss(teacher, student, labels)
    penalty = 2 * (loss - expected).numpy()
    assert (penalty >= 0).all()
    assert penalty.max() > 1e-3
    with tf.GradientTape() as tape:
        paid = tf.reduce_sum(adversary._penalty([teacher], student, {}))
    kernel = adversary.discriminator.get_layer("block1_linear").kernel
    assert np.abs(tape.gradient(paid, kernel.value)).max() > 0


def test_the_slope_is_that_of_the_critic_at_rest():
    """In inference mode, at random points between the two, by central differences."""
    adversary = _started(game=games.get("wasserstein_penalty"), depth=2, dropout=0.5)
    generator = np.random.default_rng(4)
    for layer in adversary.discriminator.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            mean, variance = generator.normal(size=4), generator.uniform(0.5, 2.0, size=4)
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(variance)
    before = toys.weights_of(adversary.discriminator)
    shares = np.linspace(0.15, 0.85, 8, dtype="float32")
    teacher, student = _logits(0), _logits(1)

    def score(logits):
        out = adversary.discriminator({"logits": logits.astype("float32")}, training=False)
        return out["real_score"].numpy().astype("float64")

    between = shares[:, None] * teacher + (1 - shares[:, None]) * student
    step = 1e-3 * np.eye(toys.CLASSES)
    slopes = np.stack([score(between + d) - score(between - d) for d in step], -1) / 2e-3
    expected = 10.0 * (np.sqrt((slopes**2).sum(-1)) - 1) ** 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slopes_module, "draw_uniform", lambda *arguments: tf.constant(shares))
        penalty = adversary._penalty([tf.constant(teacher)], tf.constant(student), {})
    np.testing.assert_allclose(penalty, expected, rtol=1e-2, atol=1e-2)
    assert toys.largest_difference(before, toys.weights_of(adversary.discriminator)) == 0


def _tapping(num_features=8, condition="none", **taps):
    discriminator = models.get(
        "discriminator",
        num_classes=toys.CLASSES,
        num_features=num_features,
        condition=condition,
        image_shape=(8, 8, 3) if condition == "image" else None,
    )
    return distillation.Adversary(discriminator, **taps)


def test_a_discriminator_may_be_shown_a_layer_in_the_place_of_logits():
    adversary = _tapping(tap="tap")
    distiller = toys.make_distiller(adversary=adversary, matching=[])
    vectors, labels = toys.make_vectors(16)
    features = [
        models.with_taps(network, ("tap",))(vectors)["tap"]
        for network in (distiller.teacher, distiller.student)
    ]
    logs = distiller.train_on_batch(vectors, labels, return_dict=True)
    assert "agreement" not in logs
    again = _tapping(tap="tap")
    again.start(xla=False)
    _, verdict = again.discriminator_loss(*features, tf.constant(labels))
    expected = 2 * np.log(2) + 2 * np.log(toys.CLASSES)  # its output layer starts at zero
    np.testing.assert_allclose(verdict["discriminator_loss"], expected, rtol=1e-5)
    assert logs["discriminator_loss"] == pytest.approx(expected, rel=1e-5)


def test_the_gradient_of_what_is_shown_reaches_the_student_below_it_alone():
    adversary = _tapping(tap="tap", label_weight=1.0)
    distiller = toys.make_distiller(adversary=adversary, matching=[], supervised_weight=0.0)
    vectors, labels = toys.make_vectors(16)
    for _ in range(3):  # the output layer has to leave its zeros first
        before = [v.numpy() for v in distiller.student.trainable_variables]
        distiller.train_on_batch(vectors, labels)
    moved = [
        np.abs(now.numpy() - then).max() > 0
        for now, then in zip(distiller.student.trainable_variables, before, strict=True)
    ]
    assert moved == [True, True, False, False]


def test_maps_are_averaged_over_their_pixels():
    maps = np.random.default_rng(0).normal(size=(2, 3, 3, 8)).astype("float32")
    shown = _tapping(tap="a").shown({"a": tf.constant(maps)}, "a")
    np.testing.assert_allclose(shown, maps.mean((1, 2)), rtol=1e-5, atol=1e-6)


def test_layers_with_other_features_are_refused():
    with pytest.raises(ValueError, match=r"cannot be shown tap of the teacher\. Expected 5 feat"):
        toys.make_distiller(adversary=_tapping(5, tap="tap"))
    with pytest.raises(ValueError, match=r"Unknown layer of the teacher.*adversary reads it"):
        toys.make_distiller(adversary=_tapping(tap="tap", teacher_tap="tapp"))


@pytest.mark.parametrize("condition", ["label", "image"])
def test_a_layer_may_be_shown_beside_a_condition(condition):
    networks = toys.make_residual(1), toys.make_residual(2)
    adversary = _tapping(4, condition, tap="tap")
    distiller = toys.make_distiller(*networks, adversary=adversary, matching=[])
    logs = distiller.train_on_batch(*toys.make_images(16), return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    with pytest.raises(ValueError, match=r"cannot be shown tap of the teacher\. Expected 3 feat"):
        toys.make_distiller(
            toys.make_residual(1),
            toys.make_residual(2),
            adversary=_tapping(3, condition, tap="tap"),
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"teacher_tap": "a"},
            r"teacher_tap\. Expected none, because tap is not set\. Received: a",
        ),
        ({"tap": "a", "look_ahead": True}, "shown a cannot have look_ahead, which is of logits"),
        ({"tap": "a", "teachers": ["b"]}, "cannot have teachers"),
        ({"tap": "a", "condition": "teacher_logits"}, "cannot have the condition teacher_logits"),
        ({"label_weight": -1.0}, r"label_weight\. Expected 0 or more\. Received: -1\.0"),
        ({"label_weight": np.inf}, r"label_weight\. Expected 0 or more\. Received: inf"),
    ],
)
def test_choices_that_do_not_go_together_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        _tapping(**arguments)
