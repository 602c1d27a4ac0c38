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


@pytest.mark.parametrize(
    ("devices", "jobs", "expected"),
    [
        ("0,1", 2, ["0", "1"]),
        ("2,3", 2, ["2", "3"]),
        ("3,2", 2, ["2", "3"]),
        ("0,1,3", 2, ["0,3", "1"]),
        ("2,", 2, ["2", "2"]),
        ("2", 2, ["0,2", "1,3"]),
        ("all", 2, ["0,2", "1,3"]),
        ("1,3", 3, ["1", "3", "1"]),
    ],
)
def test_the_gpus_that_are_named_are_shared_and_no_others(monkeypatch, devices, jobs, expected):
    shares = [machine.share(slot, jobs, ["0", "1", "2", "3"], devices) for slot in range(jobs)]
    assert [share["CUDA_VISIBLE_DEVICES"] for share in shares] == expected
    crowded = "," in devices and jobs > devices.strip(",").count(",") + 1
    assert all(("TF_FORCE_GPU_ALLOW_GROWTH" in share) is crowded for share in shares)
    for name, value in shares[0].items():
        monkeypatch.setenv(name, value)
    assert machine.are_dealt(devices) is ("," in devices)
    assert not machine.are_dealt("0,2")


def test_named_gpus_are_not_dealt_where_there_is_one_process_or_no_list_of_them(monkeypatch):
    monkeypatch.delenv("KD_KERAS_DEALT_DEVICES", raising=False)
    assert machine.share(0, 1, ["0", "1"], "1,") == {}
    assert "KD_KERAS_DEALT_DEVICES" not in machine.share(0, 2, [], "0,1")
    assert not machine.are_dealt("0,1")


def test_a_gpu_that_is_named_and_not_there():
    with pytest.raises(ValueError, match="devices") as caught:
        machine.share(0, 2, ["0", "1"], "0,2")
    assert str(caught.value) == (
        "Invalid value for devices. Expected GPUs from 0 to 1. Received: 0,2."
    )


def test_more_processes_than_processors_have_a_thread_each(monkeypatch):
    monkeypatch.setattr(machine, "count_processors", lambda: 2)
    assert machine.share(3, 4)["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("visible", "listed", "expected"),
    [
        ("0,2", None, ["0", "2"]),
        ("", None, []),
        ("-1", None, []),
        (None, "GPU-1\nGPU-2\n", ["0", "1"]),
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
