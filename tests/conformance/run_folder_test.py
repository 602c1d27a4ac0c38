"""What a user is told in a run's folder: one line, exit status 2, and nothing is lost."""

import json
import re
import shutil
import subprocess

import keras
import numpy as np
import pytest

import main
from kd_keras import data
from kd_keras.training import archive, locking

SPLITS = data.load("synthetic")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A small network's file."""
    image = keras.Input(SPLITS.image_shape)
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    path = tmp_path_factory.mktemp("network") / "teacher.keras"
    keras.Model(image, keras.layers.Dense(SPLITS.num_classes)(x)).save(path)
    return path


@pytest.fixture(scope="module")
def finished(network, tmp_path_factory):
    """The folder of a finished run."""
    directory = tmp_path_factory.mktemp("runs")
    assert main.main(words_for(network, directory)) == 0
    return directory / "run"


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of it that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def unfinished(folder):
    """The same, killed before its last file was written."""
    (folder / "metrics.json").unlink()
    return folder


def words_for(network, directory, *more):
    return [
        "train_teacher",
        "--dataset=synthetic",
        "--batch_size=24",
        "--epochs=1",
        "--precision=float32",
        f"--teacher_path={network}",
        f"--output_directory={directory}",
        "--run_name=run",
        *more,
    ]


@pytest.fixture
def refuse(network, capsys):
    """Runs the command in a run's folder, and gives the line it was refused with."""

    def run(folder, *more):
        capsys.readouterr()
        assert main.main(words_for(network, folder.parent, *more)) == 2
        said = capsys.readouterr().err
        assert said.startswith("main.py: ")
        assert said.count("\n") == 1
        return said.removeprefix("main.py: ").rstrip("\n")

    return run


def test_a_folder_that_another_process_is_in(refuse, unfinished):
    with locking.lock_folder(unfinished):
        said = refuse(unfinished)
    assert re.fullmatch(
        rf"The folder {unfinished} is in use by process \d+ on \S+\. Wait for its end, or choose "
        r"another --run_name\.",
        said,
    )


def test_a_folder_of_another_configuration(refuse, folder):
    said = refuse(folder, "--learning_rate=0.3", "--flip=yes", "--learning_rate_drops=1,2")
    assert said == (
        f"The folder {folder} belongs to another run. Different: data.flip (there auto, here "
        "yes), training.learning_rate (there 0.1, here 0.3), training.learning_rate_drops (there "
        "empty, here 1,2). Choose another --run_name, or remove the folder."
    )


def test_a_damaged_record(refuse, folder):
    (folder / "config.json").write_text('{"identity"')
    said = refuse(folder)
    assert said.startswith(f"Damaged file {folder}/config.json. Expected JSON. Received: ")
    assert said.endswith(
        f". Remove the folder {folder} to start over, or choose another --run_name."
    )


def test_damaged_figures_are_written_anew(refuse, folder, network, capsys):
    text = (folder / "metrics.json").read_text()
    (folder / "metrics.json").write_text(text[: len(text) // 2])
    said = refuse(folder)
    assert said.startswith(f"Damaged file {folder}/metrics.json. Expected JSON. Received: ")
    assert said.endswith(". Remove it and start the run's command again, which writes it anew.")
    (folder / "metrics.json").unlink()
    assert main.main(words_for(network, folder.parent)) == 0
    assert "going on after epoch 1 of 1" in capsys.readouterr().out
    anew, before = json.loads((folder / "metrics.json").read_text()), json.loads(text)
    # What the process has taken so far is this process's own figure.
    for figures in (anew, before):
        assert figures.pop("peak_memory_bytes")["main memory"] > 0
    assert anew == before


@pytest.mark.parametrize("name", ["last.npz", "best_0001.npz"])
def test_a_damaged_checkpoint(refuse, unfinished, name):
    path = unfinished / "checkpoints" / name
    path.write_bytes(path.read_bytes()[:-50])
    said = refuse(unfinished)
    what = {
        "last.npz": "Remove the file to start over.",
        "best_0001.npz": f"Remove the folder {path.parent} to start over.",
    }
    assert said.startswith(f"Damaged checkpoint {path}. Received: ")
    assert said.endswith(what[name])


def test_what_a_killed_process_left_is_removed(unfinished, network):
    with subprocess.Popen(["true"]) as process:
        pass
    left = unfinished / "checkpoints" / f".last.npz.{process.pid}.partial"
    left.write_bytes(b"half")
    assert main.main(words_for(network, unfinished.parent)) == 0
    assert not left.exists()


def test_an_absurd_learning_rate(refuse, tmp_path):
    """It is said twice in the same words: the last good state stands."""
    absurd = ("--learning_rate=1e25", "--checkpoint_minutes=0.000001")
    said = refuse(tmp_path / "run", *absurd)
    match = re.fullmatch(
        r"Training has become unstable: supervised not finite at step (\d) of epoch 1\. The state "
        r"after step (\d) of epoch 1 stands\. Lower the learning rate, or set --clip_norm\.",
        said,
    )
    assert match, said
    assert int(match[2]) < int(match[1])
    groups, meta = archive.read_arrays(tmp_path / "run/checkpoints/last.npz", advice="")
    assert meta["step"] == int(match[2])
    assert all(np.isfinite(array).all() for arrays in groups.values() for array in arrays)
    assert refuse(tmp_path / "run", *absurd) == said
