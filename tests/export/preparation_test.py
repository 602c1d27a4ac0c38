import keras
import numpy as np
import pytest

from kd_keras.export import preparation


def test_prepare_gives_float32_logits(make_network, images):
    model = make_network(policy="mixed_bfloat16", activation="softmax")
    prepared = preparation.prepare(model)
    logits = prepared(images.astype(np.float32)).numpy()
    assert {layer.compute_dtype for layer in prepared.layers} == {"float32"}
    assert np.abs(logits.sum(axis=1) - 1).max() > 0.1


def test_prepare_takes_a_model_whose_input_is_a_dictionary(network, images):
    inner = network(network.inputs[0])
    model = keras.Model({"image": network.inputs[0]}, inner)
    np.testing.assert_array_equal(
        preparation.prepare(model)(images.astype(np.float32)), network(images.astype(np.float32))
    )


def test_prepare_leaves_the_preprocessing_out(network, images, standardized):
    prepared = preparation.prepare(network, include_preprocessing=False)
    np.testing.assert_allclose(
        prepared(standardized), network(images.astype(np.float32)), rtol=1e-4, atol=1e-5
    )


def test_prepare_refuses_to_leave_out_what_is_not_there(make_network):
    with pytest.raises(ValueError, match=r"network has no preprocessing\. .* standardization"):
        preparation.prepare(make_network(preprocessing=False), include_preprocessing=False)


def test_prepare_refuses_what_is_no_classifier_of_images():
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, keras.layers.Conv2D(4, 1)(image))
    with pytest.raises(ValueError, match=r"to \(batch, classes\)\. .* to \(None, 8, 8, 4\)\."):
        preparation.prepare(model)


def test_prepare_refuses_names_that_do_not_fit(network):
    with pytest.raises(ValueError, match=r"Received: model 5, class names 2\."):
        preparation.prepare(network, class_names=("ant", "bee"))
    with pytest.raises(TypeError, match=r"Invalid class name\. Expected a string\. Received: 3\."):
        preparation.prepare(network, class_names=("a", "b", "c", "d", 3))
    with pytest.raises(ValueError, match=r"Expected one line\. Received: 'a\\nb'\."):
        preparation.prepare(network, class_names=("a\nb", "b", "c", "d", "e"))
