"""keras-tuner's own tuner and the oracle, with made results: nothing is trained."""

import collections

import pytest

from kd_keras import files, search
from kd_keras.search import oracles
from tests.search import driving

DEFAULT = ("student.depth=10,16,22", "student.width=1,2,4")


class Search:
    """Trials that run at once in slots; each ends as the test says, the oldest first."""

    def __init__(self, folder, *, axes=DEFAULT, fails=(), jobs=1, reload_every=0, **options):
        self._arguments = {"folder": folder, "name": "hyperband", "axes": axes, **options}
        self._fails, self._jobs, self._reload_every = fails, jobs, reload_every
        self._tuner = driving.make_tuner(**self._arguments)
        self.begun = {}  # proposals by name, in the order of their first time
        self.errors = {}

    def run(self):
        """Until every slot has been told the end; how many trials had each rung's epochs."""
        asking, running, events = set(range(self._jobs)), {}, 0
        while asking or running:
            for slot in sorted(asking - running.keys()):
                proposal = self._tuner.propose(slot)
                if proposal is search.END:
                    asking.discard(slot)
                elif proposal is not search.WAIT:
                    running[slot] = proposal
                    self.begun[proposal.name] = proposal
            assert running or not asking
            events += 1
            if self._reload_every and events % self._reload_every == 0:
                running = {}
                self._tuner = driving.make_tuner(**self._arguments)
            elif running:
                slot = min(running, key=lambda slot: running[slot].name)
                self._end(running.pop(slot))
        return dict(collections.Counter(proposal.epochs for proposal in self.begun.values()))

    def _end(self, proposal):
        if proposal.name in self._fails:
            self._tuner.fail(proposal, "out of memory")
            return
        error, milliseconds = driving.evaluate(proposal.values)
        self.errors[proposal.name] = error
        self._tuner.report(proposal, error_percent=error, latency_milliseconds=milliseconds)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize(
    ("axes", "trials", "max_epochs", "expected"),
    [
        (DEFAULT, 12, 30, {10: 9, 30: 3}),
        (DEFAULT, 1000, 30, {4: 9, 10: 3, 30: 1}),
        (DEFAULT, 4, 30, {10: 3, 30: 1}),
        (driving.AXES, 12, 20, {7: 9, 20: 3}),
        (driving.AXES, 13, 30, {4: 9, 10: 3, 30: 1}),
        (driving.AXES, 14, 30, {4: 9, 10: 3, 30: 2}),
    ],
)
def test_the_last_rung_is_reached(tmp_path, axes, trials, max_epochs, expected, jobs):
    found = Search(tmp_path, axes=axes, trials=trials, max_epochs=max_epochs, jobs=jobs)
    assert found.run() == expected


@pytest.mark.parametrize(
    ("trials", "expected"),
    [
        (40, {2: 27, 4: 9, 10: 3, 30: 1}),
        # The paper's brackets of four, three, two and one rungs, and no more.
        (1000, {2: 34, 4: 12 + 15, 10: 4 + 5 + 8, 30: 2 + 2 + 3 + 5}),
    ],
)
def test_many_trials_make_the_papers_brackets(tmp_path, trials, expected):
    found = Search(tmp_path, axes=driving.AXES, trials=trials, max_epochs=30, jobs=2)
    assert found.run() == expected


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_best_go_on(tmp_path, jobs):
    found = Search(tmp_path, trials=13, max_epochs=30, jobs=jobs)
    found.run()
    for epochs in (4, 10):
        rung = [name for name, proposal in found.begun.items() if proposal.epochs == epochs]
        longer = {p.earlier for p in found.begun.values() if p.earlier in rung}
        best = sorted(rung, key=found.errors.get)[: len(longer)]
        assert sorted(found.errors[name] for name in longer) == [found.errors[n] for n in best]
        for proposal in found.begun.values():
            if proposal.earlier in rung:
                assert proposal.values == found.begun[proposal.earlier].values


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("fails", "expected"),
    [
        (("0000", "0004", "0008"), {10: 9, 30: 3}),
        (tuple(f"{number:04d}" for number in range(7)), {10: 9, 30: 2}),
        (tuple(f"{number:04d}" for number in range(9)), {10: 9}),
        (("0009", "0010"), {10: 9, 30: 3}),
    ],
)
def test_who_fails_holds_nobody_up(tmp_path, fails, expected, jobs):
    found = Search(tmp_path, trials=12, max_epochs=30, fails=fails, jobs=jobs)
    assert found.run() == expected
    assert not {proposal.earlier for proposal in found.begun.values()} & set(fails)


def refuse_wide(name, values):
    return "too wide" if values["student.width"] > 1 else ""


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_limit_that_leaves_few_ends_the_first_rung(tmp_path, jobs):
    found = Search(tmp_path, trials=13, max_epochs=30, refuse=refuse_wide, jobs=jobs)
    assert found.run() == {4: 3, 10: 1, 30: 1}
    assert {proposal.values["student.width"] for proposal in found.begun.values()} == {1}


def test_refused_trials_take_no_place(tmp_path):
    found = Search(tmp_path, axes=driving.AXES, trials=12, max_epochs=30, refuse=refuse_wide)
    assert found.run() == {10: 9, 30: 3}


@pytest.mark.parametrize("jobs", [1, 3])
def test_where_all_others_are_refused_those_that_were_not_go_on(tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(oracles, "_MOST_REFUSED", 20)
    accepted = []

    def refuse(name, values):
        if "tuner/trial_id" in values:
            return ""
        accepted.append(name)
        return "" if len(accepted) <= 4 else "too slow"

    words = {"axes": driving.AXES, "trials": 12, "max_epochs": 30}
    found = Search(tmp_path, refuse=refuse, jobs=jobs, **words)
    assert found.run() == {10: 4, 30: 2}
    assert len(accepted) == 24


def test_one_that_is_refused_when_it_is_to_go_on_is_replaced_by_the_next(tmp_path):
    refused = []

    def refuse(name, values):
        if "tuner/trial_id" in values and not refused:
            refused.append(values["tuner/trial_id"])
            return "too slow"
        return ""

    found = Search(tmp_path, trials=12, max_epochs=30, refuse=refuse)
    assert found.run() == {10: 9, 30: 3}
    longer = {proposal.earlier for proposal in found.begun.values() if proposal.earlier}
    assert len(longer) == 3
    assert not {int(name) for name in longer} & set(map(int, refused))


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("reload_every", [2, 3, 5])
def test_a_search_that_is_killed_again_and_again(tmp_path, jobs, reload_every):
    words = {"trials": 13, "max_epochs": 30, "fails": ("0001", "0010"), "jobs": jobs}
    found = Search(tmp_path, reload_every=reload_every, **words)
    assert found.run() == {4: 9, 10: 3, 30: 1}


def test_a_killed_search_with_refusals_is_as_if_it_had_not_been(tmp_path):
    words = {"trials": 13, "max_epochs": 30, "refuse": refuse_wide}
    whole, killed = (
        Search(tmp_path / str(number), reload_every=number, **words) for number in (0, 2)
    )
    assert whole.run() == killed.run() == {4: 3, 10: 1, 30: 1}
    assert {name: p.values for name, p in whole.begun.items()} == {
        name: p.values for name, p in killed.begun.items()
    }


def test_more_trials_make_more_brackets(tmp_path):
    words = {"axes": driving.AXES, "max_epochs": 30}
    assert Search(tmp_path, trials=12, **words).run() == {10: 9, 30: 3}
    assert Search(tmp_path, trials=25, **words).run() == {4: 9, 10: 3, 30: 1}


def test_a_state_from_before_brackets_had_a_size_goes_on(tmp_path):
    words = {"axes": driving.AXES, "max_epochs": 30}
    Search(tmp_path, trials=4, **words).run()
    path = tmp_path / "oracle" / "oracle.json"
    state = files.read_json(path)
    [bracket] = state["brackets"]
    del bracket["size"]
    bracket["rounds"] = [*bracket["rounds"][:1], [], [], []]
    files.write_json(path, state)
    proposal = driving.make_tuner(tmp_path, "hyperband", trials=24, **words).propose(0)
    assert (bool(proposal.earlier), proposal.epochs) == (True, 4)
