import socket

import pytest

from kd_keras import files, searching
from kd_keras.config import Config, from_dictionary
from tests.searching import plans


def claim(planned):
    with searching.claim(planned) as role:
        return role


def test_the_folder_is_claimed_with_what_is_searched(tmp_path):
    planned = plans.plan(tmp_path)
    assert claim(planned) == "alone"
    record = files.read_json(planned.path / "config.json")
    assert record["identity"]["search.axes"] == {"student.width": "1,2,4"}
    config = from_dictionary(record["config"])
    assert isinstance(config, Config)
    assert config.search.axes == ("student.width=1,2,4",)


def test_more_trials_may_be_asked_for_and_nothing_else(tmp_path):
    claim(plans.plan(tmp_path, section={"trials": 3}))
    claim(plans.plan(tmp_path, section={"trials": 9}))
    with pytest.raises(ValueError, match=r"Different: search\.axes") as caught:
        claim(plans.plan(tmp_path, axes=("student.width=1,2",)))
    assert "Choose another --run_name" in str(caught.value)
    with pytest.raises(ValueError, match=r"Different: search\.oracle \(there pareto, here grid\)"):
        claim(plans.plan(tmp_path, section={"oracle": "grid"}))


def test_two_processes_do_not_search_in_one_folder(tmp_path):
    planned = plans.plan(tmp_path)
    with searching.claim(planned), pytest.raises(ValueError, match="is in use by process"):
        claim(planned)


def test_a_worker_leaves_the_folder_to_its_chief(tmp_path, monkeypatch):
    planned = plans.plan(tmp_path)
    with searching.claim(planned), socket.create_server(("127.0.0.1", 0)) as chief:
        monkeypatch.setenv("KERASTUNER_TUNER_ID", "second")
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(chief.getsockname()[1]))
        assert claim(planned) == "worker"
        with pytest.raises(ValueError, match="belongs to another run"):
            claim(plans.plan(tmp_path, axes=("student.width=1,2",)))
