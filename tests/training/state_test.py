import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import distillation, losses, models, training
from tests.training import tiny


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def scramble(distiller, seed=0):
    generator = np.random.default_rng(seed)
    variables = [*distiller.student.variables, *distiller.adversary.variables]
    variables += distiller.optimizer.variables + distiller.discriminator_optimizer.variables
    variables += distiller.hyperparameters.values()
    for variable in variables:
        variable.assign(generator.integers(1, 100, variable.shape).astype(variable.dtype))


@pytest.fixture(scope="module")
def distiller():
    return tiny.make_distiller()


def test_everything_comes_back(distiller, tmp_path):
    scramble(distiller)
    before = tiny.state_of(distiller)
    dropout_states = [v for v in distiller.variables if "seed_generator" in v.path]
    assert len(dropout_states) > 1
    training.State(distiller).save(tmp_path / "a.npz", {"epoch": 3, "history": [0.1, None]})
    other = tiny.make_distiller(seed=4)
    scramble(other, seed=1)
    assert not any(np.array_equal(a, b) for a, b in zip(before, tiny.state_of(other), strict=True))
    loaded = training.State(other).load(tmp_path / "a.npz")
    assert loaded == ({"epoch": 3, "history": [0.1, None]}, [])
    assert same(before, tiny.state_of(other))
    assert {name: float(v) for name, v in other.hyperparameters.items()} == {
        name: float(v) for name, v in distiller.hyperparameters.items()
    }


def test_the_teacher_is_not_in_a_checkpoint(distiller):
    state = training.State(distiller)
    held = {id(variable) for variable in state.variables}
    assert not held & {id(variable) for variable in distiller.teacher.variables}
    # The hyperparameters are there besides, and Keras's global generator; metrics are not.
    assert len(held) == len(tiny.state_of(distiller)) + len(distiller.hyperparameters) + 1


def test_what_another_network_left_is_refused(distiller, tmp_path):
    path = tmp_path / "a.npz"
    training.State(distiller).save(path, {})
    count = len(training.State(distiller).variables)
    for other in (tiny.make_distiller(width=5), tiny.make_distiller(use_ema=True)):
        before = tiny.state_of(other)
        state = training.State(other)
        with pytest.raises(ValueError, match="another") as caught:
            state.load(path)
        assert str(caught.value) == (
            f"The checkpoint {path} is of another network or recipe. Expected "
            f"{len(state.variables)} variables of this one. Received: {count} of another. "
            "Remove the file to start over."
        )
        assert same(before, tiny.state_of(other))


def test_damage_changes_nothing(distiller, tmp_path):
    path = tmp_path / "a.npz"
    training.State(distiller).save(path, {})
    path.write_bytes(path.read_bytes()[:-1])
    before = tiny.state_of(distiller)
    with pytest.raises(ValueError, match=r"Damaged .*Remove the file to start over\.$"):
        training.State(distiller).load(path)
    assert same(before, tiny.state_of(distiller))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_enough(broken):
    distiller = tiny.make_distiller()
    state = training.State(distiller)
    assert state.is_finite
    moment = distiller.optimizer.variables[-1]
    moment.assign(tf.tensor_scatter_nd_update(moment.value, [[0] * len(moment.shape)], [broken]))
    assert not state.is_finite


def test_metrics_are_saved_on_request(distiller, tmp_path):
    state = training.State(distiller)
    distiller.reset_metrics()
    distiller.tracking.means["loss"].update_state(0.3)
    state.save(tmp_path / "a.npz", {}, with_metrics=True)
    distiller.reset_metrics()
    _, metrics = state.load(tmp_path / "a.npz")
    assert float(distiller.tracking.means["loss"].result()) == 0.0
    assert state.has_metrics(metrics)
    assert not state.has_metrics(metrics[:-1])
    state.load_metrics(metrics)
    assert float(distiller.tracking.means["loss"].result()) == np.float32(0.3)


class Noise(keras.layers.Layer):
    """Draws from a generator that Keras does not know to be the layer's, or from the global."""

    def __init__(self, generators):
        super().__init__()
        self._draw = lambda x: keras.random.dropout(x, 0.5, seed=generators[0])

    def call(self, x, training=False):
        return self._draw(x) if training else x


def make_noisy_student(*layers):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    for layer in layers:
        x = layer(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(4)(x))


def distill(student, optimizer=None):
    distiller = distillation.Distiller(student)
    # Some steps of a small network take less time than tracing it.
    distiller.compile(optimizer or keras.optimizers.SGD(0.1), run_eagerly=True)
    return distiller


def train_steps(distiller, steps):
    distiller.fit(tiny.make_batches(0), steps_per_epoch=steps, verbose=0, shuffle=False)
    return [variable.numpy() for variable in distiller.student.trainable_variables]


@pytest.mark.parametrize(
    ("make_layers", "generators"),
    [
        (lambda: [Noise([keras.random.SeedGenerator(i)]) for i in range(2)], 3),
        (lambda: [Noise([None])], 1),
        (lambda: [keras.layers.Lambda(lambda x: keras.random.dropout(x, 0.5))], 1),
        (lambda: [keras.layers.Dropout(0.5)], 1),
    ],
    ids=["in a function", "global", "lambda", "of a layer"],
)
def test_every_random_generator_goes_on(make_layers, generators, tmp_path):
    keras.utils.set_random_seed(0)
    distiller = distill(make_noisy_student(*make_layers()))
    state = training.State(distiller)
    seeds = [v for v in state.variables if not isinstance(v, keras.Variable)]
    assert len(seeds) == generators
    train_steps(distiller, 3)
    state.save(tmp_path / "a.npz", {})
    expected = train_steps(distiller, 2)
    keras.utils.set_random_seed(5)
    other = distill(make_noisy_student(*make_layers()))
    train_steps(other, 1)
    training.State(other).load(tmp_path / "a.npz")
    assert same(train_steps(other, 2), expected)


def test_finding_the_generators_leaves_no_trace():
    """Neither a loss of the symbolic run nor a drawn number."""
    keras.utils.set_random_seed(0)
    noise = Noise([None])
    noise.activity_regularizer = keras.regularizers.L2(0.1)
    distiller = distill(make_noisy_student(noise))
    states = [training.State(distiller).variables[-1].numpy() for _ in range(2)]
    assert same(*states)
    assert distiller.student.losses == []
    train_steps(distiller, 1)


def test_generators_of_a_teacher_that_draws_go_on(tmp_path):
    def make(seed):
        teacher = models.with_active_dropout(tiny.make_network(6, seed=7, dropout=0.5), seed=seed)
        distiller = distillation.Distiller(
            tiny.make_network(4, seed=seed), teacher, matching=[(losses.LogitL1(), 1.0)]
        )
        distiller.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        return distiller

    distiller = make(0)
    train_steps(distiller, 2)
    training.State(distiller).save(tmp_path / "a.npz", {})
    expected = train_steps(distiller, 2)
    other = make(1)
    training.State(other).load(tmp_path / "a.npz")
    assert same(train_steps(other, 2), expected)


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=8.0),
        lambda: keras.optimizers.SGD(0.01, momentum=0.9, gradient_accumulation_steps=3),
        lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_momentum=0.9, amsgrad=True),
    ],
    ids=["loss scale", "accumulation", "averages"],
)
def test_every_state_of_an_optimizer_goes_on(make_optimizer, tmp_path):
    def make():
        keras.utils.set_random_seed(0)
        return distill(make_noisy_student(), make_optimizer())

    class Step(keras.callbacks.Callback):
        """Saves before the fourth step and notes the weights after the last."""

        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                training.State(self.model).save(tmp_path / "a.npz", {})

        def on_train_batch_end(self, batch, logs=None):
            self.weights = [v.numpy() for v in training.State(self.model).variables]

    whole, rest = Step(), Step()
    settings = {"verbose": 0, "shuffle": False}
    make().fit(tiny.make_batches(0), steps_per_epoch=5, callbacks=[whole], **settings)
    other = make()
    training.State(other).load(tmp_path / "a.npz")
    other.fit(tiny.make_batches(0, 3), steps_per_epoch=2, callbacks=[rest], **settings)
    assert same(whole.weights, rest.weights)


def test_a_student_in_bfloat16(tmp_path):
    keras.config.set_dtype_policy("bfloat16")
    distiller = distill(make_noisy_student())
    state = training.State(distiller)
    state.save(tmp_path / "a.npz", {})
    before = [variable.numpy() for variable in state.variables]
    train_steps(distiller, 1)
    state.load(tmp_path / "a.npz")
    assert str(before[0].dtype) == "bfloat16"
    assert same(before, [variable.numpy() for variable in state.variables])
    assert state.is_finite
