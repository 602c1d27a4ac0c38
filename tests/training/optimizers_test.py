import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import training

SHAPES = {"kernel": (3, 2), "bias": (2,)}
STEPS = 6
DECAY = 0.1


def draw(seed):
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=shape) for name, shape in SHAPES.items()}


GRADIENTS = [draw(seed) for seed in range(1, STEPS + 1)]


def pytorch_sgd(weight, gradients, rates, *, momentum, nesterov, decay):
    """PyTorch's SGD: the buffer gathers gradients, the learning rate is applied at the end."""
    buffer = None
    for gradient, rate in zip(gradients, rates, strict=True):
        gradient = gradient + decay * weight
        if momentum:
            buffer = gradient if buffer is None else momentum * buffer + gradient
            gradient = gradient + momentum * buffer if nesterov else buffer
        weight = weight - rate * gradient
    return weight


def keras_sgd(weight, gradients, rates, *, momentum, nesterov, decay):
    """The same with a velocity that holds the learning rate."""
    velocity = np.zeros_like(weight)
    for gradient, rate in zip(gradients, rates, strict=True):
        gradient = gradient + decay * weight
        velocity = momentum * velocity - rate * gradient
        weight = weight + (momentum * velocity - rate * gradient if nesterov else velocity)
    return weight


def expected(formula, rates, **arguments):
    arguments = {"momentum": 0.9, "nesterov": False, "decay": DECAY, **arguments}
    return {
        name: formula(weight, [step[name] for step in GRADIENTS], rates, **arguments)
        for name, weight in draw(0).items()
    }


def run(optimizer):
    variables = {name: keras.Variable(w, dtype="float32") for name, w in draw(0).items()}
    for step in GRADIENTS:
        gradients = [tf.constant(step[name], tf.float32) for name in variables]
        optimizer.apply(gradients, list(variables.values()))
    return {name: variable.numpy() for name, variable in variables.items()}


def close(first, second, tolerance=1e-5):
    return all(np.allclose(first[name], second[name], atol=tolerance) for name in SHAPES)


@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_at_a_constant_rate_it_is_pytorchs(momentum, nesterov, decay):
    optimizer = training.CoupledSGD(
        0.2, coupled_weight_decay=decay, momentum=momentum, nesterov=nesterov
    )
    wanted = expected(pytorch_sgd, [0.2] * STEPS, momentum=momentum, nesterov=nesterov, decay=decay)
    assert close(run(optimizer), wanted)


def dropping_schedule():
    return training.EpochSchedule(0.2, epochs=STEPS, steps_per_epoch=1, drops=(3,))


RATES = [0.2] * 2 + [0.02] * 4


@pytest.mark.parametrize("nesterov", [False, True])
def test_after_a_drop_the_velocity_keeps_the_older_rate(nesterov):
    optimizer = training.CoupledSGD(
        dropping_schedule(), coupled_weight_decay=DECAY, momentum=0.9, nesterov=nesterov
    )
    result = run(optimizer)
    assert close(result, expected(keras_sgd, RATES, nesterov=nesterov))
    assert not close(result, expected(pytorch_sgd, RATES, nesterov=nesterov), 1e-2)


def test_without_momentum_a_drop_is_pytorchs_too():
    optimizer = training.CoupledSGD(dropping_schedule(), coupled_weight_decay=DECAY)
    assert close(run(optimizer), expected(pytorch_sgd, RATES, momentum=0.0))


def test_keras_own_weight_decay_is_another_method():
    wanted = expected(pytorch_sgd, [0.2] * STEPS)
    assert not close(run(keras.optimizers.SGD(0.2, momentum=0.9, weight_decay=DECAY)), wanted, 1e-2)


def test_the_decay_reaches_every_variable():
    optimizer = training.CoupledSGD(0.5, coupled_weight_decay=0.5)
    variables = [keras.Variable(np.full(shape, 2.0)) for shape in [(), (3,), (2, 3), (1, 1, 2, 2)]]
    optimizer.apply([tf.zeros(v.shape) for v in variables], variables)
    for variable in variables:
        np.testing.assert_allclose(variable.numpy(), np.full(variable.shape, 1.5))


def test_on_two_replicas_the_gradient_is_summed_and_the_decay_counted_once(monkeypatch):
    processors = tf.config.list_physical_devices("CPU")
    devices = {"CPU": processors, "GPU": []}
    monkeypatch.setattr(tf.config, "list_physical_devices", devices.__getitem__)
    strategy = training.make_strategy("2")
    with strategy.scope():
        variable = keras.Variable([2.0])
        optimizer = training.CoupledSGD(0.5, coupled_weight_decay=0.5, momentum=0.9)
        optimizer.build([variable])

    @tf.function
    def step():
        strategy.run(lambda: optimizer.apply([tf.constant([1.0])], [variable]))

    step()
    assert variable.numpy().tolist() == [2.0 - 0.5 * (1.0 + 1.0 + 0.5 * 2.0)]


def make():
    return training.CoupledSGD(
        dropping_schedule(),
        coupled_weight_decay=DECAY,
        momentum=0.9,
        nesterov=True,
        use_ema=True,
        ema_momentum=0.8,
        name="optimizer",
    )


def test_it_comes_back_from_its_configuration():
    again = keras.optimizers.deserialize(keras.optimizers.serialize(make()))
    assert isinstance(again, training.CoupledSGD)
    assert again.get_config() == make().get_config()
    assert again.get_config()["coupled_weight_decay"] == DECAY
    assert close(run(again), run(make()), 0.0)


def test_a_negative_decay_is_refused():
    with pytest.raises(ValueError, match="coupled_weight_decay") as caught:
        training.CoupledSGD(0.1, coupled_weight_decay=-0.1)
    assert str(caught.value) == (
        "Invalid value for coupled_weight_decay. Expected 0 or more. Received: -0.1."
    )
