"""Real processes that want the same entry: one is killed, one waits for the other."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from kd_keras.distillation import cache
from kd_keras.distillation.cache import opening
from tests.distillation.cache import asked

ROOT = pathlib.Path(__file__).parents[3]
VIEWS = 3
# Builds slowly, a batch every tenth of a second, and says in the end how many rows it asked for.
BUILDER = """
import sys, time
from kd_keras.distillation import cache
from kd_keras.distillation.cache import building, opening
from tests.distillation.cache import asked

class Slow(asked.Respondent):
    def answers(self, passes, **arguments):
        for logits in super().answers(passes, **arguments):
            time.sleep(0.1)
            yield logits

def build(*arguments, **choices):
    print("asked", building.build(*arguments, **choices), flush=True)

building._COMMIT_SECONDS = 0.0
opening.Respondent, opening.build = Slow, build
cache.open_signal(asked.make_request(), sys.argv[1], views=int(sys.argv[2]), label="made")
"""


@contextlib.contextmanager
def building_process(directory, views):
    """A process that has begun to build."""
    ledger = folder_in(directory) / "ledger.json"
    with subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(directory), str(views)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            while not ledger.exists() and process.poll() is None:
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def folder_in(directory):
    return directory / "teacher_logits" / f"made-{asked.make_request().fingerprint[:16]}"


def content_of(directory):
    return (folder_in(directory) / "views-0000.bin").read_bytes()


@pytest.fixture
def rows_asked(monkeypatch):
    """How many rows this process asks its teacher for."""
    rows, build = [], opening.build

    def counted(*arguments, **choices):
        rows.append(build(*arguments, **choices))

    monkeypatch.setattr(opening, "build", counted)
    return rows


def test_a_killed_builder_is_gone_on_with_to_the_same_bytes(tmp_path, rows_asked, capsys):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    cache.open_signal(asked.make_request(), whole, views=VIEWS, label="made")
    with building_process(killed, VIEWS) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    complete = cache.Entry(folder_in(killed)).read_ledger().rows
    assert 0 < complete < VIEWS * asked.IMAGES
    cache.open_signal(asked.make_request(), killed, views=VIEWS, label="made")
    assert rows_asked == [VIEWS * asked.IMAGES, VIEWS * asked.IMAGES - complete]
    assert content_of(killed) == content_of(whole)
    assert "waiting" not in capsys.readouterr().out


@pytest.mark.slow
def test_of_two_processes_one_builds_and_the_other_waits(tmp_path, rows_asked, capsys):
    with building_process(tmp_path, VIEWS) as process:
        cache.open_signal(asked.make_request(), tmp_path, views=VIEWS, label="made")
        said, _ = process.communicate(timeout=60)
    assert f"asked {VIEWS * asked.IMAGES}\n" in said
    assert rows_asked == []
    here = capsys.readouterr().out.splitlines()
    assert len(here) == 2
    assert here[0].startswith(f"  teacher cache: waiting for process {process.pid} on ")
    assert here[0].endswith(", which builds it")
    assert here[1].startswith("  teacher cache: 3 views found (552 bytes); saves about ")
    cache.check_entry(folder_in(tmp_path), asked.make_request())
