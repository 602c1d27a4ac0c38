"""How many numbers each network trains: the sizes of the paper's Table 5, and those published."""

import json
import math
import pathlib

import keras
import pytest

from kd_keras import models

COUNTS = json.loads(
    pathlib.Path(__file__).with_name("parameter_counts.json").read_text(encoding="utf-8")
)
_FIGURES = ("trainable", "paper_millions")
ROWS = [(name, row) for name, rows in COUNTS.items() for row in rows]
PRINTED = [(name, row) for name, row in ROWS if "paper_millions" in row]


def label(value):
    return "-".join(map(str, value.values())) if isinstance(value, dict) else value


def test_every_network_has_its_counts():
    assert sorted(COUNTS) == models.names()
    assert all(COUNTS.values())
    assert len([row for row in COUNTS["wide_resnet"] if "stem" not in row]) == 12
    assert len(PRINTED) > 20


def test_a_deeply_fused_net_has_the_numbers_of_the_plain_one_and_of_its_shallow_blocks():
    [plain] = [row for row in COUNTS["plain_cnn"] if row["depth"] == 20]
    pairs = [(16, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64)]
    shallow = sum(9 * before * after + 2 * after for before, after in pairs)
    [row] = COUNTS["deeply_fused"]
    assert row["trainable"] == plain["trainable"] + shallow


@pytest.mark.parametrize(("name", "row"), PRINTED, ids=label)
def test_a_count_is_the_papers_as_far_as_it_is_printed(name, row):
    printed = row["paper_millions"]
    decimals = len(str(printed).partition(".")[2])
    assert round(row["trainable"] / 1e6, decimals) == printed


def _by_depth(name, row):
    """More of the same blocks take seconds to build and show the same as fewer."""
    deep = row["depth"] > 28 and not (name == "wide_resnet" and row["width"] == 10)
    marks = [pytest.mark.slow] if deep else []
    return pytest.param(name, row, marks=marks, id="-".join([name, label(row)]))


def _draw_nothing(initializer, shape, dtype=None):
    return keras.ops.zeros(shape, dtype)


@pytest.mark.parametrize(("name", "row"), [_by_depth(*pair) for pair in ROWS])
def test_the_network_trains_as_many_numbers(name, row, monkeypatch):
    # Tens of millions of random numbers would take seconds to draw.
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", _draw_nothing)
    arguments = {key: value for key, value in row.items() if key not in _FIGURES}
    network = models.get(name, image_shape=(32, 32, 3), **arguments)
    assert sum(math.prod(v.shape) for v in network.trainable_variables) == row["trainable"]
