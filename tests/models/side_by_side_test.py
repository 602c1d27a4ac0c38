import numpy as np
import pytest
import tensorflow as tf

from kd_keras.models import side_by_side


def _gradients(function, image, kernel):
    with tf.GradientTape() as tape:
        tape.watch([image, kernel])
        outputs = function(image, kernel)
        weights = tf.random.stateless_normal(tf.shape(outputs), [1, 2])
        loss = tf.reduce_sum(outputs * weights)
    return [outputs, *tape.gradient(loss, [image, kernel])]


@pytest.mark.parametrize("batch", [16, 32])
@pytest.mark.parametrize(
    ("height", "width", "kernel_size", "stride", "padding"),
    [
        (8, 8, 3, 1, "same"),
        (8, 8, 5, 1, "same"),
        (5, 8, 3, 1, "valid"),
        (10, 10, 3, 2, "valid"),
        (9, 9, 3, 2, "valid"),
        (16, 16, 3, 2, "same"),
        (7, 6, 2, 1, "same"),
        (12, 12, 3, 3, "same"),
        (10, 10, 5, 2, "valid"),
    ],
)
def test_the_convolution_and_its_gradients(batch, height, width, kernel_size, stride, padding):
    image = tf.random.stateless_normal([batch, height, width, 3], [0, batch])
    kernel = tf.random.stateless_normal([kernel_size, kernel_size, 3, 4], [1, batch])
    form = {"stride": stride, "padding": padding}
    assert side_by_side.gains(image, kernel, **form)
    found = _gradients(lambda *pair: side_by_side.convolve(*pair, **form), image, kernel)
    expected = _gradients(lambda *pair: tf.nn.conv2d(*pair, stride, padding.upper()), image, kernel)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride", "padding"),
    [
        ((16, 16, 16, 3), 3, 1, "same"),  # wide enough as it is
        ((16, 20, 20, 3), 3, 2, "valid"),
        ((20, 8, 8, 3), 3, 1, "same"),  # not a multiple of 16 images
        ((16, 9, 9, 3), 3, 2, "same"),  # an odd image is padded otherwise on each side
        ((16, 8, 8, 6), 3, 1, "same"),  # convolved in groups
        ((16, 8, 8, 3), 1, 1, "same"),
        ((None, 8, 8, 3), 3, 1, "same"),
    ],
)
def test_where_nothing_is_gained(shape, kernel_size, stride, padding):
    kernel = tf.zeros([kernel_size, kernel_size, 3, 4])
    specification = tf.TensorSpec(shape)
    assert not side_by_side.gains(specification, kernel, stride=stride, padding=padding)
