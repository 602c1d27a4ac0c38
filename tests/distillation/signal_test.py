import numpy as np
import tensorflow as tf

from kd_keras import data, distillation
from tests.distillation import toys


def test_clean_logits_are_those_of_the_plain_image_whatever_the_view():
    splits = data.load("synthetic")
    teacher = toys.make_classifier(seed=1, shape=splits.image_shape, classes=splits.num_classes)
    plain = data.evaluation_batches(splits.train, batch_size=50)
    signal = distillation.CleanSignal(teacher, plain)
    batches = data.training_batches(
        splits.train,
        batch_size=32,
        augmentation=data.Augmentation.resolve(splits, crop_padding=2, flip="yes"),
        seed=0,
        extras=lambda indices, epoch: {"index": indices, **signal(indices, epoch)},
    )
    changed = 0
    for features, labels in batches.take(12):
        index = features["index"].numpy()
        expected = teacher(splits.train.images_at(index), training=False)
        np.testing.assert_allclose(features["teacher_logits"], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(labels, splits.train.labels[index])
        of_view = teacher(tf.cast(features["image"], tf.float32), training=False)
        changed += float(tf.reduce_max(tf.abs(of_view - expected))) > 1e-2
    assert changed == 12
