import dataclasses
import re

import pytest

from kd_keras import files, search
from tests.search.trials import make_search, make_trial


def test_trials_are_read_as_they_were_written(tmp_path):
    search.write(tmp_path, make_search(), oracle="pareto", machine="one")
    assert search.read(tmp_path) == make_search()
    assert search.read_facts(tmp_path) == {
        "format_version": 1,
        "oracle": "pareto",
        "machine": "one",
    }


def test_the_time_is_the_median():
    assert make_trial(10, 1, 9.0, 1.5).latency_milliseconds == 1.5
    assert make_trial(10, 1, 9.0).latency_milliseconds is None


def test_no_search_is_told(tmp_path):
    sentence = f"No search in {tmp_path}. Expected search.json, which the command search writes."
    with pytest.raises(FileNotFoundError, match=re.escape(sentence)):
        search.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ([], "no dictionary"),
        ({}, "format version None"),
        ({"format_version": 2, "trials": []}, "format version 2"),
        ({"format_version": 1}, "trials that are not whole ('trials')"),
        ({"format_version": 1, "trials": [{"name": "0000"}]}, "trials that are not whole"),
    ],
)
def test_a_damaged_file_is_told(tmp_path, content, received):
    files.write_json(tmp_path / "search.json", content)
    with pytest.raises(ValueError, match=re.escape(f"Received: {received}")):
        search.read(tmp_path)


def test_an_unknown_status_is_told(tmp_path):
    trial = dataclasses.replace(make_trial(10, 1, 9.0), status="lost")
    search.write(tmp_path, [trial])
    with pytest.raises(ValueError, match="a trial with the status lost"):
        search.read(tmp_path)
