import numpy as np
import pytest
import tensorflow as tf

from kd_keras.losses import ContrastMemory
from tests.losses import numeric

EXAMPLES = np.array([4, 0, 6, 2, 1, 3])
ALL_LABELS = [*numeric.LABELS, 3]


def _make(**arguments):
    arguments = {"embedding_size": 3, "contrast_temperature": 0.5, "negatives": 4, **arguments}
    loss = ContrastMemory(**arguments)
    return loss, *numeric.make_inputs(loss)


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _embedded(loss, features, layer):
    kernel, bias = (weight.numpy().astype("float64") for weight in layer.weights)
    vectors = features.mean(axis=tuple(range(1, features.ndim - 1)))
    return _unit(vectors @ kernel + bias)


def _others(loss):
    """The negatives of the next step, and the generator as it was."""
    state = loss.seed_generator.state.numpy()
    others = loss._draw_others(tf.constant(EXAMPLES)).numpy()
    loss.seed_generator.state.assign(state)
    return others


class _Repeatable:
    """The loss as a function: its memory and its generator are put back before every call."""

    def __init__(self, loss):
        self.loss = loss
        self.state = [variable.numpy() for variable in loss.non_trainable_variables]
        self.state.append(loss.seed_generator.state.numpy())

    def per_example(self, teacher, student, labels, **scheduled):
        variables = [*self.loss.non_trainable_variables, self.loss.seed_generator.state]
        for variable, value in zip(variables, self.state, strict=False):
            variable.assign(value)
        self.loss.seed_generator.state.assign(self.state[-1])
        return self.loss.per_example(teacher, student, examples=tf.constant(EXAMPLES))


@pytest.mark.parametrize("tap", ["pooled", "group2"])
def test_value_and_gradient_follow_the_formula(tap):
    loss, teacher, student, _ = _make(taps=(tap,))
    for name, value in (("teacher", 2.5), ("student", 1.5)):
        loss.log_normalizers[name].assign(value)  # as after the first step
    memories = {side: v.numpy().astype("float64") for side, v in loss.memories.items()}
    others, count = _others(loss), len(ALL_LABELS)

    def contrast(vectors, side, log_normalizer):
        chance, values = loss.negatives / count, []
        for vector, example, negatives in zip(vectors, EXAMPLES, others, strict=True):
            chosen = memories[side][[example, *negatives]]
            p = np.exp(chosen @ vector / loss.contrast_temperature - log_normalizer)
            values.append(-np.log(p[0] / (p[0] + chance)) - np.log(chance / (p[1:] + chance)).sum())
        return np.array(values)

    def formula(teacher, student, labels):
        source = _embedded(loss, student[tap], loss.adapters[tap])
        target = _embedded(loss, teacher[tap], loss.teacher_embedding)
        return contrast(source, "teacher", 2.5) + contrast(target, "student", 1.5)

    numeric.check(_Repeatable(loss), formula, teacher, student)


def test_the_first_batch_sets_the_normalisers_and_they_stay():
    loss, teacher, student, _ = _make()
    others, memory = _others(loss), loss.memories["teacher"].numpy().astype("float64")
    source = _embedded(loss, student["pooled"].numpy(), loss.adapters["pooled"])
    chosen = memory[np.concatenate([EXAMPLES[:, None], others], axis=1)]
    exponentials = np.exp(np.einsum("bkf,bf->bk", chosen, source) / 0.5)
    loss.per_example(teacher, student, examples=tf.constant(EXAMPLES))
    first = float(loss.log_normalizers["teacher"])
    assert first == pytest.approx(np.log(exponentials.mean() * len(ALL_LABELS)), rel=1e-5)
    loss.per_example(teacher, student, examples=tf.constant(EXAMPLES))
    assert float(loss.log_normalizers["teacher"]) == first


def test_the_memory_of_the_batch_moves_and_the_rest_stays():
    loss, teacher, student, _ = _make(momentum=0.25)
    before = {side: v.numpy() for side, v in loss.memories.items()}
    loss.per_example(teacher, student, examples=tf.constant(EXAMPLES))
    for side, features, layer in (
        ("teacher", teacher, loss.teacher_embedding),
        ("student", student, loss.adapters["pooled"]),
    ):
        vectors = _embedded(loss, features["pooled"].numpy(), layer)
        after = loss.memories[side].numpy()
        moved = _unit(0.25 * before[side][EXAMPLES] + 0.75 * vectors)
        np.testing.assert_allclose(after[EXAMPLES], moved, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(after[5], before[side][5])


def test_negatives_are_all_the_images_of_other_labels_equally_often():
    loss, *_ = _make(negatives=6000)
    labels = np.array(ALL_LABELS)
    for example, others in zip(EXAMPLES, _others(loss), strict=True):
        expected = np.flatnonzero(labels != labels[example])
        found, counts = np.unique(others, return_counts=True)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(counts / 6000, 1 / len(expected), atol=0.03)


def test_both_embeddings_are_trained_and_the_features_of_the_teacher_are_not():
    loss, teacher, student, _ = _make()
    with tf.GradientTape() as tape:
        tape.watch([teacher, student])
        value = tf.reduce_sum(loss.per_example(teacher, student, examples=tf.constant(EXAMPLES)))
    features, parts = tape.gradient(value, [teacher["pooled"], loss.trainable_variables])
    assert features is None
    assert len(parts) == 4
    assert all(np.abs(part).max() > 0 for part in parts)


def test_the_memory_comes_back_from_a_configuration_and_weights():
    loss, teacher, student, _ = _make()
    loss.per_example(teacher, student, examples=tf.constant(EXAMPLES))
    again = ContrastMemory.from_config(loss.get_config())
    again.build_from_config(loss.get_build_config())
    again.set_weights(loss.get_weights())
    again.seed_generator.state.assign(loss.seed_generator.state)
    values = [
        _Repeatable(each).per_example(teacher, student, None).numpy() for each in (loss, again)
    ]
    np.testing.assert_array_equal(*values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"taps": ("a", "b")}, "Expected one layer, of which the memory is. Received: a, b."),
        ({"negatives": 0}, "Invalid value for negatives. Expected a whole number from 1"),
        ({"momentum": 1.0}, "Invalid value for momentum."),
        ({"contrast_temperature": 0.0}, "Invalid value for contrast_temperature."),
        ({"embedding_size": 0}, "Invalid value for embedding_size."),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match="Expected") as caught:
        ContrastMemory(**arguments)
    assert message in str(caught.value)


def test_what_it_has_to_be_told_is_asked_for():
    loss = ContrastMemory(name="contrast")
    shapes = {"pooled": [None, 3], "logits": [None, 5]}
    with pytest.raises(ValueError, match=r"^contrast remembers every training image\. Expected"):
        loss.connect(shapes, shapes)
    with pytest.raises(ValueError, match=r"Expected two classes in the training set\. Received: 1"):
        loss.set_examples([2, 2])
    loss.set_examples([0, 1])
    loss.connect(shapes, shapes)
    with pytest.raises(ValueError, match=r"Expected examples, their numbers in the training set"):
        loss.per_example({"pooled": tf.ones([1, 3])}, {"pooled": tf.ones([1, 3])})
