"""A strided convolution of 1x1 whose gradients look only at the pixels that it takes.

It is what the shortcut of a residual network is where the image becomes smaller. oneDNN walks
over the whole image for both gradients.
"""

import tensorflow as tf

__all__ = ["convolve", "gains"]

_PARTS = 4  # the batch's share of the filter gradient that is one product of matrices


def gains(image, kernel, *, stride, padding):
    """Whether it is such a convolution, of images of a known size.

    Args:
        image: Shape (batch, height, width, channels).
        kernel: Shape (height, width, channels, filters).
        stride: Step in pixels, both ways.
        padding: `"same"` or `"valid"`; they are the same here.
    """
    del padding
    if None in image.shape or tuple(kernel.shape[:2]) != (1, 1):
        return False
    batch, height, width, channels = image.shape
    in_steps = height % stride == 0 and width % stride == 0
    return in_steps and batch % _PARTS == 0 and kernel.shape[2] == channels


def convolve(image, kernel, *, stride, padding):
    """`tf.nn.conv2d` with a kernel of 1x1, with the same gradients up to rounding.

    Args:
        image: Shape (batch, height, width, channels).
        kernel: Shape (1, 1, channels, filters), of the image's dtype.
        stride: Step in pixels, both ways.
        padding: `"same"` or `"valid"`.

    Returns:
        Shape (batch, height / stride, width / stride, filters).

    Example:
        >>> image, kernel = tf.ones([4, 8, 8, 1]), tf.ones([1, 1, 1, 3])
        >>> convolve(image, kernel, stride=2, padding="valid").shape.as_list()
        [4, 4, 4, 3]
    """

    @tf.custom_gradient
    def apply(image, kernel):
        def backward(upstream):
            taken_gradient = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=[*upstream.shape[:3], image.shape[3]],
                filter=kernel,
                out_backprop=upstream,
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
            image_gradient = _put(taken_gradient, stride)
            return image_gradient, _filter_gradient(_take(image, stride), upstream, kernel)

        return tf.nn.conv2d(image, kernel, stride, padding.upper()), backward

    return apply(image, kernel)


def _filter_gradient(taken, upstream, kernel):
    """The pixels' products with the outputs' gradients, summed in float32."""
    pixels = tf.reshape(taken, [_PARTS, -1, taken.shape[3]])
    products = tf.matmul(pixels, tf.reshape(upstream, [_PARTS, -1, upstream.shape[3]]), True)
    summed = tf.reduce_sum(tf.cast(products, tf.float32), axis=0)
    return tf.cast(summed[None, None], kernel.dtype)


# A step in both directions is a cut of the first of several rows and of several pixels laid one
# after another: one copy of long pieces, where a strided slice is one of single numbers.
def _take(image, stride):
    batch, height, width, channels = image.shape
    rows = tf.reshape(image, [-1, stride, width // stride, stride * channels])
    return tf.reshape(
        rows[:, 0, :, :channels], [batch, height // stride, width // stride, channels]
    )


def _put(taken, stride):
    batch, height, width, channels = taken.shape
    rows = tf.reshape(taken, [-1, 1, width, channels])
    spread = tf.pad(rows, [[0, 0], [0, stride - 1], [0, 0], [0, (stride - 1) * channels]])
    return tf.reshape(spread, [batch, height * stride, width * stride, channels])
