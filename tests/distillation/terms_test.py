import numpy as np
import pytest
import tensorflow as tf

from kd_keras import losses, training
from kd_keras.distillation.batch import Batch
from kd_keras.distillation.terms import Terms, average
from tests.distillation import toys


def _make(matching=(), **arguments):
    arguments = {
        "supervised_weight": 1.0,
        "adversary": None,
        "adversarial_weight": 1.0,
        **arguments,
    }
    return Terms(matching, **arguments)


def test_names_weights_and_what_may_change():
    terms = _make([(losses.SoftTarget(temperature=3.0), 0.9), (losses.LogitL1(), 0.1)])
    assert terms.names == ("supervised", "soft_target", "logit_l1")
    values = {name: float(variable) for name, variable in terms.hyperparameters.items()}
    assert values == pytest.approx(
        {"supervised": 1.0, "soft_target": 0.9, "logit_l1": 0.1, "soft_target.temperature": 3.0}
    )


def test_two_losses_of_one_kind_get_two_names():
    matching = [(losses.SoftTarget(temperature=t), 1.0) for t in (1.0, 4.0, 8.0)]
    terms = _make([*matching, (losses.LogitL1(), 1.0)])
    assert terms.names == (
        "supervised",
        "soft_target",
        "soft_target_2",
        "soft_target_3",
        "logit_l1",
    )
    temperatures = [
        float(terms.hyperparameters[f"{name}.temperature"]) for name in terms.names[1:4]
    ]
    assert temperatures == [1.0, 4.0, 8.0]


def test_contributions_are_weighted_means():
    terms = _make([(losses.LogitL1(), 2.0)], supervised_weight=0.5)
    values = {"supervised": tf.constant([1.0, 3.0]), "logit_l1": tf.constant([4.0, 0.0])}
    plain = terms.contributions(values)
    weighted = terms.contributions(values, tf.constant([0.0, 1.0]))
    assert {name: float(v) for name, v in plain.items()} == {"supervised": 1.0, "logit_l1": 4.0}
    assert {name: float(v) for name, v in weighted.items()} == {"supervised": 0.75, "logit_l1": 0.0}


def test_the_average_is_over_all_replicas():
    strategy = training.make_strategy("2")
    per_replica = strategy.run(lambda: average(tf.constant([2.0, 4.0])))
    parts = strategy.experimental_local_results(per_replica)
    assert [float(part) for part in parts] == [1.5, 1.5]


def test_labels_go_only_to_losses_that_need_them():
    seen = {}

    class Curious(losses.DistillationLoss):
        def per_example(self, teacher, student, labels=None):
            seen[type(self).__name__] = labels
            return tf.reduce_sum(student, axis=-1)

    class Needing(Curious):
        needs_labels = True

    terms = _make([(Curious(), 1.0), (Needing(), 1.0)])
    logits = {"logits": tf.ones([2, 3])}
    terms.per_example(logits, logits, Batch(tf.ones([2, 1]), tf.constant([0, 1])))
    assert seen["Curious"] is None
    np.testing.assert_array_equal(seen["Needing"], [0, 1])


def test_need_of_the_teacher():
    assert not _make().need_teacher
    assert _make([(losses.LogitL1(), 1.0)]).need_teacher
    assert _make(adversary=toys.make_adversary()).need_teacher


@pytest.mark.parametrize("weight", [-1.0, np.inf, np.nan])
def test_a_weight_is_a_finite_number_from_0(weight):
    message = rf"Invalid weight of logit_l1\. Expected 0 or more\. Received: {weight}\."
    with pytest.raises(ValueError, match=message):
        _make([(losses.LogitL1(), weight)])
