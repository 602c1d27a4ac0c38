import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import data, distillation, losses, models
from tests.distillation import toys

SPLITS = data.load("synthetic")
AUGMENTATION = data.Augmentation.resolve(SPLITS, crop_padding=2, flip="yes")
BATCH_SIZE, EPOCHS = 64, 3
STEPS = data.steps_per_epoch(SPLITS.train, BATCH_SIZE)


def make_network(seed=7, dropout=0.0):
    """Small, and with everything that behaves differently in training."""
    initializers = [keras.initializers.GlorotUniform(seed + i) for i in range(2)]
    image = keras.Input(SPLITS.image_shape)
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(6, 3, strides=2, kernel_initializer=initializers[0])(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    x = keras.layers.Flatten()(x)
    logits = keras.layers.Dense(SPLITS.num_classes, kernel_initializer=initializers[1])(x)
    return keras.Model(image, logits, name="small")


def connect(source, directory, teacher=None, **arguments):
    settings = {"augmentation": AUGMENTATION, "view_seed": 5, "batch_size": 50}
    return distillation.make_signal(
        source,
        teacher or make_network(),
        SPLITS.train,
        views=2,
        directory=directory,
        **(settings if source != "live" else {}),
        **arguments,
    )


def make_batches(signal, *, seed=0):
    """Two views, which return in the third epoch."""
    return data.training_batches(
        SPLITS.train,
        batch_size=BATCH_SIZE,
        augmentation=AUGMENTATION,
        seed=seed,
        views=2,
        view_seed=5,
        extras=signal.extras,
    )


@keras.saving.register_keras_serializable(package="tests")
class Seen(losses.DistillationLoss):
    """The squared distance of the logits; it keeps the teacher's, as the step sees them."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def per_example(self, teacher, student, labels=None):
        tf.numpy_function(lambda logits: self.seen.append(logits.copy()), [teacher], [])
        return tf.reduce_sum(tf.square(teacher - student), axis=-1)


def train(signal, *, seed=0):
    """Train for some epochs; return the teacher's logits of every step, and the weights."""
    loss, student = Seen(), make_network(3)
    distiller = distillation.Distiller(student, signal.teacher, matching=[(loss, 0.1)])
    distiller.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    batches = make_batches(signal, seed=seed)
    distiller.fit(batches, epochs=EPOCHS, steps_per_epoch=STEPS, verbose=0, shuffle=False)
    return np.stack(loss.seen), student.get_weights()


@pytest.fixture(scope="module")
def heard_live():
    """What `train` returns with the live teacher."""
    return train(connect("live", None))


def test_cached_views_are_what_a_live_teacher_says_of_them(tmp_path, heard_live):
    """Over several epochs with crops and flips, to the rounding of float16."""
    live, live_weights = heard_live
    views, weights = train(connect("views", tmp_path))
    assert live.shape == views.shape == (EPOCHS * STEPS, BATCH_SIZE, SPLITS.num_classes)
    # Half a unit in the last of 11 digits, and what another batch makes of the same sums.
    np.testing.assert_allclose(views, live, rtol=2.0**-11, atol=1e-4)
    assert not np.array_equal(views, live)
    for cached, asked in zip(weights, live_weights, strict=True):
        np.testing.assert_allclose(cached, asked, rtol=1e-3, atol=1e-4)


def test_cached_views_in_float32_are_what_a_live_teacher_says(tmp_path, heard_live):
    views, weights = train(connect("views", tmp_path, storage="float32"))
    np.testing.assert_allclose(views, heard_live[0], rtol=1e-5, atol=1e-5)
    for cached, asked in zip(weights, heard_live[1], strict=True):
        np.testing.assert_allclose(cached, asked, rtol=1e-4, atol=1e-5)


def test_runs_of_other_seeds_share_the_views(tmp_path, capsys):
    connect("views", tmp_path)
    capsys.readouterr()
    signal = connect("views", tmp_path, seed=9)
    assert capsys.readouterr().out.startswith("  teacher cache: 2 views found")
    live, _ = train(connect("live", tmp_path), seed=9)
    views, _ = train(signal, seed=9)
    np.testing.assert_allclose(views, live, rtol=2.0**-11, atol=1e-4)


def test_clean_logits_are_those_of_the_plain_image_whatever_the_view(tmp_path):
    teacher = make_network()
    signal = connect("clean", tmp_path, teacher)
    batches = data.training_batches(
        SPLITS.train,
        batch_size=32,
        augmentation=AUGMENTATION,
        seed=0,
        extras=lambda indices, *when: {"index": indices, **signal.extras(indices, *when)},
    )
    changed = 0
    for features, labels in batches.take(12):
        index = features["index"].numpy()
        expected = teacher(SPLITS.train.images_at(index), training=False)
        np.testing.assert_allclose(features["teacher_logits"], expected, rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(labels, SPLITS.train.labels[index])
        of_view = teacher(tf.cast(features["image"], tf.float32), training=False)
        changed += float(tf.reduce_max(tf.abs(of_view - expected))) > 1e-2
    assert changed == 12


def test_the_teacher_itself_is_not_needed_where_its_logits_are_stored(tmp_path):
    signal = connect("views", tmp_path)
    views, _ = train(distillation.Signal(signal.extras, None))
    assert len(views) == EPOCHS * STEPS


def test_live_dropout_draws_in_every_step_and_its_state_is_shown(tmp_path, heard_live):
    teacher = make_network(dropout=0.3)
    signal = connect("live", tmp_path, teacher, dropout=True, seed=3)
    assert signal.extras is None
    distiller = distillation.Distiller(make_network(3), signal.teacher)
    [state] = distiller.random_state_variables
    assert id(state) not in {id(variable) for variable in distiller.variables}
    before = state.numpy()
    logits, _ = train(signal)
    assert (state.numpy() - before).tolist() == [0, EPOCHS * STEPS]
    assert not np.allclose(logits, heard_live[0], atol=1e-2)
    again, _ = train(connect("live", tmp_path, teacher, dropout=True, seed=3))
    np.testing.assert_allclose(again, logits, rtol=1e-4, atol=1e-4)


def test_without_active_dropout_there_is_no_random_state():
    distiller = toys.make_distiller(teacher=toys.make_dense(2, name="teacher"), compiled=False)
    assert distiller.random_state_variables == []
    alone = distillation.Distiller(toys.make_dense(1))
    assert alone.random_state_variables == []


def test_stored_dropout_differs_from_the_calm_teacher_by_its_masks(tmp_path, heard_live):
    teacher = make_network(dropout=0.3)
    signal = connect("views", tmp_path, teacher, dropout=True, samples=2)
    views, _ = train(signal)
    assert not np.allclose(views, heard_live[0], atol=1e-2)
    # When a view comes again it has the other sample.
    first, again = (
        signal.extras(*(tf.constant(value, tf.int64) for value in (range(200), epoch, 0)))
        for epoch in (0, 2)
    )
    assert not np.allclose(first["teacher_logits"], again["teacher_logits"], atol=1e-2)


def test_several_teachers_are_heard_as_their_mean(tmp_path, heard_live):
    teachers = [make_network(), make_network(1)]
    views, _ = train(connect("views", tmp_path, models.mean_of(teachers)))
    other, _ = train(connect("live", tmp_path, teachers[1]))
    expected = (heard_live[0] + other) / 2
    np.testing.assert_allclose(views, expected, rtol=2.0**-10, atol=1e-3)


def test_sources_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"^Unknown source\. Expected one of clean, live, views\. Received: view\. "
        r"Did you mean views\?$",
    ):
        connect("view", tmp_path)
    with pytest.raises(
        ValueError,
        match="^"
        + re.escape(
            "Nothing is kept of this signal. Expected clean or views. Received: live. "
            "Set --teacher_signal=views."
        ),
    ):
        distillation.make_request("live", make_network(), SPLITS.train, augmentation=None)


@pytest.mark.parametrize("source", ["live", "clean", "views"])
def test_dropout_that_is_not_there_cannot_be_active(tmp_path, source):
    with pytest.raises(ValueError, match=r"^small has no dropout\."):
        connect(source, tmp_path, dropout=True)
