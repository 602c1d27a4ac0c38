"""Settings that a run takes over from another, and the two commands from end to end."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import main
from kd_keras import config, export, models, refining, subjects
from tests.gathering import folders


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folders of a teacher and of a student that has two convolutions."""
    folder = tmp_path_factory.mktemp("runs")
    teacher = folders.make_run(folder / "big", command="train_teacher")
    terms = {"loss": ("soft_target",), "adversarial_weight": 0.0}
    student = folders.make_run(folder / "small", teacher=teacher / "teacher.keras", **terms)
    image = keras.Input(folders.splits().image_shape, name="image")
    x = keras.layers.Rescaling(1 / 128, offset=-1.0)(image)
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="first")(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(8, 3, activation="relu", name="second")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    keras.Model(image, keras.layers.Dense(4, name="logits")(x)).save(student / "student.keras")
    return folder


def subject(command="distill", teacher_path="big/teacher.keras", **sections):
    recorded = config.from_dictionary(sections).to_dictionary()
    record = {"identity": {"command": command}, "config": recorded}
    return subjects.Subject("small/student.keras", config.Config(), teacher_path, record)


def settings(**values):
    return config.Config(refinement=config.Refinement(**values))


def test_a_run_is_gone_on_with_by_its_own_terms_and_another_recipe():
    of_run = {
        "distillation": {"loss": ["soft_target"], "temperature": 2.0},
        "training": {
            "epochs": 90,
            "schedule": "step",
            "warmup_epochs": 5,
            "weight_decay": 0.01,
            "devices": "4",
        },
        "student": {"depth": 16},
    }
    own = settings(epochs=3, learning_rate=0.01, clip_norm=2.0)
    adopted = refining.adopt(own, subject(**of_run))
    assert adopted.distillation.loss == ("soft_target",)
    assert adopted.distillation.temperature == 2.0
    assert adopted.student.depth == 16
    assert adopted.teacher.path == "big/teacher.keras"
    recipe = adopted.training
    assert (recipe.epochs, recipe.learning_rate, recipe.schedule) == (3, 0.01, "cosine")
    assert recipe.clip_norm == 2.0
    assert (recipe.warmup_epochs, recipe.precision, recipe.weight_decay) == (0, "float32", 0.01)
    assert recipe.devices == "1"


def test_weights_stay_where_their_schedules_ended():
    terms = {
        "loss": ["soft_target", "logit_l1"],
        "adversarial_weight": 0.0,
        "weight_schedule": [
            "soft_target=1:0+6:4~30:1",
            "soft_target.temperature=1:8~40:2",
            "supervised=1:1+2:1000000",
            "logit_l1=31:0.5",
        ],
    }
    adopted = refining.adopt(settings(), subject(distillation=terms, training={"epochs": 30}))
    points = adopted.distillation.schedules
    assert {name: [(p.epoch, p.value) for p in points[name]] for name in points} == {
        "soft_target": [(1, 1.0)],
        "soft_target.temperature": [(1, pytest.approx(8 - 6 * 29 / 39))],
        "supervised": [(1, 1e6)],
    }


def test_weights_stay_where_they_were_when_patience_ended_the_run(tmp_path):
    terms = {
        "loss": ["soft_target"],
        "adversarial_weight": 0.0,
        "weight_schedule": ["soft_target=1:1~41:0"],
    }
    ended = dataclasses.replace(
        subject(distillation=terms, training={"epochs": 40}), path=tmp_path / "student.keras"
    )
    (tmp_path / "metrics.json").write_text('{"epochs": 5}')
    [point] = refining.adopt(settings(), ended).distillation.schedules["soft_target"]
    assert point.value == pytest.approx(0.9)


def test_a_teacher_goes_on_with_the_labels_alone():
    adopted = refining.adopt(settings(), subject("train_teacher", None, teacher={"depth": 22}))
    assert adopted.student == config.Student(depth=22, width=4)
    assert not adopted.distillation.needs_teacher
    assert adopted.distillation.supervised_weight == 1.0


def test_a_model_without_a_record_is_refused():
    alone = subjects.Subject("own.keras", config.Config(), None)
    with pytest.raises(ValueError, match=r"Nothing is known of how own\.keras was trained\."):
        refining.adopt(settings(), alone)


def test_terms_on_inner_layers_are_left_out_where_numbers_are_rounded(capsys):
    section = config.Distillation(
        loss=("attention_transfer", "soft_target:0.5"),
        loss_option=("attention_transfer.power=1", "soft_target.standardize=true"),
        weight_schedule=("attention_transfer=1:9", "soft_target=1:2", "adversarial=1:3"),
    )
    whole = config.Config(distillation=section)
    assert refining.suit(whole, "prune") is whole
    chosen = refining.suit(whole, "quantize").distillation
    assert chosen.loss == ("soft_target:0.5",)
    assert chosen.loss_option == ("soft_target.standardize=true",)
    assert chosen.weight_schedule == ("soft_target=1:2", "adversarial=1:3")
    assert "without attention_transfer: folding changes" in capsys.readouterr().out
    sees_a_layer = dataclasses.replace(whole, discriminator=config.Discriminator(tap="pooled"))
    chosen = refining.suit(sees_a_layer, "quantize").distillation
    assert (chosen.adversarial_weight, chosen.weight_schedule) == (0.0, ("soft_target=1:2",))
    assert "without attention_transfer, the adversary: folding" in capsys.readouterr().out


def test_the_folder_lies_beside_the_run_unless_it_is_named(tmp_path):
    origin = subjects.Subject(tmp_path / "small" / "student.keras", config.Config(), None)
    found = [refining.folder_of(settings(), origin, name).path for name in ("prune", "quantize")]
    assert found == [tmp_path / "small-pruned50", tmp_path / "small-int8"]
    named = config.Config(run=config.Run(output_directory=str(tmp_path), name="mine"))
    assert refining.folder_of(named, origin, "prune").path == tmp_path / "mine"


def test_the_folder_under_a_budget_is_named_by_what_is_asked_for(tmp_path):
    origin = subjects.Subject(tmp_path / "big" / "teacher.keras", config.Config(), None)
    budget = config.Budget(max_latency_milliseconds=0.35, max_size_megabytes=0.5)
    asked = config.Config(budget=budget)
    path = refining.folder_of(asked, origin, "prune").path
    assert path == tmp_path / "big-pruned-0.35-ms-0.5-MB-float32"
    rival = config.Pruning(as_fast_as="runs/small", format="tflite_int8")
    asked = config.Config(pruning=rival)
    path = refining.folder_of(asked, origin, "prune").path
    assert path == tmp_path / "big-pruned-as-fast-as-small-int8"


def test_quantize_ends_in_files_with_the_ranges_that_it_learned(root, capsys):
    words = ["quantize", f"--run={root}/small", "--refine_epochs=1", "--statistics_images=64"]
    assert main.main(words) == 0
    assert "batch normalisations measured anew on 64 images: 1" in capsys.readouterr().out
    run = root / "small-int8"
    student = keras.models.load_model(run / "student.keras")
    assert not any(isinstance(x, keras.layers.BatchNormalization) for x in student.layers)
    ranges = export.read_ranges(run / "student.keras")
    assert ranges["image"] == (0.0, 255.0)
    record = json.loads((run / "config.json").read_text())
    assert record["identity"]["command"] == "quantize"
    assert record["identity"]["distillation.loss"] == ["soft_target"]
    assert record["origin"] == str(root / "small" / "student.keras")
    words = ["export", f"--run={run}", "--formats=tflite_int8", "--latency_repeats=0"]
    assert main.main([*words, "--max_error_increase=100"]) == 0
    predictor = export.load_predictor(run / "exports" / "tflite_int8.tflite")
    images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
    rounding = models.with_ranges(student, ranges)(images.astype(np.float32))
    step = (ranges["logits"][1] - ranges["logits"][0]) / 255
    assert np.abs(predictor.predict(images) - rounding).max() < 3.5 * step
    assert main.main(["quantize", f"--run={root}/small", "--refine_epochs=1"]) == 2
    assert "refinement.statistics_images (there 64, here 0)" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(root, capsys, monkeypatch):
    words = ["quantize", f"--run={root}/small", "--refine_epochs=2", f"--output_directory={root}"]
    assert main.main([*words, "--run_name=whole"]) == 0

    class Interruption(keras.callbacks.Callback):
        def __init__(self, *arguments, **settings):
            super().__init__()

        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kd_keras.distillation.DiscriminatorMonitor", Interruption, raising=False)
        assert main.main([*words, "--run_name=stopped"]) == 130
    assert main.main([*words, "--run_name=stopped"]) == 0
    assert "going on after epoch 1 of 2" in capsys.readouterr().out
    paths = [root / name / "student_last.keras" for name in ("whole", "stopped")]
    # Keras numbers operations that have no name by what the process has made before.
    ranges = [list(export.read_ranges(path).values()) for path in paths]
    assert ranges[0] == ranges[1]
    whole, stopped = (keras.models.load_model(path).get_weights() for path in paths)
    for first, second in zip(whole, stopped, strict=True):
        np.testing.assert_array_equal(first, second)


def test_prune_ends_in_a_smaller_network(root, capsys):
    words = ["prune", f"--run={root}/big", "--prune_fraction=0.5", "--refine_epochs=1"]
    assert main.main(words) == 0
    # 3x3x3 weights and one bias a filter, and the rows of a matrix with 4 columns and biases.
    assert "parameters: 132 before, 68 after (51.5%)" in capsys.readouterr().out
    figures = json.loads((root / "big-pruned50" / "metrics.json").read_text())
    assert figures["parameters"] == 68
    assert "agreement_with_teacher_percent" not in figures["best"]
    assert main.main(words) == 0
    assert "is finished; nothing to do" in capsys.readouterr().out


def test_the_page_of_what_was_made_of_a_run_says_what_it_is(root, capsys):
    words = ["report", f"--run={root}/small-int8", f"--beside={root}/big-pruned50"]
    assert main.main(words) == 0
    assert "big-pruned50 has no exported files to be timed" in capsys.readouterr().out
    page = (root / "small-int8" / "report.md").read_text()
    assert "network trained for int8" in page
    assert "Other ways to the same time" in page
