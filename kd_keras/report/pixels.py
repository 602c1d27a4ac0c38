"""Images as PNG files, pixel by pixel, and files as parts of a page."""

import base64
import io

import numpy as np
from matplotlib import image as matplotlib_image

__all__ = ["data_uri", "encode_png"]


def encode_png(pixels):
    """Encode an image without loss and without scaling.

    Args:
        pixels: uint8, shape (height, width, 1 or 3).

    Returns:
        The PNG file, bytes.

    Example:
        >>> encode_png(np.zeros([2, 2, 1], np.uint8))[1:4]
        b'PNG'
    """
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    buffer = io.BytesIO()
    matplotlib_image.imsave(buffer, np.ascontiguousarray(pixels), format="png", metadata=_PLAIN)
    return buffer.getvalue()


_PLAIN = {"Software": None}


def data_uri(png):
    """A PNG file as an address that carries it.

    Example:
        >>> data_uri(b"PNG")
        'data:image/png;base64,UE5H'
    """
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
