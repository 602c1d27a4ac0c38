import keras
import numpy as np
import pytest

from kd_keras.export import folding_plan


def assign(layer, *, gamma, beta, mean, variance):
    layer.gamma.assign(gamma)
    layer.beta.assign(beta)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)


def normalization(name):
    return keras.layers.BatchNormalization(epsilon=0.0, name=name)


NUMBERS = {"gamma": [2.0, -3.0], "beta": [1.0, 0.5], "mean": [4.0, 5.0], "variance": [4.0, 9.0]}
SLOPE = np.array([1.0, -1.0])  # gamma / sqrt(variance)
SHIFT = np.array([1.0 - 4.0, 0.5 + 5.0])  # beta - slope * mean


def test_the_kernel_before_takes_slope_and_shift():
    image = keras.Input((4, 4, 3))
    convolution, after = keras.layers.Conv2D(2, 3), normalization("after")
    model = keras.Model(image, keras.layers.Flatten()(after(convolution(image))))
    assign(after, **NUMBERS)
    plan = folding_plan.make_plan(model)
    assert plan.affine == {id(after): (None, None, None)}
    factors = plan.kernels[id(convolution)]
    np.testing.assert_allclose(factors.output, SLOPE)
    np.testing.assert_allclose(factors.offset, SHIFT)
    np.testing.assert_array_equal(factors.input, np.ones(3))


@pytest.fixture
def shortcut():
    """Convolution, normalised for its reader, and read as it is by something that is no sum."""
    image = keras.Input((4, 4, 3))
    layers = {
        "stem": keras.layers.Conv2D(2, 3, padding="same"),
        "first": normalization("first"),
        "branch": keras.layers.Conv2D(2, 3, padding="same"),
        "last": normalization("last"),
        "logits": keras.layers.Dense(5),
    }
    x = layers["stem"](image)
    y = layers["branch"](keras.layers.ReLU()(layers["first"](x)))
    y = keras.layers.ReLU()(layers["last"](keras.layers.Add()([x, y])))
    y = layers["logits"](keras.layers.GlobalAveragePooling2D()(y))
    return keras.Model(image, y), layers


def test_each_sum_is_shifted_as_its_normalization_needs(shortcut):
    model, layers = shortcut
    slope = {"first": np.array([1.0, 0.5]), "last": np.array([2.0, 4.0])}
    shift = {"first": np.array([3.0, -1.0]), "last": np.array([0.5, 6.0])}
    for name in slope:
        assign(
            layers[name], gamma=slope[name], beta=shift[name], mean=[0.0] * 2, variance=[1.0] * 2
        )
    plan = folding_plan.make_plan(model)
    kernels = {name: plan.kernels[id(layers[name])] for name in ("stem", "branch", "logits")}
    first, last = (shift[name] / slope[name] for name in ("first", "last"))
    np.testing.assert_allclose(kernels["stem"].offset, first)
    # The sum has the stem's shift already.
    np.testing.assert_allclose(kernels["branch"].offset, last - first)
    np.testing.assert_allclose(kernels["branch"].input, slope["first"])
    np.testing.assert_allclose(kernels["logits"].input, slope["last"])
    assert set(plan.affine.values()) == {(None, None, None)}


def test_a_channel_that_is_negative_throughout_is_flipped_at_its_sources(shortcut):
    model, layers = shortcut
    for name in ("first", "last"):
        assign(layers[name], gamma=[2.0, -2.0], beta=[0.0] * 2, mean=[0.0] * 2, variance=[1.0] * 2)
    plan = folding_plan.make_plan(model)
    for name in ("stem", "branch"):
        np.testing.assert_array_equal(plan.kernels[id(layers[name])].output, [1.0, -1.0])
    np.testing.assert_array_equal(plan.kernels[id(layers["logits"])].input, [2.0, 2.0])


def test_a_far_shift_is_not_moved(shortcut):
    model, layers = shortcut
    near = {"beta": [0.0] * 2, "mean": [0.0] * 2, "variance": [1.0] * 2, "gamma": [1.0, 1.0]}
    assign(layers["first"], **near)
    assign(layers["last"], **{**near, "gamma": [1.0, 0.01], "beta": [0.0, 1.0]})
    plan = folding_plan.make_plan(model)
    _, slope, shift = plan.affine[id(layers["last"])]
    np.testing.assert_allclose(slope, [1.0, 0.01], rtol=1e-6)
    np.testing.assert_allclose(shift, [0.0, 1.0])
    assert plan.affine[id(layers["first"])] == (None, None, None)


def test_the_division_of_the_standardization_goes_into_the_kernel():
    image = keras.Input((4, 4, 2))
    standardize = keras.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 16.0])
    dense = keras.layers.Dense(5)
    x = keras.layers.GlobalAveragePooling2D()(standardize(image))
    plan = folding_plan.make_plan(keras.Model(image, dense(x)))
    before, scale, after = plan.affine[id(standardize)]
    np.testing.assert_array_equal(before, [-1.0, -2.0])
    assert (scale, after) == (None, None)
    np.testing.assert_allclose(plan.kernels[id(dense)].input, [0.5, 0.25])


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], invert=True),
        keras.layers.Normalization(
            axis=(1, 2, 3), mean=np.zeros((4, 4, 2)), variance=np.ones((4, 4, 2))
        ),
    ],
    ids=["inverted", "per pixel"],
)
def test_a_standardization_that_is_not_per_channel_is_no_part_of_the_plan(layer):
    image = keras.Input((4, 4, 2))
    model = keras.Model(image, keras.layers.Conv2D(2, 3)(layer(image)))
    assert folding_plan.make_plan(model) == folding_plan.Plan()
