import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import SelectedNeurons
from tests.losses import numeric


def _rates(features, labels, classes):
    active = features > features.mean(axis=0)
    rates = np.full([classes, features.shape[1]], np.nan)
    for label in set(labels.tolist()):
        own = labels == label
        rates[label] = (active[own].mean(axis=0) + (~active[~own]).mean(axis=0)) / 2
    return rates


def _selection(rates, count, redundancy):
    """The best neurons by value; `rates` by class and neuron."""
    telling = np.abs(2 * rates - 1).max(axis=0)
    squared = ((rates[:, :, None] - rates[:, None, :]) ** 2).sum(axis=0)
    alike = (np.exp(-squared / 2).sum(axis=1) - 1) / (rates.shape[1] - 1)
    return np.argsort(-(telling - redundancy * alike), kind="stable")[:count]


def test_value_and_gradient_follow_the_formula():
    redundancy = 20.0  # enough to change the selection
    loss = SelectedNeurons(taps=("a",), fraction=0.5, redundancy=redundancy, momentum=0.0)
    generator = np.random.default_rng(0)
    teacher, student = ({"a": generator.normal(size=(12, 8))} for _ in range(2))
    labels = np.arange(12, dtype=np.int32) % numeric.CLASSES
    numeric.connect(loss, teacher, student)
    rates = _rates(np.float32(teacher["a"]), labels, numeric.CLASSES)
    chosen = _selection(rates, 4, redundancy)
    other = [set(_selection(rates, 4, weight)) for weight in (0.0, -redundancy)]
    assert set(chosen) not in other

    def formula(teacher, student, labels):
        return 0.5 * ((teacher["a"] - student["a"])[:, chosen] ** 2).sum(axis=1)

    numeric.check(loss, formula, teacher, student, tf.constant(labels))


def test_rates_are_a_moving_average_of_the_classes_that_come():
    loss = SelectedNeurons(taps=("a",), momentum=0.75)
    features = {"a": np.random.default_rng(0).normal(size=(6, 3))}
    numeric.connect(loss, features, features)
    numeric.value_and_gradient(loss, features, features, tf.constant(numeric.LABELS))
    now = _rates(np.float32(features["a"]), numeric.LABELS, numeric.CLASSES)
    expected = np.where(np.isnan(now), 0.5, 0.75 * 0.5 + 0.25 * now)
    assert np.isnan(now[3]).all()
    np.testing.assert_allclose(loss.rates.numpy(), expected, rtol=1e-6)
    assert loss.rates not in loss.trainable_variables


def test_rates_of_several_devices_are_averaged():
    parts = [np.random.default_rng(seed).normal(size=(8, 3)) for seed in range(2)]
    labels = np.arange(8, dtype=np.int32) % numeric.CLASSES
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        loss = SelectedNeurons(taps=("a",), momentum=0.0)
        numeric.connect(loss, {"a": parts[0]}, {"a": parts[0]})
    features = strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group], tf.float32)
    )
    strategy.run(lambda part: loss.per_example({"a": part}, {"a": part}, labels), [features])
    rates = [_rates(np.float32(part), labels, numeric.CLASSES) for part in parts]
    np.testing.assert_allclose(loss.rates.numpy(), np.mean(rates, axis=0), rtol=1e-6)
    assert np.abs(rates[0] - rates[1]).max() > 0.1


def test_with_all_neurons_it_is_half_the_squared_distance():
    loss = SelectedNeurons(fraction=1.0)
    teacher, student, labels = numeric.make_inputs(loss)
    kernel = loss.adapters["pooled"].kernel.numpy()
    value, _ = numeric.value_and_gradient(loss, teacher, student, labels)
    difference = teacher["pooled"].numpy() - student["pooled"].numpy() @ kernel
    np.testing.assert_allclose(value, 0.5 * (difference**2).sum(axis=1), rtol=1e-4)


def test_a_neuron_that_tells_a_class_apart_is_preferred():
    loss = SelectedNeurons(taps=("a",), fraction=0.25, redundancy=0.0)
    labels = np.array([0, 0, 0, 1, 1, 1], np.int32)
    features = np.array(
        [[1, 0, 1, 0, 1, 0], [0, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 1]]
    )
    teacher, student = {"a": features.T.astype("float64")}, {"a": np.zeros([6, 4])}
    numeric.connect(loss, teacher, student)
    value, _ = numeric.value_and_gradient(loss, teacher, student, tf.constant(labels))
    np.testing.assert_allclose(value, 0.5 * features[2])


def test_several_layers_and_an_empty_selection_are_refused():
    with pytest.raises(ValueError, match=r"taps\. Expected one layer\. Received: a, b"):
        SelectedNeurons(taps=("a", "b"))
    with pytest.raises(ValueError, match=r"fraction\. Expected above 0 and no more than 1"):
        SelectedNeurons(fraction=0.0)


def test_the_classes_are_those_of_the_student_whose_labels_they_are():
    loss = SelectedNeurons(taps=("a",))
    tap = {"a": [None, 3]}
    loss.connect({**tap, "logits": [None, 2]}, {**tap, "logits": [None, 5]})
    assert loss.rates.shape == (5, 3)
