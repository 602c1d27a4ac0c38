import json

import pytest

from kd_keras import search
from kd_keras.search import oracles
from tests.search import driving

SMALL = ("student.depth=10,16,22", "student.width=1,2,4")
CONDITIONAL = (
    "student.network=wide_resnet,resnet",
    "student.depth=10,16 if student.network=wide_resnet",
    "student.depth=8,14,20 if student.network=resnet",
)
every_oracle = pytest.mark.parametrize("name", ["bayesian", "grid", "pareto", "random"])


def of_depth(values):
    return values["student.depth"], 1.0


def test_axes_as_keras_tuner_has_them():
    texts = [
        "student.width=1..8,step=2",
        "training.learning_rate=0.01..0.3,log",
        "distillation.loss=logit_l1,soft_target",
        "training.momentum=0.8,0.9 if distillation.loss=logit_l1",
    ]
    width, rate, loss, momentum = oracles.make_space(search.parse_all(texts)).space
    assert list(width.values) == [1, 3, 5, 7]
    assert (rate.min_value, rate.max_value, rate.sampling) == (0.01, 0.3, "log")
    assert (loss.values, loss.ordered) == (["logit_l1", "soft_target"], False)
    assert momentum.conditions[0].values == ["logit_l1"]


@every_oracle
def test_no_more_than_the_trials_and_each_within_the_axes(tmp_path, name):
    axes = ("student.depth=10,16", "student.width=1..8", "student.dropout=0..0.5,step=0.25")
    proposed = driving.drive(driving.make_tuner(tmp_path, name, axes=axes, trials=7))
    assert [number for number, _ in proposed] == [f"{number:04d}" for number in range(7)]
    for _, values in proposed:
        assert values["student.depth"] in (10, 16)
        assert values["student.width"] in range(1, 9)
        assert values["student.dropout"] in (0.0, 0.25, 0.5)


@pytest.mark.parametrize("name", ["grid", "pareto", "random"])
def test_a_small_space_is_searched_to_its_end_and_nothing_twice(tmp_path, name):
    proposed = driving.drive(driving.make_tuner(tmp_path, name, axes=SMALL, trials=100))
    assert len({tuple(values.items()) for _, values in proposed}) == len(proposed) == 9


@every_oracle
def test_conditions_are_kept(tmp_path, name):
    tuner = driving.make_tuner(tmp_path, name, axes=CONDITIONAL, trials=6)
    for _, values in driving.drive(tuner, of=of_depth):
        known = (10, 16) if values["student.network"] == "wide_resnet" else (8, 14, 20)
        assert values["student.depth"] in known


@pytest.mark.parametrize("name", ["grid", "pareto", "random"])
def test_the_seed_decides(tmp_path, name):
    found = [
        driving.drive(driving.make_tuner(tmp_path / str(place), name, seed=seed, trials=6))
        for place, seed in enumerate((0, 0, 1))
    ]
    assert found[0] == found[1]
    assert (found[0] == found[2]) == (name == "grid")


@pytest.mark.parametrize("name", ["grid", "pareto", "random"])
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(tmp_path, name):
    options = {"trials": 7}
    whole = driving.drive(driving.make_tuner(tmp_path / "whole", name, **options))
    begun = driving.drive(driving.make_tuner(tmp_path / "killed", name, **options), most=5)
    killed = driving.make_tuner(tmp_path / "killed", name, **options).propose(0)
    assert (killed.name, killed.values) == whole[5]
    rest = driving.drive(driving.make_tuner(tmp_path / "killed", name, **options))
    assert begun + rest == whole


def test_a_bayesian_search_goes_on(tmp_path):
    axes = SMALL[:1]  # which are three candidates at random, and then those of the process
    begun = driving.drive(
        driving.make_tuner(tmp_path, "bayesian", axes=axes, trials=4), most=2, of=of_depth
    )
    rest = driving.drive(driving.make_tuner(tmp_path, "bayesian", axes=axes, trials=4), of=of_depth)
    assert [name for name, _ in begun + rest] == ["0000", "0001", "0002", "0003"]


def test_a_trial_that_was_given_to_nobody_is_forgotten(tmp_path):
    driving.drive(driving.make_tuner(tmp_path, "grid", axes=SMALL), most=4)
    # As a process leaves it that is killed between the two files of a new trial.
    folder = tmp_path / "oracle"
    written = json.loads((folder / "trial_03" / "trial.json").read_text())
    (folder / "trial_04").mkdir()
    (folder / "trial_04" / "trial.json").write_text(
        json.dumps({**written, "trial_id": "04", "status": "RUNNING"})
    )
    rest = driving.drive(driving.make_tuner(tmp_path, "grid", axes=SMALL))
    assert [name for name, _ in rest] == ["0004", "0005", "0006", "0007", "0008"]


def test_more_trials_may_be_asked_for_later(tmp_path):
    assert len(driving.drive(driving.make_tuner(tmp_path, "random", trials=3))) == 3
    assert len(driving.drive(driving.make_tuner(tmp_path, "random", trials=5))) == 2


def refuse_wide(refused):
    def refuse(name, values):
        if values["student.width"] > 2:
            refused.append(name)
            return "too wide"
        return ""

    return refuse


@every_oracle
def test_what_a_limit_turns_away_is_no_trial(tmp_path, name):
    refused = []
    options = {"axes": SMALL, "trials": 5, "refuse": refuse_wide(refused)}
    proposed = driving.drive(driving.make_tuner(tmp_path, name, **options), most=3)
    proposed += driving.drive(driving.make_tuner(tmp_path, name, **options))
    assert len(proposed) == 5
    assert all(values["student.width"] <= 2 for _, values in proposed)
    assert not {number for number, _ in proposed} & set(refused)


def test_a_limit_that_leaves_nothing_ends_the_search(tmp_path, monkeypatch):
    monkeypatch.setattr(oracles, "_MOST_REFUSED", 5)
    refused = []

    def refuse(name, values):
        refused.append(name)
        return "too slow"

    assert driving.drive(driving.make_tuner(tmp_path, "random", refuse=refuse)) == []
    assert len(refused) == 5


def test_failed_trials_cost_and_the_search_goes_on(tmp_path):
    tuner = driving.make_tuner(tmp_path, "random", trials=6)
    for _ in range(5):
        tuner.fail(tuner.propose(0), "out of memory")
    assert len(driving.drive(tuner)) == 1


def test_hyperband_says_how_long_and_after_whom(tmp_path):
    tuner = driving.make_tuner(tmp_path, "hyperband", trials=30, max_epochs=9)
    found = []
    while (proposal := tuner.propose(0)) is not search.END:
        error, _ = driving.evaluate(proposal.values)
        tuner.report(proposal, error_percent=error, latency_milliseconds=1.0)
        found.append((proposal, error))
    by_name = {proposal.name: (proposal, error) for proposal, error in found}
    assert {proposal.epochs for proposal, _ in found} == {1, 3, 9}
    longer = [proposal for proposal, _ in found if proposal.earlier]
    assert longer
    for proposal in longer:
        before, _ = by_name[proposal.earlier]
        assert before.values == proposal.values
        assert before.epochs < proposal.epochs
    first_rung = sorted(error for proposal, error in found[:9])
    went_on = [by_name[p.earlier][1] for p in longer if by_name[p.earlier][0].epochs == 1]
    assert sorted(went_on) == first_rung[: len(went_on)]


def test_an_unknown_oracle():
    with pytest.raises(ValueError, match=r"^Unknown oracle\. Expected one of bayesian, grid, hyp"):
        search.make_oracle("evolution", (), trials=1)
