"""Training again and again takes no more memory, and what is said to save memory does."""

import json
import pathlib
import subprocess
import sys

import pytest

from tests.benchmarks import memory_benchmark

ROOT = pathlib.Path(__file__).parents[2]
MEGABYTE = 10**6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]


def _watch(what, count):
    """Bytes after each of so many, in a process of its own."""
    words = [sys.executable, "-m", "tests.conformance.memory_driver", what, str(count)]
    finished = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    sizes = json.loads(finished.stdout.splitlines()[-1])
    assert len(sizes) == count
    return sizes


def test_fifty_epochs_take_no_more_than_ten():
    """Were a tenth of a megabyte kept of each epoch, it would be 4 MB after 40. What is left is the
    allocator's."""
    sizes = _watch("epochs", 50)
    assert sizes[-1] - sizes[9] < 3 * MEGABYTE


def test_twenty_runs_take_no_more_than_ten():
    """The graph of a run is 7 MB: were they kept, 70 MB would be there after ten. Below 2 MB a run
    is what TensorFlow remembers of functions, and the holes in the allocator's memory."""
    sizes = _watch("runs", 20)
    assert sizes[-1] - sizes[9] < 20 * MEGABYTE


@pytest.fixture(scope="module")
def peaks():
    words = ["--student=16-2", "--batch_size=256", "--rounds=1", "--steps=1"]
    figures = memory_benchmark.measure(words)
    return {way: found["peak_memory_bytes"] for way, found in figures.items()}


@pytest.mark.parametrize("way", ["micro_batches 4", "checkpoint_gradients", "both"])
def test_what_saves_memory_needs_less(peaks, way):
    assert peaks[way] < 0.8 * peaks["as it is"]
