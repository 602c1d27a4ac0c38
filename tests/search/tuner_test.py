import pytest

from kd_keras import search
from kd_keras.search import roles
from tests.search import driving


def test_a_proposal_is_the_same_until_it_is_ended(tmp_path):
    tuner = driving.make_tuner(tmp_path, "random")
    first = tuner.propose(0)
    assert tuner.propose(0).name == first.name == "0000"
    assert tuner.propose(1).name == "0001"
    assert (first.epochs, first.earlier) == (None, "")


def test_it_waits_while_the_oracle_does(tmp_path):
    tuner = driving.make_tuner(tmp_path, "grid", axes=("student.width=1,2",))
    first, second = tuner.propose(0), tuner.propose(1)
    if second is search.WAIT:
        tuner.report(first, error_percent=1.0, latency_milliseconds=1.0)
        second = tuner.propose(1)
    assert {first.values["student.width"], second.values["student.width"]} == {1, 2}


def test_a_trial_that_ran_when_the_process_was_killed_is_proposed_again(tmp_path):
    tuner = driving.make_tuner(tmp_path, "random")
    running = [tuner.propose(slot) for slot in range(3)]
    again = driving.make_tuner(tmp_path, "random")
    assert [again.propose(0).name for _ in range(1)] == ["0000"]
    assert again.propose(1).values == running[1].values
    assert again.propose(2).values == running[2].values


def test_released_trials_go_to_others(tmp_path):
    tuner = driving.make_tuner(tmp_path, "random")
    running = tuner.oracle.create_trial("gone-0")
    assert tuner.oracle.release("gone-") == [running.trial_id]
    assert tuner.propose(0).trial.trial_id == running.trial_id


def test_without_its_chief_a_worker_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(roles, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "second")
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    tuner = driving.make_tuner(tmp_path, "random")
    with pytest.raises(ConnectionError, match=r"^No chief of the search at 127\.0\.0\.1:1: "):
        tuner.propose(0)
