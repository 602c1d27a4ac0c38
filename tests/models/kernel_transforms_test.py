import keras
import numpy as np

from kd_keras import models
from kd_keras.models import kernel_transforms


def double(layer):
    return type(f"Double{layer.__name__}", (layer,), {"transform": lambda self, kernel: 2 * kernel})


def network():
    image = keras.Input((5, 5, 2))
    x = double(kernel_transforms.TransformedConv2D)(3, 2, name="convolution")(image)
    x = double(kernel_transforms.TransformedDepthwiseConv2D)(
        2, depth_multiplier=2, activation="relu", bias_initializer="ones", name="depthwise"
    )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = double(kernel_transforms.TransformedDense)(4, use_bias=False, name="dense")(x)
    return keras.Model(image, x)


def images():
    return np.random.default_rng(0).normal(size=(3, 5, 5, 2)).astype(np.float32)


def test_a_plain_network_computes_the_same_with_layers_of_keras():
    model = network()
    plain = models.to_plain(model)
    assert [type(layer).__name__ for layer in plain.layers[1:]] == [
        *("Conv2D", "DepthwiseConv2D", "GlobalAveragePooling2D", "Dense")
    ]
    np.testing.assert_allclose(plain(images()), model(images()), rtol=1e-5)
    for name in ("convolution", "depthwise", "dense"):
        np.testing.assert_array_equal(
            plain.get_layer(name).kernel, 2 * model.get_layer(name).kernel.numpy()
        )


def test_the_plain_network_has_weights_of_its_own():
    model = network()
    plain = models.to_plain(model)
    assert not {id(v) for v in plain.weights} & {id(v) for v in model.weights}


def test_a_model_inside_becomes_plain_too():
    image = keras.Input((5, 5, 2))
    model = keras.Model(image, network()(image))
    plain = models.to_plain(model)
    assert type(plain.layers[1].get_layer("dense")) is keras.layers.Dense
    np.testing.assert_allclose(plain(images()), model(images()), rtol=1e-5)


def test_a_network_of_keras_stays_itself():
    plain = models.to_plain(network())
    assert models.to_plain(plain) is plain


def test_a_twin_has_the_weights_in_a_layer_of_another_class():
    layer = keras.layers.Conv2D(3, 2, name="convolution")
    layer.build((None, 5, 5, 2))
    twin = kernel_transforms.twin_of(layer, double(kernel_transforms.TransformedConv2D))
    assert twin.name == "convolution"
    np.testing.assert_array_equal(twin.kernel, layer.kernel.numpy())


def test_what_is_only_in_training_is_left_out_where_it_is_called_by_keyword():
    class Noise(keras.layers.Layer):
        only_in_training = True

        def call(self, inputs):
            return inputs + 1.0

    image = keras.Input((2,))
    plain = kernel_transforms.to_plain(keras.Model(image, Noise()(inputs=image) * 2.0))
    np.testing.assert_array_equal(plain(np.ones((1, 2))), [[2.0, 2.0]])
