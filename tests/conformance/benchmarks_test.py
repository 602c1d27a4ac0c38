"""Every benchmark runs, at its smallest, and prints a table."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TINY = "--batch_size=16 --rounds=1 --steps=1"
SMALLEST = {
    "cache_benchmark": "--images=32 --batch_size=16 --repeats=1 --steps=1 --classes=4 "
    "--student=10-1 --teacher=10-1",
    "growth_benchmark": f"{TINY} --only=images --values=32,48",
    "input_benchmark": f"{TINY} --images=64",
    "loss_benchmark": f"{TINY} --student=10-1 --teacher=10-1 --losses=soft_target,hint",
    "memory_benchmark": f"{TINY} --student=10-1",
    "search_benchmark": "--trials=4 --seeds=1",
    "start_benchmark": "--rounds=1",
    "step_benchmark": f"{TINY} --width=1 --torch_python=",
    "stock_benchmark": f"{TINY} --images=32 --student=10-1 --teacher=10-1",
}


def test_every_benchmark_is_here():
    names = {path.stem for path in (ROOT / "tests/benchmarks").glob("*_benchmark.py")}
    assert names == set(SMALLEST)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_a_benchmark_prints_a_table(name):
    words = [sys.executable, "-m", f"tests.benchmarks.{name}", *SMALLEST[name].split()]
    finished = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    assert len(lines) > 2
    assert any("  " in line.strip() for line in lines)
