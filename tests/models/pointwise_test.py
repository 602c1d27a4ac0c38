import numpy as np
import pytest
import tensorflow as tf

from kd_keras.models import pointwise


def _gradients(function, image, kernel):
    with tf.GradientTape() as tape:
        tape.watch([image, kernel])
        outputs = function(image, kernel)
        weights = tf.random.stateless_normal(tf.shape(outputs), [1, 2])
        loss = tf.reduce_sum(outputs * weights)
    return [outputs, *tape.gradient(loss, [image, kernel])]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("height", "width", "stride"), [(4, 6, 2), (6, 3, 3), (5, 5, 1)])
def test_the_convolution_and_its_gradients(height, width, stride, padding):
    image = tf.random.stateless_normal([8, height, width, 3], [0, stride])
    kernel = tf.random.stateless_normal([1, 1, 3, 5], [1, stride])
    form = {"stride": stride, "padding": padding}
    assert pointwise.gains(image, kernel, **form)
    found = _gradients(lambda *pair: pointwise.convolve(*pair, **form), image, kernel)
    expected = _gradients(lambda *pair: tf.nn.conv2d(*pair, stride, padding.upper()), image, kernel)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride"),
    [
        ((8, 4, 4, 3), 3, 2),
        ((8, 5, 4, 3), 1, 2),  # an odd image begins elsewhere under each padding
        ((6, 4, 4, 3), 1, 2),  # not a multiple of four images
        ((8, 4, 4, 6), 1, 2),  # convolved in groups
        ((None, 4, 4, 3), 1, 2),
    ],
)
def test_other_convolutions_are_left_alone(shape, kernel_size, stride):
    kernel = tf.zeros([kernel_size, kernel_size, 3, 4])
    specification = tf.TensorSpec(shape)
    assert not pointwise.gains(specification, kernel, stride=stride, padding="same")
