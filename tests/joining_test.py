"""Two networks that learn at once, as they are asked for: settings, folders, the command itself."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import main
from kd_keras import comparison, config, data, joining, learning, refining, runs, subjects
from kd_keras.gathering import single
from tests.conformance import runs_compared

SMALL = (
    "--dataset=synthetic",
    "--teacher=plain_cnn",
    "--teacher_depth=8",
    "--teacher_width=1",
    "--student=plain_cnn",
    "--student_depth=5",
    "--student_width=1",
    "--batch_size=64",
    "--epochs=1",
    "--learning_rate=0.05",
    "--adversarial_weight=0",
)
ROCKET = ("--joint=rocket", "--joint_share=interval", "--loss=logit_regression:0.03")
MUTUAL = ("--joint=mutual", "--loss=soft_target", "--temperature=1")
NAME = "synthetic-plain_cnn-5-1-supervised-logit_regression-rocket-interval-seed0"


def settings(joint="mutual", *, share="none", block=True, loss=("soft_target",), **sections):
    section = config.Distillation(
        joint=joint,
        joint_share=share,
        joint_gradient_block=block,
        loss=loss,
        adversarial_weight=0.0,
    )
    return config.Config(distillation=section, **sections)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a finished run of rocket launching."""
    folder = tmp_path_factory.mktemp("runs")
    assert main.main(["distill", *SMALL, *ROCKET, f"--output_directory={folder}"]) == 0
    return folder


def figures_of(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_a_run_leaves_both_networks_and_the_error_of_each(root):
    there = {path.name for path in (root / NAME).iterdir()}
    assert {"student.keras", "student_last.keras", "teacher.keras", "history.csv"} <= there
    images = data.load("synthetic").test
    pixels, figures = images.images_at(range(len(images))), figures_of(root / NAME)
    for name, found in (("student", figures["best"]), ("teacher", figures["peer"])):
        network = keras.models.load_model(root / NAME / f"{name}.keras")
        predicted = np.argmax(network(pixels, training=False), axis=-1)
        error = 100 * float((predicted != images.labels).mean())
        assert found["top1_error_percent"] == pytest.approx(error)
    assert figures["peer"]["parameters"] > figures["parameters"]
    assert "agreement_with_teacher_percent" in figures["best"]


def test_what_is_shared_is_equal_in_the_two_files(root):
    light, booster = (
        keras.models.load_model(root / NAME / f"{name}.keras") for name in ("student", "teacher")
    )
    for layer in light.layers:
        if isinstance(layer, keras.layers.Conv2D):
            np.testing.assert_array_equal(layer.kernel, booster.get_layer(layer.name).kernel)
    statistics = [net.get_layer("group3").moving_mean.numpy() for net in (light, booster)]
    assert not np.array_equal(*statistics)


def test_the_history_has_the_second_network(root):
    header = (root / NAME / "history.csv").read_text().splitlines()[0].split(",")
    assert {"logit_regression", "peer_supervised", "peer_accuracy", "agreement"} <= set(header)
    assert "peer_logit_regression" not in header


def test_the_run_is_known_by_what_its_second_network_is(root):
    record = json.loads((root / NAME / "config.json").read_text())
    assert record["identity"]["distillation.joint"] == "rocket"
    assert record["identity"]["teacher.depth"] == 8
    assert record["teacher"] == str(root / NAME / "teacher.keras")
    words = ["distill", *SMALL, *ROCKET, "--teacher_depth=11", f"--output_directory={root}"]
    assert main.main(words) == 2
    # A run of one network alone does not know of a second.
    alone = runs.settings_with_effect(config.Config(), runs.OF_A_STUDENT)
    assert not any(name.startswith(("teacher.", "distillation.joint")) for name in alone)


def test_the_student_is_the_runs_model_and_goes_on_with_the_other_as_its_teacher(root):
    asked = config.Config(evaluation=config.Evaluation(run=str(root / NAME)))
    subject = subjects.find_subject(asked)
    assert subject.path.name == "student.keras"
    adopted = refining.adopt(asked, subject)
    assert adopted.teacher.path == str(root / NAME / "teacher.keras")
    assert adopted.distillation.joint == adopted.distillation.joint_share == "none"
    assert adopted.distillation.needs_teacher


def test_a_page_shows_the_second_network_and_names_the_method(root):
    contenders = single.cast_run(root / NAME).contenders.values()
    methods = {contender.role: contender.method for contender in contenders}
    assert methods["student"] == "supervised-logit_regression-rocket-interval"
    assert "teacher" in methods


def test_both_schemes_are_rows_of_a_comparison_with_the_control_on_labels_alone(tmp_path):
    methods = {"from scratch": {"loss": ()}, "hears": {"loss": ("logit_l1",)}}
    joint = {"loss": ("soft_target",), "joint": "mutual"}
    fields = tuple(
        (label, (("distillation.adversarial_weight", 0.0), *of_distillation(values)))
        for label, values in {**methods, "mutual": joint}.items()
    )
    asked = config.Config(compare=config.Compare(methods=fields))
    planned = comparison.plan(asked)
    assert planned.find_control("mutual") == planned.find_control("hears") == "from scratch"
    assert planned.find_control("from scratch") is None
    only_joint = dataclasses.replace(asked, compare=config.Compare(methods=fields[::2]))
    assert not comparison.plan(only_joint).needs_teacher


def of_distillation(values):
    return [(f"distillation.{name}", value) for name, value in values.items()]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"joint": "mutual", "loss": ("soft_target",)},
            "Invalid value for adversarial_weight. Expected 0, because joint is mutual: a "
            "discriminator needs a teacher that is trained. Received: 1.0.",
        ),
        (
            {"joint": "rocket", "loss": (), "adversarial_weight": 0.0},
            "Invalid value for loss. Expected at least one, because joint is rocket: "
            "--loss=logit_regression:0.03 as published. Received: none.",
        ),
        (
            {"joint": "mutual", "joint_share": "bottom", "adversarial_weight": 0.0},
            "Invalid value for joint_share. Expected none, because joint is not rocket. "
            "Received: bottom.",
        ),
        (
            {"joint_gradient_block": False},
            "Invalid value for joint_gradient_block. Expected true, because joint is not rocket. "
            "Received: false.",
        ),
    ],
)
def test_terms_that_do_not_go_with_a_second_network(values, sentence):
    with pytest.raises(ValueError, match="Invalid value") as caught:
        config.Distillation(**values)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            settings(teacher=config.Teacher(path="big.keras")),
            "With --joint=mutual the second network learns from scratch. Expected no "
            "--teacher_path, but its kind and size: --teacher, --teacher_depth, --teacher_width. "
            "Received: big.keras.",
        ),
        (
            settings("rocket", signal=config.Signal(source="views")),
            "With --joint=rocket the second network changes at every step, and nothing of it can "
            "be kept or averaged. Expected --teacher_signal=live without --teacher_ensemble. "
            "Received: views.",
        ),
        (
            settings(loss=("soft_target", "attention_transfer")),
            "AttentionTransfer compares inner layers, and is fitted to one direction. Expected "
            "losses on logits where both networks learn from each other, such as SoftTarget. On "
            "inner layers the student alone learns: --joint=rocket with its gradient block.",
        ),
        (
            settings("rocket", share="interval", student=config.Student(binary_weights=True)),
            "--joint_share=interval gives both networks the same kernels. Expected no "
            "--student_binary_weights, which are one network's. Received: both.",
        ),
        (
            settings("rocket", share="bottom", training=config.Training(average_decay=0.9)),
            "--joint_share=bottom gives both networks the same kernels, of which one network's "
            "averages would be left. Expected --average_decay=0. Received: 0.9.",
        ),
        (
            settings("rocket", share="bottom", training=config.Training(precision="mixed_float16")),
            "--joint_share=bottom gives kernels the gradients of two losses, which float16 scales "
            "by two numbers. Expected --precision=float32 or mixed_bfloat16. "
            "Received: mixed_float16.",
        ),
    ],
)
def test_settings_of_a_trained_teacher_are_refused_before_anything_is_loaded(asked, sentence):
    with pytest.raises(ValueError, match="Expected") as caught:
        joining.require_possible(asked)
    assert str(caught.value) == sentence
    with pytest.raises(ValueError, match="Expected"):
        learning.distill(asked)


def test_what_goes_together_passes():
    joining.require_possible(settings())
    joining.require_possible(settings("rocket", block=False))
    joining.require_possible(settings("rocket", share="interval", loss=("attention_transfer",)))


def test_two_networks_of_one_kind_begin_unlike():
    asked = settings(
        teacher=config.Teacher(network="plain_cnn", depth=5, width=1),
        student=config.Student(network="plain_cnn", depth=5, width=1),
    )
    distiller = joining.build_distiller(asked, data.load("synthetic"))
    kernels = [net.get_layer("stem").kernel.numpy() for net in (distiller.student, distiller.peer)]
    assert not np.array_equal(*kernels)
    assert float(distiller.hyperparameters["soft_target"]) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [ROCKET, MUTUAL], ids=["rocket", "mutual"])
def test_a_run_that_was_killed_ends_as_one_that_never_was(scheme, tmp_path):
    words = ["distill", *SMALL, *scheme, "--epochs=2", "--deterministic", "--run_name=run"]

    def run(name, moment):
        folder = f"--output_directory={tmp_path / name}"
        return runs_compared.run(moment, [*words, "--checkpoint_minutes=0.000001", folder])[0]

    assert run("whole", "none") == 0
    assert run("struck", "kill@placed:last.npz:2") != 0
    assert run("struck", "none") == 0
    found = [runs_compared.contents(tmp_path / name / "run") for name in ("whole", "struck")]
    assert runs_compared.differences(*found) == []
