import base64
import io

import numpy as np
import pytest
from matplotlib import image as matplotlib_image

from kd_keras.report import pixels


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_has_the_pixels_unchanged(channels):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype(np.uint8)
    read = matplotlib_image.imread(io.BytesIO(pixels.encode_png(image)), format="png")
    expected = np.broadcast_to(image, (5, 7, 3))
    np.testing.assert_array_equal(np.round(255 * read[..., :3]), expected)


def test_an_address_carries_its_file():
    head, data = pixels.data_uri(b"\x89PNG").split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == b"\x89PNG"
