import os

import pytest

from kd_keras import machine


@pytest.mark.parametrize(
    ("slot", "jobs", "graphics", "expected"),
    [
        (0, 1, (), {}),
        (0, 1, ("0", "1"), {}),
        (1, 2, (), {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
        (1, 2, ("a", "b"), {"CUDA_VISIBLE_DEVICES": "b"}),
        (0, 2, ("a", "b", "c"), {"CUDA_VISIBLE_DEVICES": "a,c"}),
        (2, 3, ("a",), {"CUDA_VISIBLE_DEVICES": "a", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}),
    ],
)
def test_the_machine_is_shared(monkeypatch, slot, jobs, graphics, expected):
    monkeypatch.setattr(machine, "count_processors", lambda: 8)
    threads = str(8 // jobs)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    own = dict.fromkeys(names, threads) if jobs > 1 else {}
    assert machine.share(slot, jobs, graphics) == {**own, **expected}


def test_more_processes_than_processors_have_a_thread_each(monkeypatch):
    monkeypatch.setattr(machine, "count_processors", lambda: 2)
    assert machine.share(3, 4)["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("visible", "listed", "expected"),
    [
        ("0,2", None, ["0", "2"]),
        ("", None, []),
        ("-1", None, []),
        (None, "GPU-1\nGPU-2\n", ["GPU-1", "GPU-2"]),
        (None, None, []),
    ],
)
def test_the_gpus_are_those_that_are_visible(tmp_path, monkeypatch, visible, listed, expected):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(machine.shutil, "which", lambda name: listed and name)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    if listed is not None:
        (tmp_path / "listed").write_text(listed)
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\ncat '{tmp_path}/listed'\n")
        program.chmod(0o755)
    assert machine.list_graphics_processors() == expected
