"""The networks that come with the repository are sound, small, and what their cards say."""

import hashlib
import json
import pathlib

import keras
import numpy as np
import pytest

from kd_keras import export, runs

ROOT = pathlib.Path(__file__).parents[1] / "saved_models"
FOLDERS = sorted(path.parent for path in ROOT.glob("*/README.md"))


def test_every_one_is_listed():
    listed = (ROOT / "README.md").read_text()
    assert FOLDERS
    for folder in FOLDERS:
        assert f"[{folder.name}]({folder.name}/README.md)" in listed


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_is_what_its_card_says(folder):
    card, path = (folder / "README.md").read_text(), runs.find_model(folder)
    content = path.read_bytes()
    assert f"| SHA-256 | {hashlib.sha256(content).hexdigest()} |" in card
    assert f"| file | {path.name}, {len(content):,} bytes |" in card
    assert len(content) < 8_000_000
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    parameters = sum(weight.numpy().size for weight in model.trainable_weights)
    assert f"| parameters | {parameters:,} |" in card
    figures = json.loads((folder / "metrics.json").read_text())
    best, last = (figures[which]["top1_error_percent"] for which in ("best", "last"))
    assert f"| error | {best:.2f}% | {last:.2f}% |" in card
    assert f"| {best:.2f}% on " in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_takes_pixels_and_gives_logits(folder):
    model = keras.models.load_model(runs.find_model(folder), compile=False, safe_mode=True)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    logits = model(np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3))).numpy()
    assert logits.shape == (2, 10)
    assert np.isfinite(logits).all()
    assert np.abs(logits[0] - logits[1]).max() > 1e-3
    assert logits.min() < 0  # probabilities are not


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_names_the_classes_of_its_card(folder):
    [line] = [x for x in (folder / "README.md").read_text().splitlines() if "logits of" in x]
    names = export.load_predictor(runs.find_model(folder)).class_names
    assert f"logits of {', '.join(names)} |" in line
