"""A convolution whose filter gradient is computed with several images laid side by side.

Intel's matrix units (AMX) multiply 32 bfloat16 pixels of a row at a time. oneDNN gives them one
row of one image, so that on rows of 8 pixels, where a residual network for small images has most
of its weights, three quarters of the work is on padding. Rows of 16 images are wide enough.
"""

import math

import tensorflow as tf

__all__ = ["convolve", "gains"]

_IMAGES = 16
_NARROW = 8  # pixels in a row of the output; from 16 on nothing is gained


def gains(image, kernel, *, stride, padding):
    """Whether the images are narrow, and can be laid side by side.

    Args:
        image: Shape (batch, height, width, channels).
        kernel: Shape (height, width, channels, filters).
        stride: Step in pixels, both ways.
        padding: `"same"` or `"valid"`.
    """
    batch, _, width, channels = image.shape
    if None in image.shape or kernel.shape[1] == 1 or kernel.shape[2] != channels:
        return False
    if padding == "same":
        return batch % _IMAGES == 0 and width % stride == 0 and width // stride <= _NARROW
    return batch % _IMAGES == 0 and (width - kernel.shape[1]) // stride < _NARROW


def convolve(image, kernel, *, stride, padding):
    """`tf.nn.conv2d` of narrow images, with the same gradients up to rounding.

    Args:
        image: Shape (batch, height, width, channels).
        kernel: Shape (height, width, channels, filters), of the image's dtype.
        stride: Step in pixels, both ways.
        padding: `"same"` or `"valid"`.

    Returns:
        Shape (batch, height, width, filters).

    Example:
        >>> image, kernel = tf.ones([16, 8, 8, 1]), tf.ones([3, 3, 1, 1])
        >>> convolve(image, kernel, stride=1, padding="valid").shape.as_list()
        [16, 6, 6, 1]
    """
    options = {"strides": [1, stride, stride, 1], "padding": padding.upper()}

    @tf.custom_gradient
    def apply(image, kernel):
        def backward(upstream):
            image_gradient = tf.raw_ops.Conv2DBackpropInput(
                input_sizes=tf.shape(image), filter=kernel, out_backprop=upstream, **options
            )
            wide_image, wide_upstream = _lay_out(image, upstream, kernel.shape[1], stride, padding)
            kernel_gradient = tf.raw_ops.Conv2DBackpropFilter(
                input=wide_image,
                filter_sizes=kernel.shape,
                out_backprop=wide_upstream,
                **options,
            )
            return image_gradient, kernel_gradient

        return tf.nn.conv2d(image, kernel, **options), backward

    return apply(image, kernel)


def _lay_out(image, upstream, kernel_width, stride, padding):
    """Rows of many images, with zeros between them, and rows of their outputs' gradients.

    Where a kernel would reach over from one image to the next it meets the zeros between them
    (`same`), or an output that is not the convolution's and has gradient zero (`valid`).
    """
    width = image.shape[2]
    gap = 0 if padding == "valid" else math.ceil(max(kernel_width - stride, 0) / 2)
    pitch = math.ceil((width + gap) / stride) * stride
    wide_image = _join(image, pitch)
    wide_upstream = _join(upstream, pitch // stride)
    if padding == "valid":
        outputs = (wide_image.shape[2] - kernel_width) // stride + 1
        wide_upstream = wide_upstream[:, :, :outputs]
    return wide_image, wide_upstream


def _join(images, pitch):
    batch, height, width, channels = images.shape
    rows = batch // _IMAGES
    spaced = tf.pad(images, [[0, 0], [0, 0], [0, pitch - width], [0, 0]])
    grouped = tf.reshape(spaced, [rows, _IMAGES, height, pitch, channels])
    beside = tf.transpose(grouped, [0, 2, 1, 3, 4])
    return tf.reshape(beside, [rows, height, _IMAGES * pitch, channels])
