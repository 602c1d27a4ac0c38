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
    folder.claim(IDENTITY, {"versions": 1})
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
            "distillation.loss (there ['soft_target'], here ['logit_l1'])",
        ),
        ({"teacher": "abc"}, "teacher (there None, here abc)"),
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
    with pytest.raises(ValueError, match=r"Different: teacher \(there abc, here None\)"):
        folder.claim(IDENTITY, {})


def test_a_damaged_record_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="Damaged file"):
        training.RunFolder(tmp_path).claim(IDENTITY, {})
