"""Two networks that learn at once: values and steps against NumPy, what is shared, what is kept."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, losses, models, training
from tests.distillation import toys

MUTUAL = {"matching": ("soft_target", 1.0), "both_ways": True}
BLOCKED = {"matching": ("logit_regression", 0.03), "both_ways": False}
UNBLOCKED = {**BLOCKED, "both_ways": True}
SCHEMES = {"mutual": MUTUAL, "blocked": BLOCKED, "unblocked": UNBLOCKED}


def make_loss(name):
    return losses.get(name, **({"temperature": 1.0} if name == "soft_target" else {}))


def make(student, peer, *, matching, compiled=True, **arguments):
    name, weight = matching
    distiller = distillation.JointDistiller(
        student, peer, matching=[(make_loss(name), weight)], **arguments
    )
    if compiled:
        distiller.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0), run_eagerly=True)
    return distiller


def make_dense_pair(scheme, **arguments):
    networks = toys.make_dense(1, name="student"), toys.make_dense(2, name="peer")
    return make(*networks, **SCHEMES[scheme], **arguments)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def run_dense(weights, vectors):
    kernel, bias, last_kernel, last_bias = weights
    hidden = np.maximum(vectors @ kernel + bias, 0)
    return hidden, hidden @ last_kernel + last_bias


def step_dense(weights, vectors, gradient):
    """The weights after a step of length 1 down the gradient on the logits."""
    hidden, _ = run_dense(weights, vectors)
    below = (gradient @ weights[2].T) * (hidden > 0)
    steps = [vectors.T @ below, below.sum(axis=0), hidden.T @ gradient, gradient.sum(axis=0)]
    return [weight - step for weight, step in zip(weights, steps, strict=True)]


def expected_terms(own, other, labels, loss):
    """The cross-entropy and the loss per example, and the gradients on the network's own logits."""
    chosen = np.eye(toys.CLASSES)[labels]
    cross_entropy = -(chosen * np.log(softmax(own))).sum(axis=1), softmax(own) - chosen
    if loss == "soft_target":
        p, q = softmax(other), softmax(own)
        return cross_entropy, ((p * np.log(p / q)).sum(axis=1), q - p)
    return cross_entropy, (((own - other) ** 2).sum(axis=1), 2 * (own - other))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_step_is_that_of_the_formulas(scheme):
    vectors, labels = toys.make_vectors(8)
    distiller = make_dense_pair(scheme)
    name, weight = SCHEMES[scheme]["matching"]
    networks = {"student": distiller.student, "peer": distiller.peer}
    before = {k: [w.astype(np.float64) for w in net.get_weights()] for k, net in networks.items()}
    logits = {k: run_dense(weights, vectors)[1] for k, weights in before.items()}
    logs = distiller.train_on_batch(vectors, labels, return_dict=True)
    for role, other in (("student", "peer"), ("peer", "student")):
        supervised, matching = expected_terms(logits[role], logits[other], labels, name)
        hears = role == "student" or SCHEMES[scheme]["both_ways"]
        gradient = (supervised[1] + hears * weight * matching[1]) / len(labels)
        expected = step_dense(before[role], vectors, gradient)
        for found, wanted in zip(networks[role].get_weights(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
        prefix = "" if role == "student" else "peer_"
        assert logs[f"{prefix}supervised"] == pytest.approx(supervised[0].mean(), rel=1e-4)
        assert (f"{prefix}{name}" in logs) == hears
        if hears:
            assert logs[f"{prefix}{name}"] == pytest.approx(matching[0].mean(), rel=1e-4)
        accuracy = (logits[role].argmax(axis=1) == labels).mean()
        assert logs[f"{prefix}accuracy"] == pytest.approx(accuracy)


def test_the_hint_reaches_the_booster_only_without_the_gradient_block():
    vectors, labels = toys.make_vectors(8)
    after = {}
    for scheme in ("blocked", "unblocked"):
        for weight in (0.03, 3.0):
            distiller = make_dense_pair(scheme)
            distiller.hyperparameters["logit_regression"].assign(weight)
            distiller.train_on_batch(vectors, labels)
            after[scheme, weight] = toys.weights_of(distiller.peer)
    assert toys.largest_difference(after["blocked", 0.03], after["blocked", 3.0]) == 0
    assert toys.largest_difference(after["unblocked", 0.03], after["unblocked", 3.0]) > 0.1


@functools.cache
def weights_after(**choices):
    vectors, labels = toys.make_vectors(8)
    replicas = choices.pop("replicas", 1)
    with training.make_strategy(str(replicas)).scope():
        distiller = make_dense_pair("mutual", compiled=False)
        optimizers = [keras.optimizers.SGD(0.1, momentum=0.9) for _ in range(2)]
        distiller.compile(*optimizers, clip_norm=0.5, **{"run_eagerly": True, **choices})
    data = toys.batches(vectors, labels, size=8)
    distiller.fit(data.repeat(3), verbose=0, shuffle=False)
    return [*toys.weights_of(distiller.student), *toys.weights_of(distiller.peer)]


@pytest.mark.parametrize(
    "choices",
    [
        {"micro_batches": 2},
        # A graph is also run by the command: see tests/joining_test.py.
        pytest.param({"run_eagerly": False}, marks=pytest.mark.slow),
        pytest.param({"run_eagerly": False, "xla": True}, marks=pytest.mark.slow),
        pytest.param({"run_eagerly": False, "replicas": 2}, marks=pytest.mark.slow),
        pytest.param({"run_eagerly": False, "replicas": 2, "xla": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_it_is_the_same_however_it_runs(choices):
    expected, found = weights_after(), weights_after(**choices)
    assert toys.largest_difference(expected, found) < 1e-5


def make_sharing_pair(scheme="blocked", **arguments):
    sizes = {"image_shape": (8, 8, 3), "num_classes": toys.CLASSES}
    light, booster = (models.get("plain_cnn", depth=depth, seed=depth, **sizes) for depth in (5, 8))
    return make(light, booster, share="interval", **SCHEMES[scheme], **arguments)


@pytest.fixture(scope="module")
def sharing():
    """A distiller of two networks with common convolutions, and what one step makes of it."""
    distiller = make_sharing_pair(compiled=False)
    distiller.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
    images, labels = toys.make_images(4)
    images = images.astype(np.float32) / 128
    kernel = distiller.student.get_layer("group2_convolution1").kernel
    head = distiller.peer.get_layer("group2_convolution2").kernel
    before = kernel.numpy(), head.numpy()
    gradients = gradients_of_the_sum(distiller, images, labels, [kernel, head])
    distiller.train_on_batch(images, labels)
    moves = [old - variable.numpy() for old, variable in zip(before, (kernel, head), strict=True)]
    return distiller, gradients, moves


def gradients_of_the_sum(distiller, images, labels, variables):
    """Of CE(light) + CE(booster) + 0.03 * sum_C (booster - light)^2 / B, as one objective."""
    states = [v for net in (distiller.student, distiller.peer) for v in net.non_trainable_variables]
    before = [state.numpy() for state in states]
    with tf.GradientTape() as tape:
        light, booster = (net(images, training=True) for net in (distiller.student, distiller.peer))
        hint = tf.reduce_sum(tf.square(tf.stop_gradient(booster) - light)) / len(labels)
        entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(
            np.concatenate([labels, labels]), tf.concat([light, booster], axis=0)
        )
        objective = tf.reduce_sum(entropies) / len(labels) + 0.03 * hint
    gradients = tape.gradient(objective, variables)
    for state, value in zip(states, before, strict=True):
        state.assign(value)
    return [gradient.numpy() for gradient in gradients]


def test_shared_convolutions_are_moved_once_by_both_gradients(sharing):
    _, gradients, moves = sharing
    for gradient, move in zip(gradients, moves, strict=True):
        np.testing.assert_allclose(move, 0.1 * gradient, atol=1e-4 * np.abs(gradient).max())
        assert np.abs(gradient).max() > 1e-3


def test_only_convolutions_are_the_same_variables(sharing):
    distiller, _, _ = sharing
    of_peer = set(map(id, distiller.peer.variables))
    common = [v for v in distiller.student.variables if id(v) in of_peer]
    assert len(common) == 4
    assert all(v.path.endswith("kernel") and len(v.shape) == 4 for v in common)
    trained = [id(v) for v in distiller.student_variables + distiller.peer_variables]
    assert len(set(trained)) == len(trained)
    assert set(trained) == {id(v) for v in distiller.trainable_variables}
    for network in (distiller.student, distiller.peer):
        statistics = network.get_layer("stem_normalization").moving_mean.numpy()
        assert np.abs(statistics).max() > 0


def test_the_student_saved_alone_is_the_student(sharing, tmp_path):
    distiller, _, _ = sharing
    images = toys.make_images(4)[0].astype(np.float32) / 128
    distiller.student.save(tmp_path / "student.keras")
    alone = keras.models.load_model(tmp_path / "student.keras")
    assert not any(type(layer).__module__.startswith("kd_keras") for layer in alone.layers)
    np.testing.assert_allclose(alone(images), distiller.student(images), atol=1e-6)


def test_it_is_saved_and_restored_with_what_is_shared(sharing, tmp_path):
    distiller, _, _ = sharing
    distiller.save(tmp_path / "distiller.keras")
    restored = keras.models.load_model(tmp_path / "distiller.keras")
    told = ("matching", "supervised_weight", "both_ways", "share", "name")
    configurations = [one.get_config() for one in (distiller, restored)]
    assert [c["share"] for c in configurations] == ["interval"] * 2
    assert all(configurations[0][name] == configurations[1][name] for name in told)
    assert restored.student.get_layer("stem").kernel is restored.peer.get_layer("stem").kernel
    for role in ("student", "peer"):
        pair = [toys.weights_of(getattr(one, role)) for one in (distiller, restored)]
        assert toys.largest_difference(*pair) == 0
    assert float(restored.peer_optimizer.learning_rate) == pytest.approx(0.1)


def make_dropping(seed):
    image = keras.Input([6], name="image")
    x = keras.layers.BatchNormalization()(image)
    x = keras.layers.Dropout(0.3, seed=seed)(x)
    return keras.Model(image, keras.layers.Dense(toys.CLASSES)(x))


def make_resumable(seed):
    distiller = make(make_dropping(seed), make_dropping(seed + 5), **MUTUAL, compiled=False)
    optimizers = [keras.optimizers.SGD(0.1, momentum=0.9) for _ in range(2)]
    distiller.compile(*optimizers, run_eagerly=True)
    return distiller


def test_what_was_saved_goes_on_to_the_bit_in_both_networks(tmp_path):
    vectors, labels = toys.make_vectors(8)

    def go_on(distiller):
        distiller.train_on_batch(vectors, labels)
        return [v.numpy() for v in training.State(distiller).variables]

    first, second = make_resumable(0), make_resumable(9)
    go_on(first)
    training.State(first).save(tmp_path / "a.npz", {})
    expected = go_on(first)
    training.State(second).load(tmp_path / "a.npz")
    found = go_on(second)
    assert all(np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
    held = {id(v) for v in training.State(first).variables}
    for network in (first.student, first.peer):
        assert {id(v) for v in network.variables} <= held
    momenta = [v for optimizer in first.list_optimizers() for v in optimizer.variables]
    assert {id(v) for v in momenta} <= held


def test_what_does_not_go_together_is_refused():
    taps = [(losses.SimilarityPreserving(taps=("tap",)), 1.0)]
    with pytest.raises(ValueError, match=r"^SimilarityPreserving compares inner layers, and is "):
        distillation.JointDistiller(
            toys.make_dense(1), toys.make_dense(2), matching=taps, both_ways=True
        )
    distiller = make_dense_pair("blocked")
    vectors, labels = toys.make_vectors(4)
    known = {"image": vectors, "teacher_logits": np.zeros([4, toys.CLASSES], np.float32)}
    with pytest.raises(ValueError, match=r"the peer changes at every step"):
        distiller.train_on_batch(known, labels)
    with pytest.raises(AttributeError):
        distiller.teacher = toys.make_dense(3)


def test_shared_convolutions_and_float16_are_refused():
    keras.config.set_dtype_policy("mixed_float16")
    with pytest.raises(ValueError, match=r"^Shared convolutions have the gradients of two losses"):
        make_sharing_pair()


def test_a_loss_on_inner_layers_goes_one_way():
    student, peer = toys.make_dense(1), toys.make_dense(2)
    loss = losses.SimilarityPreserving(taps=("tap",))
    distiller = distillation.JointDistiller(student, peer, matching=[(loss, 1.0)], both_ways=False)
    distiller.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), run_eagerly=True)
    logs = distiller.train_on_batch(*toys.make_vectors(8), return_dict=True)
    assert logs["similarity_preserving"] > 0
    assert "peer_similarity_preserving" not in logs


@pytest.mark.slow
def test_two_replicas_share_convolutions_as_one_does():
    images, labels = toys.make_images(8)
    after = []
    for replicas in ("1", "2"):
        with training.make_strategy(replicas).scope():
            distiller = make_sharing_pair(compiled=False)
            distiller.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05))
        data = toys.batches(images.astype(np.float32) / 128, labels, size=8)
        distiller.fit(data.repeat(3), verbose=0, shuffle=False)
        after.append([*toys.weights_of(distiller.student), *toys.weights_of(distiller.peer)])
    assert toys.largest_difference(*after) < 1e-4
