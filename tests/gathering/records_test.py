import json
import re

import pytest

from kd_keras.gathering import records
from tests.gathering import folders


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    folders.make_trio(root)
    return root


def change(folder, **facts):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_a_finished_run_is_read(root):
    record = records.read_record(root / "small")
    assert record.model_path == root / "small" / "student.keras"
    assert record.figures["best"]["top1_error_percent"] == 20.0
    assert record.verdicts == ()
    assert record.network == "wide_resnet-10-1"
    assert not record.is_teacher
    assert not record.is_control


def test_an_empty_cell_of_the_history_is_left_out(root):
    assert records.read_record(root / "small").history == (
        {"epoch": 1.0, "accuracy": 0.25, "val_accuracy": 0.5, "discriminator_loss": 4.0},
        {"epoch": 2.0, "accuracy": 0.5, "val_accuracy": 0.625},
    )


def test_teachers_and_controls_are_known(root):
    assert records.read_record(root / "big").is_teacher
    assert not records.read_record(root / "big").is_control
    assert records.read_record(root / "plain").is_control


def test_what_was_made_of_a_network_is_no_control_and_has_a_name_of_its_own(tmp_path):
    found = {}
    for command in ("prune", "quantize"):
        folder = folders.make_run(tmp_path / command, command=command, **folders.LABELS_ALONE)
        identity = json.loads((folder / "config.json").read_text())["identity"]
        change(
            folder, identity=identity | ({"pruning.fraction": 0.25} if command == "prune" else {})
        )
        found[command] = records.read_record(folder)
    assert found["prune"].network == "wide_resnet-10-1-pruned25"
    assert found["quantize"].network == "wide_resnet-10-1-int8"
    assert not any(record.is_control for record in found.values())


def test_a_model_of_ones_own_is_called_after_its_file(root, tmp_path):
    folder = folders.make_run(tmp_path / "own", finished=False)
    config = json.loads((folder / "config.json").read_text())["config"]
    config["student"]["path"] = "nets/mine.keras"
    change(folder, config=config)
    assert records.read_record(folder).network == "mine"


def test_a_run_that_has_just_begun_has_little(tmp_path):
    folder = folders.make_run(tmp_path / "new", finished=False)
    (folder / "history.csv").unlink()
    record = records.read_record(folder)
    assert (record.history, record.figures, record.model_path) == ((), None, None)


def test_verdicts_of_exported_files_are_read(tmp_path):
    folder = folders.make_run(tmp_path / "a", finished=False)
    (folder / "exports").mkdir()
    (folder / "exports" / "verdicts.json").write_text('[{"passed": true}]')
    assert records.read_record(folder).verdicts == ({"passed": True},)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        records.read_record(tmp_path)
    assert str(caught.value) == (
        f"No run in {tmp_path}. Expected config.json of a run, or comparison.json of a comparison."
    )


def test_a_comparison_that_has_just_begun_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"identity": {}, "config": {}}')
    with pytest.raises(ValueError, match=r"one without class_names\. A comparison has a page once"):
        records.read_record(tmp_path)


@pytest.mark.parametrize("text", ["epoch,accuracy\n1,good\n", 'epoch\n"1\n', "epoch\n1,2\n"])
def test_a_damaged_history_is_refused(tmp_path, text):
    folder = folders.make_run(tmp_path / "a", finished=False)
    (folder / "history.csv").write_text(text)
    where = re.escape(str(folder / "history.csv"))
    with pytest.raises(ValueError, match=f"Damaged file {where}. Expected numbers by epoch"):
        records.read_record(folder)


def test_the_control_beside_a_run_is_found(root):
    assert records.find_control(records.read_record(root / "small")).path == root / "plain"


@pytest.mark.parametrize(
    "other",
    [
        {"width": 2, **folders.LABELS_ALONE},
        {"finished": False, **folders.LABELS_ALONE},
        {"loss": ("soft_target",)},
    ],
    ids=["another network", "unfinished", "not on labels alone"],
)
def test_another_run_is_no_control(tmp_path, other):
    record = records.read_record(folders.make_run(tmp_path / "small", finished=False))
    folders.make_run(tmp_path / "other", **other)
    assert records.find_control(record) is None


def test_a_damaged_neighbour_is_passed_over(tmp_path):
    record = records.read_record(folders.make_run(tmp_path / "small", finished=False))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text("{")
    assert records.find_control(record) is None
