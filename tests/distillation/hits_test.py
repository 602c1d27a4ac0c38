import numpy as np
import pytest
import tensorflow as tf

from kd_keras.distillation.hits import hits


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_it_is_one_where_the_largest_logit_is_the_class(dtype):
    logits = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    classes = np.arange(20) % 3
    found = hits(tf.constant(classes, dtype), logits)
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, (logits.argmax(axis=1) == classes).astype(np.float32))
    assert 0 < np.mean(found) < 1
