"""Every network in every format: it is written, it loads, and it gives the same logits."""

import keras
import numpy as np
import pytest

from kd_keras import export, models

PAIRS = [(network, name) for network in models.names() for name in export.names()]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize(("network", "name"), PAIRS)
def test_file_gives_the_logits_of_the_network(network, name, policy, tmp_path):
    keras.config.set_dtype_policy(policy)
    model = models.get(
        network,
        image_shape=(8, 8, 3),
        num_classes=5,
        mean=[120.0, 118.0, 110.0],
        standard_deviation=[60.0, 61.0, 62.0],
    )
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    path = export.write(model, tmp_path, formats=[name])[name]
    reference = models.to_float32(model)(images.astype(np.float32))
    predictor = export.load_predictor(path)
    assert (predictor.input_shape, predictor.num_classes) == ((8, 8, 3), 5)
    np.testing.assert_allclose(predictor.predict(images), reference, atol=1e-4)


def test_there_is_something_to_test():
    assert PAIRS
