"""The commands from end to end, on the made images, as a user types them."""

import csv
import dataclasses
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

import main
from kd_keras import data, learning, pipeline, training
from tests.models import rep_distiller_files

SMALL = (
    "--dataset=synthetic",
    "--teacher=plain_cnn",
    "--teacher_depth=5",
    "--teacher_width=1",
    "--student=plain_cnn",
    "--student_depth=5",
    "--student_width=1",
    "--discriminator_depth=1",
    "--batch_size=32",
    "--epochs=2",
    "--learning_rate=0.05",
)
TEACHER = "synthetic-plain_cnn-5-1-teacher"
STUDENT = "synthetic-plain_cnn-5-1-supervised-logit_l1-adversarial-seed0"


def _for(command, *words):
    """The small setting without the flags that the command does not take."""
    sections = pipeline.COMMANDS[command].sections
    unused = () if "student" in sections else ("--student", "--discriminator")
    return [command, *(word for word in SMALL if not word.startswith(unused)), *words]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a finished teacher and a finished adversarial student."""
    folder = tmp_path_factory.mktemp("runs")
    assert main.main(_for("train_teacher", f"--output_directory={folder}")) == 0
    assert main.main(_for("distill", f"--output_directory={folder}")) == 0
    return folder


@pytest.fixture
def copied(root, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(root, tmp_path / "runs")
    return tmp_path / "runs"


def _history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def _metrics(folder):
    return json.loads((folder / "metrics.json").read_text())


def test_a_run_leaves_what_it_promises(root):
    for name, role in ((TEACHER, "teacher"), (STUDENT, "student")):
        there = {path.name for path in (root / name).iterdir()}
        assert there == {
            ".lock",
            "config.json",
            f"{role}.keras",
            f"{role}_last.keras",
            "metrics.json",
            "history.csv",
            "checkpoints",
        }
        figures = _metrics(root / name)
        assert figures["epochs"] == 2
        assert figures["judged_on"] == "test"
        assert 20_000 < figures["parameters"] < 30_000
        assert figures["peak_memory_bytes"]["main memory"] > 10**8
        assert {"best", "last"} <= set(figures)


def test_the_saved_models_are_the_ones_that_were_judged(root):
    splits = data.load("synthetic")
    for which, name in (("best", "student.keras"), ("last", "student_last.keras")):
        model = keras.models.load_model(root / STUDENT / name)
        images = splits.test.images_at(range(len(splits.test)))
        logits = model.predict(images, verbose=0)
        error = 100 * float((logits.argmax(-1) != splits.test.labels).mean())
        figures = _metrics(root / STUDENT)[which]
        assert figures["top1_error_percent"] == pytest.approx(error)
        assert "agreement_with_teacher_percent" in figures


def test_the_kept_model_is_the_best_on_validation_and_not_on_test(root):
    rows = _history(root / STUDENT)
    accuracies = [float(row["val_accuracy"]) for row in rows]
    assert len(accuracies) == 2
    best = _metrics(root / STUDENT)["best_epoch"]
    assert accuracies[best - 1] == max(accuracies)
    assert not any("test" in name for name in rows[0])


def test_history_has_the_discriminators_diagnostics(root):
    row = _history(root / STUDENT)[0]
    assert {
        "discriminator_loss",
        "discriminator_teacher_accuracy",
        "discriminator_student_accuracy",
        "discriminator_teacher_class_accuracy",
        "discriminator_student_class_accuracy",
        "supervised",
        "logit_l1",
        "adversarial",
        "agreement",
    } <= set(row)


def test_a_finished_run_does_nothing_again(copied, capsys):
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()}
    assert main.main(_for("distill", f"--output_directory={copied}")) == 0
    assert "is finished; nothing to do" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in copied.rglob("*") if path.is_file()}


def test_another_setting_in_the_same_folder_is_refused(copied, capsys):
    words = _for("distill", f"--output_directory={copied}", "--weight_decay=0.01")
    assert main.main(words) == 2
    said = capsys.readouterr().err
    assert "belongs to another run" in said
    assert "training.weight_decay (there 0.0001, here 0.01)" in said


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_and_ends_the_same(root, tmp_path, capsys, monkeypatch):
    shutil.copytree(root / TEACHER, tmp_path / TEACHER)
    words = _for("distill", f"--output_directory={tmp_path}", "--student_dropout=0.3")
    words += ["--student=wide_resnet", "--student_depth=10"]
    whole = [*words, "--run_name=whole"]
    assert main.main(whole) == 0

    class Interruption(keras.callbacks.Callback):
        def __init__(self, *arguments, **settings):
            super().__init__()

        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("kd_keras.distillation.DiscriminatorMonitor", Interruption, raising=False)
        assert main.main([*words, "--run_name=stopped"]) == 130
    assert "The same command goes on where it was" in capsys.readouterr().err
    assert not (tmp_path / "stopped" / "metrics.json").exists()
    assert main.main([*words, "--run_name=stopped"]) == 0
    assert "going on after epoch 1 of 2" in capsys.readouterr().out
    first, second = (
        keras.models.load_model(tmp_path / name / "student_last.keras").get_weights()
        for name in ("whole", "stopped")
    )
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_missing_teacher_is_said_with_the_command_that_makes_it(tmp_path, capsys):
    assert main.main(_for("distill", f"--output_directory={tmp_path}")) == 2
    said = capsys.readouterr().err
    assert f"No teacher at {tmp_path / TEACHER}. Train one first" in said
    assert "python main.py train_teacher --dataset=synthetic" in said


def test_a_teacher_of_other_classes_is_refused(root, tmp_path, capsys):
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(image)
    keras.Model(image, keras.layers.Dense(7)(x)).save(tmp_path / "seven.keras")
    words = _for("distill", f"--output_directory={root}", f"--teacher_path={tmp_path}/seven.keras")
    assert main.main([*words, "--run_name=other"]) == 2
    assert "knows another number of classes. Expected 4" in capsys.readouterr().err


def test_own_teacher_and_own_student(tmp_path):
    """A teacher that ends in a softmax, a student with another name of its input."""

    def save(name, filters, **last):
        image = keras.Input((8, 8, 3), name=f"{name}_pixels")
        x = keras.layers.Rescaling(1 / 255)(image)
        x = keras.layers.Conv2D(filters, 3, activation="relu")(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        keras.Model(image, keras.layers.Dense(4, **last)(x)).save(tmp_path / f"{name}.keras")

    save("teacher", 8, activation="softmax")
    save("student", 4)
    words = _for(
        "distill",
        f"--output_directory={tmp_path}",
        f"--teacher_path={tmp_path}/teacher.keras",
        f"--student_path={tmp_path}/student.keras",
        "--loss=soft_target:0.9,logit_l1:0.1",
        "--run_name=own",
    )
    assert main.main(words) == 0
    assert main.main(["export", f"--run={tmp_path}/own"]) == 0
    assert (tmp_path / "own" / "exports" / "tflite_float32.tflite").is_file()


@pytest.mark.parametrize(
    "flags",
    [
        (
            *("--teacher_signal=clean", "--track_gradient_shares", "--precision=mixed_bfloat16"),
            *("--warmup_epochs=1", "--nesterov"),
        ),
        ("--game=wasserstein", "--discriminator_batch_statistics=joint", "--clip_norm=1"),
        (
            *("--validation_fraction=0", "--average_decay=0.9", "--schedule=cosine"),
            *("--discriminator_condition=image", "--discriminator_head=joint", "--deterministic"),
        ),
    ],
)
def test_settings_train_to_the_end(root, tmp_path, flags):
    teacher = root / TEACHER / "teacher.keras"
    words = _for("distill", f"--output_directory={tmp_path}", f"--teacher_path={teacher}", *flags)
    words.append(f"--cache_directory={tmp_path}")
    try:
        assert main.main([*words, "--run_name=run", "--epochs=1"]) == 0
    finally:
        if "--deterministic" in flags:
            _disable_determinism()
    rows = _history(tmp_path / "run")
    assert all(np.isfinite(float(value)) for value in rows[0].values())
    assert ("gradient_share_logit_l1" in rows[0]) == ("--track_gradient_shares" in flags)


def _disable_determinism():
    from tensorflow.python.framework import config

    config.disable_op_determinism()


def test_evaluate_takes_every_kind_of_file_and_they_agree(copied):
    assert main.main(["export", f"--run={copied / STUDENT}"]) == 0
    student = copied / STUDENT / "student.keras"
    exports = copied / STUDENT / "exports"
    figures = []
    for path in (student, exports / "saved_model", exports / "tflite_float32.tflite"):
        assert main.main(["evaluate", f"--model={path}"]) == 0
        figures.append(json.loads(pathlib.Path(f"{path}.test.json").read_text()))
    for other in figures[1:]:
        assert other["top1_error_percent"] == figures[0]["top1_error_percent"]
        # The converter folds normalisation into convolutions, which then have a bias.
        assert other["parameters"] == pytest.approx(figures[0]["parameters"], rel=0.01)
        assert other["multiply_adds"] == figures[0]["multiply_adds"]
        assert other["negative_log_likelihood_nats"] == pytest.approx(
            figures[0]["negative_log_likelihood_nats"], rel=1e-4
        )
    assert "agreement_with_teacher_percent" in figures[0]
    trained = _metrics(copied / STUDENT)["best"]
    assert figures[0]["top1_error_percent"] == trained["top1_error_percent"]


def test_a_model_trained_in_bfloat16_is_judged_as_it_is_saved(root, tmp_path):
    words = _for("distill", f"--output_directory={tmp_path}", "--precision=mixed_bfloat16")
    words += [f"--teacher_path={root / TEACHER / 'teacher.keras'}", "--run_name=run"]
    assert main.main(words) == 0
    student = keras.models.load_model(tmp_path / "run" / "student.keras")
    assert {layer.compute_dtype for layer in student.layers} == {"float32"}
    assert main.main(["evaluate", f"--run={tmp_path / 'run'}"]) == 0
    evaluated = json.loads((tmp_path / "run" / "student.keras.test.json").read_text())
    assert evaluated["negative_log_likelihood_nats"] == pytest.approx(
        _metrics(tmp_path / "run")["best"]["negative_log_likelihood_nats"], rel=1e-5
    )


def test_evaluate_on_another_split(copied):
    assert main.main(["evaluate", f"--run={copied / STUDENT}", "--split=validation"]) == 0
    figures = json.loads((copied / STUDENT / "student.keras.validation.json").read_text())
    assert figures["num_examples"] == len(data.load("synthetic").validation)


def test_export_holds_the_student_alone_and_gives_a_verdict(copied, capsys):
    assert main.main(["export", f"--run={copied / STUDENT}"]) == 0
    verdicts = json.loads((copied / STUDENT / "exports" / "verdicts.json").read_text())
    assert {verdict["kind"] for verdict in verdicts} == {"saved_model", "tflite"}
    assert all(verdict["passed"] for verdict in verdicts)
    assert all(verdict["num_examples"] == 64 for verdict in verdicts)
    tflite = copied / STUDENT / "exports" / "tflite_float32.tflite"
    assert tflite.stat().st_size < 1.15 * 4 * _metrics(copied / STUDENT)["parameters"]
    assert "pass" in capsys.readouterr().out


def test_export_without_images_to_judge_on_writes_nothing(copied, capsys, monkeypatch):
    splits = data.load("synthetic")
    empty = dataclasses.replace(splits, test=splits.test.select([]))
    monkeypatch.setattr(pipeline.assembly, "load_splits", lambda config: empty)
    assert main.main(["export", f"--run={copied / STUDENT}"]) == 2
    assert "has no test images. Expected one of train, validation." in capsys.readouterr().err
    assert not (copied / STUDENT / "exports").exists()


def test_export_past_the_tolerance_exits_with_1(copied, capsys):
    words = ["export", f"--run={copied / STUDENT}", "--max_logit_difference=0"]
    assert main.main([*words, "--formats=tflite_float32"]) == 1
    assert "FAIL" in capsys.readouterr().out


def test_nothing_to_look_at(capsys, tmp_path):
    assert main.main(["evaluate"]) == 2
    assert "Nothing to look at. Expected --run=FOLDER" in capsys.readouterr().err
    assert main.main(["export", f"--run={tmp_path}"]) == 2
    assert f"No model in {tmp_path}" in capsys.readouterr().err
    assert main.main(["export", f"--model={tmp_path}/none.keras"]) == 2
    assert "none.keras" in capsys.readouterr().err


def test_quickstart_ends_with_its_table_and_files(tmp_path, capsys, monkeypatch):
    words = [word for word in SMALL if "epochs" not in word]
    words.append(f"--cache_directory={tmp_path / 'cache'}")
    assert main.main(["quickstart", *words, "--epochs=1", f"--output_directory={tmp_path}"]) == 0
    said = capsys.readouterr().out
    for label in ("teacher", "from scratch", "soft targets", "adversarial"):
        assert f"\n{label}" in said
    assert "soft targets gains" in said or "soft targets loses" in said
    folder = tmp_path / "synthetic-plain_cnn-5-1-quickstart"
    exports = folder / "adversarial-seed0" / "exports"
    assert (exports / "saved_model" / "saved_model.pb").is_file()
    assert len(json.loads((folder / "comparison.json").read_text())["methods"]) == 3
    teacher = (tmp_path / TEACHER / "teacher.keras").stat().st_mtime_ns
    words = [*words, "--epochs=1", f"--output_directory={tmp_path}"]
    begun = _seen_in_first_row(monkeypatch, ["quickstart", *words, "--seed=1"])
    assert begun.run.name.endswith("quickstart/from-scratch-seed1")
    assert (tmp_path / TEACHER / "teacher.keras").stat().st_mtime_ns == teacher
    own, elsewhere = tmp_path / TEACHER / "teacher.keras", tmp_path / "elsewhere"
    _seen_in_first_row(
        monkeypatch,
        ["quickstart", *words, f"--teacher_path={own}", f"--output_directory={elsewhere}"],
    )
    assert f"teacher: {own}\n" in capsys.readouterr().out
    assert not (elsewhere / TEACHER).exists()
    assert main.main(["quickstart", *words, "--run_name=x"]) == 2
    assert "quickstart makes several runs" in capsys.readouterr().err


def _seen_in_first_row(monkeypatch, words):
    """What the first student is to be trained by; it is not begun."""
    seen = []

    def distill(config):
        seen.append(config)
        raise ValueError("seen")

    monkeypatch.setattr(learning, "distill", distill)
    assert main.main(words) == 2
    return seen[0]


def test_too_large_a_batch_is_said(tmp_path, capsys):
    words = [word for word in _for("train_teacher") if "batch_size" not in word]
    assert main.main([*words, "--batch_size=1000", f"--output_directory={tmp_path}"]) == 2
    assert "Invalid value for batch_size. Expected 1 to 230" in capsys.readouterr().err


@pytest.mark.slow
def test_two_devices_end_as_one(root, tmp_path):
    teacher = root / TEACHER / "teacher.keras"
    weights = []
    for devices in ("1", "2"):
        words = _for(
            "distill",
            f"--output_directory={tmp_path}",
            f"--teacher_path={teacher}",
            "--discriminator_dropout=0",
            "--epochs=1",
            f"--devices={devices}",
            f"--run_name=on{devices}",
        )
        assert main.main(words) == 0
        model = keras.models.load_model(tmp_path / f"on{devices}" / "student_last.keras")
        weights.append(model.get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-4)
    assert training.RunFolder(tmp_path / "on2").finished


def test_a_file_without_preprocessing_is_given_standardised_images(copied):
    words = ["export", f"--run={copied / STUDENT}", "--noinclude_preprocessing"]
    assert main.main(words) == 0
    path = copied / STUDENT / "exports" / "tflite_float32.tflite"
    assert main.main(["evaluate", f"--model={path}"]) == 0
    figures = json.loads(pathlib.Path(f"{path}.test.json").read_text())
    expected = _metrics(copied / STUDENT)["best"]
    assert figures["negative_log_likelihood_nats"] == pytest.approx(
        expected["negative_log_likelihood_nats"], rel=1e-4
    )


def _seen_in_training(monkeypatch, words):
    """What training is given: the callbacks and the first batch; it is not begun."""
    seen = {}

    def train(distiller, make_batches, *, callbacks, **settings):
        seen.update(callbacks=callbacks, batch=next(iter(make_batches(0, 0))), distiller=distiller)
        raise ValueError("seen")

    monkeypatch.setattr(learning.training, "train", train)
    assert main.main(words) == 2
    return seen


def test_a_schedule_of_weights_reaches_the_distiller(monkeypatch, copied):
    words = _for("distill", f"--output_directory={copied}", "--weight_schedule=logit_l1=1:0+2:3")
    seen = _seen_in_training(monkeypatch, [*words, "--adversarial_weight=0"])
    schedule = seen["callbacks"][0]
    schedule.set_model(seen["distiller"])
    values = []
    for epoch in range(2):
        schedule.on_epoch_begin(epoch)
        values.append(float(seen["distiller"].hyperparameters["logit_l1"]))
    assert values == [0.0, 3.0]


def test_a_loss_with_a_memory_is_told_which_images_it_sees(monkeypatch, copied):
    words = _for("distill", f"--output_directory={copied}", "--loss=contrast_memory")
    seen = _seen_in_training(monkeypatch, [*words, "--adversarial_weight=0"])
    features, labels = seen["batch"]
    loss, examples = seen["distiller"].terms.matching["contrast_memory"], features["examples"]
    assert loss.memories["student"].shape[0] == 230  # of 256, some are kept for validation
    np.testing.assert_array_equal(loss._labels[examples.numpy()], labels)
    assert len(set(examples.numpy().tolist())) == len(labels) == 32


def test_a_network_of_another_project_becomes_a_teacher(tmp_path, capsys):
    rep_distiller_files.write_weights(tmp_path / "ckpt.pth")
    words = ["convert", f"--model={tmp_path / 'ckpt.pth'}", f"--output_directory={tmp_path}"]
    assert main.main(words) == 0
    path = tmp_path / "wide_resnet-10-1-converted" / "teacher.keras"
    assert f"--teacher_path={path.parent}" in capsys.readouterr().out
    assert keras.models.load_model(path).output_shape == (None, rep_distiller_files.CLASSES)
    assert main.main(words) == 2
    assert "Remove it, or choose another --run_name." in capsys.readouterr().err
    assert main.main(["convert", f"--model={path}"]) == 2
    assert "Expected --model=FILE.pth, a teacher of RepDistiller." in capsys.readouterr().err


def test_a_teacher_learns_by_none_of_a_students_settings(monkeypatch, tmp_path):
    flags = tmp_path / "whole.flags"
    flags.write_text("--supervised_weight=0.5\n--weight_schedule=logit_l1=1:0+2:3\n")
    words = _for("train_teacher", f"--output_directory={tmp_path}", f"--flagfile={flags}")
    seen = _seen_in_training(monkeypatch, words)
    schedule, weights = seen["callbacks"][0], seen["distiller"].hyperparameters
    schedule.set_model(seen["distiller"])
    schedule.on_epoch_begin(1)
    assert {name: float(weight) for name, weight in weights.items()} == {"supervised": 1.0}


def test_a_student_of_labels_alone_has_their_weight(monkeypatch, tmp_path):
    words = _for("distill", f"--output_directory={tmp_path}", "--loss=", "--adversarial_weight=0")
    seen = _seen_in_training(monkeypatch, [*words, "--supervised_weight=0.5"])
    assert float(seen["distiller"].hyperparameters["supervised"]) == 0.5


@pytest.mark.parametrize("command", ["train_teacher", "distill"])
def test_patience_needs_validation_images(tmp_path, capsys, command):
    words = [f"--output_directory={tmp_path}", "--patience=1", "--validation_fraction=0"]
    assert main.main(_for(command, *words)) == 2
    assert "Expected --validation_fraction above 0, or --patience=0." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
