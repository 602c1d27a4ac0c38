import dataclasses
import json

import pytest

from kd_keras import config
from kd_keras.config import (
    Config,
    Data,
    Discriminator,
    Distillation,
    Export,
    Run,
    Student,
    Teacher,
    Training,
)

SECTIONS = [field.type for field in dataclasses.fields(Config)]


def invalid(name, expected, received):
    return f"Invalid value for {name}. Expected {expected}. Received: {received}."


CHOICES = [
    (section, field.name, field.metadata["choices"])
    for section in SECTIONS
    for field in dataclasses.fields(section)
    if "choices" in field.metadata
]


# What some choices go with.
BESIDE = {
    "joint": {"adversarial_weight": 0.0},
    "joint_share": {"adversarial_weight": 0.0, "joint": "rocket"},
}


def test_choices_were_found():
    assert len(CHOICES) > 8


@pytest.mark.parametrize(("section", "name", "choices"), CHOICES)
def test_a_choice_takes_its_names_and_no_other(section, name, choices):
    assert getattr(section(), name) == choices[0]
    for choice in choices:
        assert getattr(section(**{**BESIDE.get(name, {}), name: choice}), name) == choice
    with pytest.raises(ValueError, match="Unknown") as caught:
        section(**{name: "zzz"})
    assert str(caught.value) == (
        f"Unknown {name}. Expected one of {', '.join(sorted(choices))}. Received: zzz."
    )


def test_teacher_and_student_come_in_the_depths_of_their_network():
    for section in (Teacher, Student):
        with pytest.raises(ValueError, match=r"Expected 6n \+ 4 .* Received: 17. The nearest: 16"):
            section(depth=17)


@pytest.mark.parametrize("entry", ["", ":2", "a:", "a:0", "a:-1", "a:x", "a:nan", "a:inf", "a:1:2"])
def test_a_loss_is_a_name_and_a_weight_above_zero(entry):
    with pytest.raises(ValueError, match="Invalid value for loss") as caught:
        Distillation(loss=(entry,))
    assert str(caught.value) == invalid(
        "loss", "NAME or NAME:WEIGHT with a weight above 0", repr(entry)
    )


def test_weights_of_losses():
    section = Distillation(loss=("soft_target:0.9", "logit_l1", "other:2e-1"))
    assert section.weighted_losses == (("soft_target", 0.9), ("logit_l1", None), ("other", 0.2))


def test_options_of_losses():
    section = Distillation(loss=("a:2", "b"), loss_option=("b.x=1", "a.taps=c.d+e", "b.y = "))
    assert section.options_of("a") == {"taps": "c.d+e"}
    assert section.options_of("b") == {"x": "1", "y": ""}
    assert Distillation().options_of("logit_l1") == {}


@pytest.mark.parametrize("entry", ["", "a", "a.x", ".x=1", "a.=1", "a=1"])
def test_an_option_is_a_loss_an_argument_and_a_value(entry):
    with pytest.raises(ValueError, match="Invalid value for loss_option") as caught:
        Distillation(loss=("a",), loss_option=(entry,))
    assert str(caught.value) == invalid("loss_option", "NAME.ARGUMENT=VALUE", repr(entry))


def test_an_option_belongs_to_a_loss_that_is_used_and_comes_once():
    with pytest.raises(ValueError, match="Invalid value for loss_option") as caught:
        Distillation(loss=("a", "b:2"), loss_option=("c.x=1",))
    assert str(caught.value) == invalid(
        "loss_option", "an option of a loss in --loss (a, b)", "'c.x=1'"
    )
    with pytest.raises(ValueError, match="each option once"):
        Distillation(loss=("a",), loss_option=("a.x=1", "a.x=2"))


@pytest.mark.parametrize(
    ("loss", "adversarial_weight", "needed"),
    [((), 0.0, False), (("a",), 0.0, True), ((), 1.0, True), (("a",), 1.0, True)],
)
def test_a_teacher_is_needed_where_a_term_looks_at_it(loss, adversarial_weight, needed):
    section = Distillation(loss=loss, adversarial_weight=adversarial_weight)
    assert section.needs_teacher is needed


def test_the_defaults_are_the_papers_recipe():
    training, discriminator, distillation = Training(), Discriminator(), Distillation()
    assert (training.learning_rate, training.momentum, training.weight_decay) == (0.1, 0.9, 1e-4)
    assert (training.batch_size, training.schedule) == (128, "step")
    assert training.learning_rate_drop_factor == 0.1
    assert Teacher().dropout == Student().dropout == discriminator.dropout == 0.3
    assert (discriminator.learning_rate, discriminator.depth) == (1e-3, 3)
    assert (discriminator.game, discriminator.head) == ("minimax", "auxiliary")
    assert distillation.weighted_losses == (("logit_l1", None),)
    assert (distillation.supervised_weight, distillation.adversarial_weight) == (1.0, 1.0)
    assert distillation.reduction == "sum"


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_frozen_and_takes_keywords_only(section):
    built = section()
    name = dataclasses.fields(section)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(built, name, getattr(built, name))
    with pytest.raises(TypeError):
        section(getattr(built, name))


def changed():
    return Config(
        run=Run(seed=3, name="a"),
        data=Data(dataset="synthetic", flip="no"),
        student=Student(depth=16),
        distillation=Distillation(loss=("soft_target:0.9", "logit_l1")),
        training=Training(learning_rate_drops=(2, 4), epochs=5, nesterov=True),
        export=Export(formats=("saved_model",)),
    )


@pytest.mark.parametrize("original", [Config(), changed()])
def test_a_configuration_comes_back_from_json(original):
    text = json.dumps(original.to_dictionary())
    assert config.from_dictionary(json.loads(text)) == original


def test_what_is_missing_takes_its_default():
    built = config.from_dictionary({"training": {"epochs": 3}})
    assert built == Config(training=Training(epochs=3))


def test_an_unknown_section_is_refused():
    with pytest.raises(ValueError, match="configuration") as caught:
        config.from_dictionary({"trainig": {}, "export": {}})
    names = ", ".join(field.name for field in dataclasses.fields(Config))
    assert str(caught.value) == invalid("configuration", f"sections {names}", "trainig")


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match="evaluation") as caught:
        config.from_dictionary({"evaluation": {"splits": "test"}})
    assert str(caught.value) == invalid("evaluation", "fields run, model, split", "splits")


def test_a_value_out_of_range_is_refused_from_a_dictionary_too():
    with pytest.raises(ValueError, match="Invalid value for epochs"):
        config.from_dictionary({"training": {"epochs": 0}})


def test_a_network_is_named_by_its_size_and_its_options():
    assert Student().label == "wide_resnet-10-2"
    assert Student(binary_weights=True).label == "wide_resnet-10-2-binary"
    large = Student(network="resnet", depth=18, option=("stem=large",))
    assert large.label == "resnet-18-2-stem-large"
    assert large.options == {"stem": "large"}
    application = Student(network="applications/MobileNetV2", option=("alpha=0.5",))
    assert application.label == "MobileNetV2-alpha-0.5"


def test_schedules_of_weights():
    section = Distillation(
        loss=("hint", "soft_target"),
        weight_schedule=("hint=1:100+6:0", "soft_target.temperature=1:4~9:1"),
    )
    assert set(section.schedules) == {"hint", "soft_target.temperature"}
    assert section.schedules["hint"][1].epoch == 6
    assert Distillation().schedules == {}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            ("hin=1:0",),
            r"Expected TERM=POINTS, a term of supervised, logit_l1, adversarial, or "
            r"TERM\.temperature\. Received: 'hin=1:0'\.",
        ),
        (("logit_l1",), r"Expected EPOCH:VALUE points .*Received: ''\."),
        (("logit_l1=1:-1",), r"values of 0 or more.*Received: '1:-1'\."),
        (("logit_l1=1:0", "logit_l1=2:0"), "Expected each term once"),
        (("logit_l1.temperature=1:0",), "Expected values above 0 for logit_l1.temperature"),
    ],
)
def test_a_schedule_that_is_not_understood_is_refused(entries, message):
    with pytest.raises(ValueError, match=rf"^Invalid value for weight_schedule\. .*{message}"):
        Distillation(weight_schedule=entries)
    with pytest.raises(ValueError, match="a term of supervised, logit_l1, or"):
        Distillation(adversarial_weight=0.0, weight_schedule=("adversarial=1:1",))


@pytest.mark.parametrize(
    ("settings", "name", "received"),
    [
        ({"look_ahead": True}, "look_ahead", True),
        ({"several_teachers": True}, "several_teachers", True),
        ({"condition": "teacher_logits"}, "condition", "teacher_logits"),
    ],
)
def test_what_is_of_logits_is_refused_beside_a_tap(settings, name, received):
    Discriminator(**settings)
    with pytest.raises(ValueError, match=f"Invalid value for {name}") as caught:
        Discriminator(tap="pooled", **settings)
    expected = "another, because tap is set, and this is of logits"
    assert str(caught.value) == invalid(name, expected, received)
    with pytest.raises(ValueError, match="none, because tap is not set"):
        Discriminator(teacher_tap="pooled")
