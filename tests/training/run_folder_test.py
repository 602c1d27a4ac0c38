import os
import subprocess

import pytest

from kd_keras import files, training

IDENTITY = {"command": "distill", "training.epochs": 3, "distillation.loss": ("soft_target",)}


def test_where_things_are(tmp_path):
    folder = training.RunFolder(str(tmp_path / "run"))
    assert folder.path == tmp_path / "run"
    assert folder.config_path == tmp_path / "run/config.json"
    assert folder.checkpoints_path == tmp_path / "run/checkpoints"
    assert folder.history_path == tmp_path / "run/history.csv"
    assert folder.metrics_path == tmp_path / "run/metrics.json"
    assert folder.tensorboard_path == tmp_path / "run/tensorboard"
    assert not folder.path.exists()


def test_a_run_is_finished_when_its_figures_are_there(tmp_path):
    folder = training.RunFolder(tmp_path)
    assert not folder.finished
    files.write_json(folder.metrics_path, {})
    assert folder.finished


def test_claiming_writes_the_identity_and_the_record(tmp_path):
    folder = training.RunFolder(tmp_path / "run")
    folder.claim(IDENTITY, {"versions": {"keras": "3"}})
    assert files.read_json(folder.config_path) == {
        "identity": {**IDENTITY, "distillation.loss": ["soft_target"]},
        "versions": {"keras": "3"},
    }


def test_the_same_run_may_claim_again_and_changes_nothing(tmp_path):
    folder = training.RunFolder(tmp_path)
    with folder.claim(IDENTITY, {"versions": 1}):
        pass
    before = folder.config_path.read_bytes()
    training.RunFolder(tmp_path).claim(dict(IDENTITY), {"versions": 2})
    assert folder.config_path.read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"training.epochs": 4}, "training.epochs (there 3, here 4)"),
        (
            {"training.epochs": 4, "command": "train_teacher"},
            "command (there distill, here train_teacher), training.epochs (there 3, here 4)",
        ),
        (
            {"distillation.loss": ("logit_l1",)},
            "distillation.loss (there soft_target, here logit_l1)",
        ),
        ({"distillation.loss": ()}, "distillation.loss (there soft_target, here empty)"),
        ({"teacher": "abc"}, "teacher (there missing, here abc)"),
        ({"teacher": "0123456789abcdef" * 4}, "teacher (there missing, here 01234567)"),
        ({"student.path": "p" * 70}, f"student.path (there missing, here {'p' * 60}...)"),
    ],
)
def test_another_run_is_refused_with_what_differs(tmp_path, changes, differing):
    folder = training.RunFolder(tmp_path)
    folder.claim(IDENTITY, {})
    before = folder.config_path.read_bytes()
    with pytest.raises(ValueError, match="belongs to another run") as caught:
        folder.claim({**IDENTITY, **changes}, {})
    assert str(caught.value) == (
        f"The folder {tmp_path} belongs to another run. Different: {differing}. "
        "Choose another --run_name, or remove the folder."
    )
    assert folder.config_path.read_bytes() == before


def test_a_run_that_lacks_a_part_of_the_identity_is_another_run(tmp_path):
    folder = training.RunFolder(tmp_path)
    folder.claim({**IDENTITY, "teacher": "abc"}, {})
    with pytest.raises(ValueError, match=r"Different: teacher \(there abc, here missing\)"):
        folder.claim(IDENTITY, {})


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ("{", "Expected JSON. Received: Expecting property name"),
        ("[1, 2]", "Expected the record of a run, with its identity. Received: 1,2. "),
        ('{"identity": 3}', "Expected the record of a run, with its identity. Received: {'id"),
        ("", "Expected JSON. Received: "),
    ],
)
def test_a_damaged_record_is_refused(tmp_path, content, received):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="Damaged file") as caught:
        training.RunFolder(tmp_path).claim(IDENTITY, {})
    assert received in str(caught.value)
    assert str(caught.value).endswith(
        f". Remove the folder {tmp_path} to start over, or choose another --run_name."
    )


def test_another_process_is_kept_out_while_it_lasts(tmp_path):
    with training.RunFolder(tmp_path).claim(IDENTITY, {}):
        other = training.RunFolder(tmp_path)
        with pytest.raises(ValueError, match=f"in use by process {os.getpid()}"):
            other.claim(IDENTITY, {})
    with other.claim(IDENTITY, {}):
        pass


def test_a_refused_folder_is_not_locked(tmp_path):
    with training.RunFolder(tmp_path).claim(IDENTITY, {}):
        pass
    with pytest.raises(ValueError, match="another run"):
        training.RunFolder(tmp_path).claim({}, {})
    with training.RunFolder(tmp_path).claim(IDENTITY, {}):
        pass


def test_a_finished_run_is_neither_locked_nor_touched(tmp_path):
    folder = training.RunFolder(tmp_path)
    with folder.claim(IDENTITY, {}):
        files.write_json(folder.metrics_path, {"epochs": 1})
        (tmp_path / ".lock").unlink()
        with training.RunFolder(tmp_path).claim(IDENTITY, {}):
            assert not (tmp_path / ".lock").exists()


def test_a_check_changes_nothing(tmp_path):
    folder = training.RunFolder(tmp_path / "new")
    folder.require_same(IDENTITY)
    assert not folder.path.exists()
    with folder.claim(IDENTITY, {}):
        training.RunFolder(folder.path).require_same(IDENTITY)
        with pytest.raises(ValueError, match="belongs to another run"):
            training.RunFolder(folder.path).require_same({})


def test_what_killed_processes_left_is_removed(tmp_path):
    with subprocess.Popen(["true"]) as ended:
        pass
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    left = [checkpoints / f".last.npz.{ended.pid}.partial", tmp_path / f".a.{os.getpid()}.partial"]
    for path in left:
        path.touch()
    kept = checkpoints / "last.npz"
    kept.touch()
    with training.RunFolder(tmp_path).claim(IDENTITY, {}):
        assert [path for path in (*left, kept) if path.exists()] == [kept]


def test_the_figures_of_a_finished_run(tmp_path):
    folder = training.RunFolder(tmp_path)
    with pytest.raises(FileNotFoundError, match="No file at"):
        folder.read_metrics()
    files.write_json(folder.metrics_path, {"epochs": 3})
    assert folder.read_metrics() == {"epochs": 3}


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ("{", "Expected JSON."),
        ("[]", "Expected the figures of a run by name, with epochs, best. Received: empty."),
        ('{"epochs": 3}', "Expected the figures of a run by name, with epochs, best. Received: {"),
    ],
)
def test_damaged_figures_are_refused(tmp_path, content, received):
    folder = training.RunFolder(tmp_path)
    folder.metrics_path.write_text(content)
    with pytest.raises(ValueError, match="Damaged file") as caught:
        folder.read_metrics(names=("epochs", "best"))
    assert received in str(caught.value)
    assert str(caught.value).endswith(
        " Remove it and start the run's command again, which writes it anew."
    )
