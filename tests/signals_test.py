"""The signal of a run and the command `cache`, as a user types them."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest

import main
from kd_keras import config, data, hosts, signals
from kd_keras.distillation import cache as caches

TEACHER = "synthetic-wide_resnet-10-1-teacher"


def _save_classifier(path, seed, *, dropout=0.0, classes=4, side=8):
    initializers = [keras.initializers.GlorotUniform(seed + i) for i in range(2)]
    image = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(4, 3, strides=2, kernel_initializer=initializers[0])(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(name="tap")(x))
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    logits = keras.layers.Dense(classes, kernel_initializer=initializers[1])(x)
    keras.Model(image, logits, name="small").save(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with two teachers, one of them with dropout, and two students."""
    folder = tmp_path_factory.mktemp("signals")
    for name, seed, dropout in (("first", 1, 0.5), ("second", 2, 0.0), ("student", 3, 0.0)):
        _save_classifier(folder / f"{name}.keras", seed, dropout=dropout)
    _save_classifier(folder / "free.keras", 3, side=None)
    return folder


@pytest.fixture
def run(root, tmp_path):
    """Runs a command with the small setting; what it builds is under `tmp_path`."""

    def run(command, *words):
        common = [
            "--dataset=synthetic",
            f"--teacher_path={root / 'first.keras'}",
            "--batch_size=64",
            f"--output_directory={tmp_path}",
            f"--cache_directory={tmp_path}",
        ]
        if command == "distill":
            student = f"--student_path={root / 'student.keras'}"
            common += [student, "--learning_rate=0.01", "--adversarial_weight=0"]
        if not any(word.startswith("--epochs") for word in words):
            common.append("--epochs=2")
        return main.main([command, *common, *words])

    return run


def _history(folder):
    lines = (folder / "history.csv").read_text().splitlines()
    values = [[float(value) for value in line.split(",")] for line in lines[1:]]
    return lines[0].split(","), np.array(values)


def test_a_run_on_stored_views_is_the_run_with_a_live_teacher(run, root, tmp_path, capsys):
    student = f"--student_path={root / 'free.keras'}"
    for source in ("live", "views"):
        assert run("distill", student, f"--teacher_signal={source}", f"--run_name={source}") == 0
    assert capsys.readouterr().out.count("teacher cache: 2 views x 230 images") == 1
    (names, live), (_, views) = _history(tmp_path / "live"), _history(tmp_path / "views")
    columns = [names.index(name) for name in ("logit_l1", "supervised", "val_loss")]
    np.testing.assert_allclose(views[:, columns], live[:, columns], rtol=1e-3)
    figures = json.loads((tmp_path / "views" / "metrics.json").read_text())
    assert "agreement_with_teacher_percent" in figures["best"]
    # The student takes images of any size: its work is counted for those that it was judged on.
    assert figures["multiply_adds"] == 3 * 3 * 4 * 3 * 3 * 3 + 4 * 4


def test_views_that_return_are_asked_for_once(run, capsys):
    words = ("--teacher_signal=views", "--views=2", "--epochs=3", "--run_name=cycled")
    assert run("distill", *words) == 0
    assert "teacher cache: 2 views x 230 images" in capsys.readouterr().out


def test_stored_dropout_and_an_ensemble_train_to_the_end(run, root, tmp_path, capsys):
    words = (
        "--teacher_signal=clean",
        f"--teacher_ensemble={root / 'second.keras'}",
        "--teacher_active_dropout",
        "--teacher_samples=2",
        "--run_name=several",
    )
    assert run("distill", *words) == 0
    said = capsys.readouterr().out
    assert f"  teacher: {root / 'first.keras'} and {root / 'second.keras'}\n" in said
    assert "teacher cache: 1 view x 2 answers x 230 images x 4 classes, float16" in said
    record = json.loads((tmp_path / "several" / "config.json").read_text())
    assert record["teacher"] is None


def test_several_teachers_average_probabilities_and_vote(run, root, tmp_path, capsys):
    words = (
        f"--teacher_ensemble={root / 'second.keras'}",
        "--teacher_mean_temperature=4",
        "--loss=soft_target,relative_dissimilarity",
        "--loss_option=relative_dissimilarity.taps=tap",
        "--run_name=voting",
    )
    assert run("distill", *words) == 0
    said = capsys.readouterr().out
    assert "second.keras, their probabilities averaged at T = 4\n" in said
    names, values = _history(tmp_path / "voting")
    assert values[-1][names.index("relative_dissimilarity")] > 0
    folder = tmp_path / "voting"
    terms = json.loads((folder / "config.json").read_text())["identity"]
    assert terms["signal.mean_temperature"] == 4.0


def test_another_mean_is_another_entry_of_the_cache(run, root, capsys):
    words = ("--teacher_signal=clean", f"--teacher_ensemble={root / 'second.keras'}")
    for more in ((), ("--teacher_mean_temperature=1",), ("--teacher_mean_temperature=4",)):
        assert run("cache", "--cache_action=build", *words, *more) == 0
        assert "1 view x 230 images" in capsys.readouterr().out
    assert run("cache") == 0
    assert len(capsys.readouterr().out.strip().splitlines()) == 1 + 3  # a line of headings


def test_live_dropout_trains_to_the_end_and_is_judged_calmly(run, tmp_path):
    assert run("distill", "--teacher_active_dropout", "--run_name=one") == 0
    assert run("distill", "--teacher_active_dropout", "--run_name=two") == 0
    metrics = [json.loads((tmp_path / n / "metrics.json").read_text()) for n in ("one", "two")]
    assert metrics[0]["best"] == metrics[1]["best"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("--teacher_signal=views", "--signal_top_k=2", "--adversarial_weight=1"),
            "A discriminator would know the teacher by the equal logits of the classes that are "
            "not kept. Expected --signal_top_k=0. Received: 2. Keep all classes, or train without "
            "a discriminator: --adversarial_weight=0.",
        ),
        (
            ("--teacher_signal=clean", "--signal_top_k=4"),
            "Invalid value for top_k. Expected less than the 4 classes, or 0 for all of them. "
            "Received: 4. Set --signal_top_k.",
        ),
        (
            ("--teacher_signal=views", "--loss=attention_transfer"),
            "Logits are all that is kept of the teacher, and AttentionTransfer compares inner "
            "layers, for which the teacher itself must run. Expected --teacher_signal=live. "
            "Received: views.",
        ),
        (
            ("--teacher_ensemble=SECOND", "--loss=attention_transfer"),
            "AttentionTransfer compares inner layers, which the mean of several teachers does not "
            "have. Expected no --teacher_ensemble. Received: SECOND.",
        ),
        (
            ("--teacher_signal=views", "--adversarial_weight=1", "--discriminator_tap=tap"),
            "Logits are all that is kept of the teacher, and Adversary compares inner layers, for "
            "which the teacher itself must run. Expected --teacher_signal=live. Received: views.",
        ),
        (
            ("--adversarial_weight=1", "--discriminator_several_teachers"),
            "There is one teacher. Expected --teacher_ensemble=FILE,... beside "
            "--discriminator_several_teachers. Received: no --teacher_ensemble.",
        ),
        (
            (
                "--adversarial_weight=1",
                "--discriminator_several_teachers",
                "--teacher_ensemble=SECOND",
                "--teacher_signal=clean",
            ),
            "Of several teachers only the mean of their logits is kept, and the discriminator is "
            "to be shown each of them. Expected --teacher_signal=live. Received: clean.",
        ),
        (
            ("--teacher_path=SECOND", "--teacher_active_dropout"),
            "small has no dropout. Expected layers of dropout of a rate above 0, because they are "
            "to be active. Received: none. Train a teacher with --teacher_dropout, or leave "
            "--teacher_active_dropout out.",
        ),
        (("--teacher_ensemble=NOWHERE",), "NOWHERE"),
        (
            ("--teacher_mean_temperature=4",),
            "Invalid value for mean_temperature. Expected 0, unless ensemble names further "
            "teachers: one has no mean. Received: 4.0.",
        ),
    ],
)
def test_what_a_signal_cannot_be_is_said_before_anything_is_written(
    run, root, tmp_path, capsys, words, sentence
):
    places = {"SECOND": str(root / "second.keras"), "NOWHERE": str(root / "nowhere.keras")}
    for name, path in places.items():
        words = [word.replace(name, path) for word in words]
        sentence = sentence.replace(name, path)
    assert run("distill", *words, "--run_name=refused") == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "refused").exists()
    assert not (tmp_path / "teacher_logits").exists()


def test_several_hosts_keep_no_logits(monkeypatch, root):
    monkeypatch.setattr(
        signals.hosts, "read_cluster", lambda: hosts.Cluster(("a:1", "b:2"), ("w0", "w1"))
    )
    asked = config.from_dictionary(
        {
            "data": {"dataset": "synthetic"},
            "teacher": {"path": str(root / "first.keras")},
            "signal": {"source": "views"},
            "training": {"precision": "float32"},
        }
    )
    with pytest.raises(ValueError, match="Several hosts cannot keep") as caught:
        signals.read_teacher(asked, data.load("synthetic"))
    assert str(caught.value).endswith("Expected --teacher_signal=live. Received: views.")


@pytest.mark.parametrize(
    ("precision", "computed"), [("float32", "float32"), ("mixed_bfloat16", "bfloat16")]
)
def test_teachers_compute_in_the_precision_of_the_run(root, precision, computed):
    asked = config.from_dictionary(
        {
            "data": {"dataset": "synthetic"},
            "teacher": {"path": str(root / "first.keras")},
            "signal": {"ensemble": [str(root / "second.keras")]},
            "training": {"precision": precision},
        }
    )
    teacher, _ = signals.read_teacher(asked, data.load("synthetic"))
    layers = teacher._flatten_layers(include_self=False, recursive=True)
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.compute_dtype for layer in convolutions] == [computed] * 2
    assert {weight.dtype for weight in teacher.weights} == {"float32"}
    assert teacher(np.zeros((1, 8, 8, 3), np.float32)).dtype == "float32"


def test_an_ensemble_of_other_classes_is_refused(run, tmp_path, capsys):
    _save_classifier(tmp_path / "seven.keras", 0, classes=7)
    assert run("distill", f"--teacher_ensemble={tmp_path / 'seven.keras'}") == 2
    assert "seven.keras knows another number of classes. Expected 4" in capsys.readouterr().err


def test_the_cache_is_built_listed_verified_and_removed(run, tmp_path, capsys):
    kept = "--teacher_signal=views"
    assert run("cache") == 0
    assert f"No stored logits in {tmp_path / 'teacher_logits'}.\n" in capsys.readouterr().out
    assert run("cache", "--cache_action=build", kept) == 0
    assert run("cache", "--cache_action=build", "--teacher_signal=clean") == 0
    assert "The stored logits are complete.\n" in capsys.readouterr().out
    assert run("cache", "--cache_action=list") == 0
    said = capsys.readouterr().out
    [clean] = re.findall(r"^(synthetic-first-clean-[0-9a-f]{16}) +1 +230 +4 cl", said, re.M)
    [views] = re.findall(r"^(synthetic-first-views-[0-9a-f]{16}) +2 +230 +4 cl", said, re.M)
    for words in ([kept], [f"--cache_entry={clean}"], ["--cache_entry=synthetic-first-v"]):
        assert run("cache", "--cache_action=verify", *words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{views}: every byte is as it was written, and the teacher says the same." in lines
    assert f"{clean}: every byte is as it was written." in lines
    assert run("cache", "--cache_action=remove", "--cache_entry=synthetic") == 2
    assert "Ambiguous cache_entry." in capsys.readouterr().err
    assert run("cache", "--cache_action=remove", f"--cache_entry={clean}") == 0
    assert run("cache", "--cache_action=remove", kept) == 0
    assert f"{views} is removed.\n" in capsys.readouterr().out
    assert caches.summarize_entries(tmp_path) == []
    assert run("cache", "--cache_action=verify", kept) == 2
    assert "Build it with the same flags" in capsys.readouterr().err


def test_a_damaged_cache_is_said_with_the_command_that_helps(run, tmp_path, capsys):
    words = ("--teacher_signal=clean", "--run_name=run")
    assert run("cache", "--cache_action=build", words[0]) == 0
    [folder] = (tmp_path / "teacher_logits").glob("synthetic-*")
    path = folder / "views-0000.bin"
    path.write_bytes(path.read_bytes()[:-1])
    capsys.readouterr()
    assert run("distill", *words) == 2
    said = capsys.readouterr().err
    assert f"The teacher cache {folder} cannot be used. Its views-0000.bin is too short." in said
    command = said.strip().rpartition("python main.py ")[2].split()
    assert main.main(command) == 0
    assert run("distill", *words) == 0
    (folder / "ledger.json").write_text("{")
    assert run("cache") == 0
    assert "Its ledger.json is missing or damaged." in capsys.readouterr().out


@pytest.mark.parametrize("action", ["build", "verify", "remove"])
def test_of_a_live_signal_nothing_is_kept(run, capsys, action):
    assert run("cache", f"--cache_action={action}") == 2
    assert "Nothing is kept of this signal. Expected clean or views." in capsys.readouterr().err


def test_a_name_does_not_say_what_to_build(run, capsys):
    words = ("--cache_action=build", "--teacher_signal=views", "--cache_entry=synthetic")
    assert run("cache", *words) == 2
    assert "Expected no --cache_entry. Received: synthetic." in capsys.readouterr().err


@pytest.mark.parametrize(("epochs", "views", "expected"), [(30, 0, 30), (30, 10, 10), (5, 10, 5)])
def test_a_run_goes_through_as_many_views_as_it_has_epochs(epochs, views, expected):
    made = config.Config()
    made = dataclasses.replace(
        made,
        data=dataclasses.replace(made.data, views=views),
        training=dataclasses.replace(made.training, epochs=epochs),
    )
    assert signals.count_views(made) == expected
