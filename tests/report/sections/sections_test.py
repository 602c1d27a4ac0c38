import importlib
import pathlib

import pytest

from kd_keras.report import sections
from tests.report import samples


@pytest.fixture(scope="module")
def described():
    return sections.describe_all(samples.run_content())


def test_a_run_has_every_section_in_order(described):
    assert [section.name for section in described] == [
        "results",
        "training",
        "discriminator",
        "sizes",
        "logits",
        "calibration",
        "confusion",
        "disagreement",
        "files",
        "record",
    ]


def test_every_module_of_sections_is_used():
    folder = pathlib.Path(sections.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "tiles"}
    assert modules == set(sections.ORDER)
    for name in sections.ORDER:
        assert callable(importlib.import_module(f"{sections.__name__}.{name}").describe)


def test_no_two_drawings_share_a_name(described):
    names = [d.name for s in described for figure in s.figures for d in figure.drawings]
    assert len(names) > 10
    assert len(set(names)) == len(names)


def test_what_has_nothing_to_show_is_left_out():
    content = samples.run_content(
        contenders=(), subject="", control="", judged=None, verdicts=(), identities={}
    )
    assert [section.name for section in sections.describe_all(content)] == ["record"]
