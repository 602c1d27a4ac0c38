import pathlib

import pytest

from kd_keras import processor
from kd_keras.processor import capabilities


@pytest.fixture(autouse=True)
def _forget():
    for function in (capabilities, processor.name):
        function.cache_clear()
    yield
    for function in (capabilities, processor.name):
        function.cache_clear()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "model name\t: x\nflags\t\t: fpu amx_bf16 avx2\nflags\t\t: fpu\n",
            {"amx_bf16", "avx2", "fpu"},
        ),
        ("Features\t: fp bf16\n", {"bf16", "fp"}),
        ("processor\t: 0\n", set()),
    ],
)
def test_what_linux_tells(monkeypatch, text, expected):
    monkeypatch.setattr(pathlib.Path, "is_file", lambda _: True)
    monkeypatch.setattr(pathlib.Path, "read_text", lambda _: text)
    assert capabilities() == expected


def test_nothing_is_known_on_other_systems(monkeypatch):
    monkeypatch.setattr(pathlib.Path, "is_file", lambda _: False)
    assert capabilities() == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model\t: 207\nmodel name\t: Some Processor 3\nmodel name\t: b\n", "Some Processor 3"),
        ("processor\t: 0\nModel\t\t: Raspberry Pi 5\n", "Raspberry Pi 5"),
        ("processor\t: 0\n", "an architecture"),
    ],
)
def test_the_processor_has_a_name(monkeypatch, text, expected):
    monkeypatch.setattr(pathlib.Path, "is_file", lambda _: True)
    monkeypatch.setattr(pathlib.Path, "read_text", lambda _: text)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "an architecture")
    assert processor.name() == expected
