"""The example in docs runs with LiteRT and NumPy alone, and says what the model says."""

import os
import pathlib
import subprocess
import sys
import venv

import keras
import numpy as np
import pytest

from kd_keras import export

EXAMPLE = pathlib.Path(__file__).parents[1] / "docs" / "raspberry_pi.py"
NAMES = ("ant", "bee", "cat", "dog")
# Refuses what a device does not have, and then runs the example.
WITHOUT_TENSORFLOW = """
import runpy, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "kd_keras"):
            raise ImportError(f"{name} is not installed")
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """Files, a picture as a camera gives it, and what the model says of it."""
    folder = tmp_path_factory.mktemp("device")
    generator = np.random.default_rng(0)
    image = keras.Input((4, 6, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(keras.layers.GlobalAveragePooling2D()(image))
    dense = keras.layers.Dense(4, name="logits")
    model = keras.Model(image, dense(x))
    dense.set_weights([generator.normal(0, 4, (3, 4)), generator.normal(0, 1, 4)])
    images = generator.integers(0, 256, (50, 1, 1, 3), np.uint8).repeat(4, 1).repeat(6, 2)
    paths = export.write(
        model,
        folder,
        ("tflite_float32", "tflite_int8", "tflite_uint8"),
        class_names=NAMES,
        representative_images=images,
    )
    (folder / "picture.rgb").write_bytes(images[0].tobytes())
    logits = model(images[:1].astype(np.float32)).numpy()[0]
    probabilities = np.exp(logits) / np.exp(logits).sum()
    return paths, folder / "picture.rgb", dict(zip(NAMES, probabilities, strict=True))


def check(lines, expected, tolerance):
    told = {name: float(text) for name, text in (line.split(": ") for line in lines)}
    assert len(told) == 3
    assert list(told) == sorted(told, key=told.get, reverse=True)
    for name, probability in told.items():
        assert probability == pytest.approx(expected[name], abs=tolerance)


def test_the_numbers_of_the_classes_are_told_where_a_file_has_no_names(delivered, tmp_path):
    _paths, picture, _expected = delivered
    image = keras.Input((4, 6, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(image)
    dense = keras.layers.Dense(4, name="logits")
    model = keras.Model(image, dense(x))
    dense.set_weights([np.zeros((3, 4)), np.array([0.0, 3.0, 1.0, 2.0])])
    path = export.write(model, tmp_path, ["tflite_float32"])["tflite_float32"]
    finished = subprocess.run(
        [sys.executable, EXAMPLE, path, picture], capture_output=True, text=True, check=True
    )
    names = [line.partition(": ")[0] for line in finished.stdout.splitlines()]
    assert names == ["1", "3", "2"]


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("tflite_float32", 1e-3), ("tflite_int8", 0.05), ("tflite_uint8", 0.05)],
)
def test_it_runs_where_there_is_no_tensorflow(name, tolerance, delivered):
    paths, picture, expected = delivered
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, EXAMPLE, paths[name], picture],
        capture_output=True,
        text=True,
        check=True,
    )
    check(finished.stdout.splitlines(), expected, tolerance)


def test_the_example_is_short():
    _words, code = EXAMPLE.read_text("utf-8").removeprefix('"""').split('"""')
    assert len([line for line in code.splitlines() if line]) <= 30


@pytest.mark.slow
def test_it_runs_in_an_environment_of_its_own(delivered, tmp_path):
    paths, picture, expected = delivered
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "ai-edge-litert", "numpy"], check=True)
    refused = subprocess.run([python, "-c", "import tensorflow"], capture_output=True)
    assert refused.returncode != 0
    finished = subprocess.run(
        [python, EXAMPLE, paths["tflite_uint8"], picture],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    check(finished.stdout.splitlines(), expected, 0.05)
