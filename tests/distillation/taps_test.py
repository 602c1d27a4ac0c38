import keras
import numpy as np
import pytest

from kd_keras import distillation, losses, models
from kd_keras.distillation.taps import connect_losses, student_layers, teacher_layers
from tests.distillation import toys


def _make(name, units, seed=0):
    image = keras.Input([6], name="image")
    initializer = keras.initializers.GlorotUniform(seed)
    hidden = keras.layers.Dense(units, kernel_initializer=initializer, name=name)(image)
    return keras.Model(image, keras.layers.Dense(toys.CLASSES)(hidden))


def test_the_layers_that_a_loss_reads():
    assert teacher_layers(losses.SoftTarget()) == student_layers(losses.SoftTarget()) == {}
    alike = losses.Hint(taps=("a", "b"))
    assert teacher_layers(alike) == student_layers(alike) == {"a": "a", "b": "b"}
    unlike = losses.Hint(taps=("a", "b"), teacher_taps=("c", "d"))
    assert teacher_layers(unlike) == {"a": "c", "b": "d"}
    voting = losses.RelativeDissimilarity(taps=("a",), teacher_taps=("c",), teachers=("x", "y"))
    assert teacher_layers(voting) == {"x/a": "x/c", "y/a": "y/c"}
    assert student_layers(voting) == {"a": "a"}


def test_each_of_several_teachers_is_read_within_their_mean():
    members, student = [_make("hidden", 5, seed=2), _make("hidden", 7, seed=3)], _make("hidden", 4)
    loss = losses.RelativeDissimilarity(taps=("hidden",), teachers=("teacher1", "teacher2"))
    mean = models.mean_of(members, temperature=2.0)
    distiller = distillation.Distiller(student, mean, matching=[(loss, 1.0)], supervised_weight=0)
    distiller.compile(keras.optimizers.SGD(0.0))
    x, y = toys.make_vectors()
    history = distiller.fit(x, y, batch_size=len(x), verbose=0).history
    read = {
        f"teacher{number}/hidden": models.with_taps(member, ["hidden"])(x)["hidden"]
        for number, member in enumerate(members, start=1)
    }
    seen = {"hidden": models.with_taps(student, ["hidden"])(x)["hidden"]}
    expected = np.mean(loss.per_example(read, seen))
    assert expected > 0
    np.testing.assert_allclose(history["relative_dissimilarity"], [expected], rtol=1e-5)


def test_layers_of_other_names_are_compared():
    teacher, student = _make("wide", 5), _make("thin", 5, seed=1)
    loss = losses.Hint(taps=("thin",), teacher_taps=("wide",), regressor="none")
    distiller = distillation.Distiller(student, teacher, matching=[(loss, 1.0)])
    assert distiller.terms.student_taps == ("thin",)
    assert distiller.terms.teacher_taps == ("wide",)
    distiller.compile(keras.optimizers.SGD(0.0))
    vectors, labels = toys.make_vectors(8)
    logs = distiller.train_on_batch(vectors, labels, return_dict=True)
    difference = teacher.get_layer("wide")(vectors) - student.get_layer("thin")(vectors)
    assert logs["hint"] == pytest.approx(np.mean(np.square(difference)), rel=1e-5)


def test_one_layer_may_serve_several_losses():
    teacher, student = _make("tap", 5), _make("tap", 3, seed=1)
    matching = {
        "hint": losses.Hint(taps=("tap",)),
        "relational_distance": losses.RelationalDistance(taps=("tap",)),
        "soft_target": losses.SoftTarget(),
    }
    connect_losses(matching, teacher, student)
    assert matching["hint"].trainable_variables[-1].shape == (3, 5)
    assert matching["relational_distance"].built


def test_a_layer_that_is_not_there_is_refused():
    teacher, student = _make("wide", 5), _make("thin", 5)
    with pytest.raises(ValueError, match=r"^Unknown layer of the teacher\.") as caught:
        connect_losses({"hint": losses.Hint(taps=("thin",))}, teacher, student)
    assert str(caught.value).startswith("Unknown layer of the teacher. Expected one of dense")
    assert str(caught.value).endswith(
        "Received: thin. hint reads it: set taps to layers of the student, and teacher_taps to the "
        "teacher's where they have other names."
    )


def test_of_many_layers_the_nearest_are_listed():
    teacher = toys.make_classifier(shape=(8, 8, 3))
    with pytest.raises(
        ValueError, match=r"group1, group2, group3\. .*Did you mean group1\?"
    ) as caught:
        connect_losses({"hint": losses.Hint(taps=("grup1",))}, teacher, teacher)
    assert "logits" not in str(caught.value)
    assert "It has 31 layers in all." in str(caught.value)


def test_without_a_teacher_losses_must_have_been_fitted():
    loss = losses.Hint(taps=("tap",))
    with pytest.raises(ValueError, match=r"Losses on taps \(tap\) need the teacher itself\."):
        connect_losses({"hint": loss}, None, _make("tap", 3))
    loss.connect({"tap": [None, 5], "logits": [None, 2]}, {"tap": [None, 3], "logits": [None, 2]})
    connect_losses({"hint": loss}, None, _make("tap", 3))


def test_a_teacher_without_layers_is_refused():
    class Subclassed(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(TypeError, match=r"Expected a functional or sequential keras\.Model"):
        connect_losses({"hint": losses.Hint(taps=("tap",))}, Subclassed(), _make("tap", 3))
