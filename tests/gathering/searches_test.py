from xml.etree import ElementTree

import pytest

from kd_keras import config, files, gathering, report, search
from kd_keras.gathering import searches
from tests.search.trials import make_search, make_trial


@pytest.fixture
def folder(tmp_path):
    beaten = make_trial(22, 1, 12.5, 1.4, peak_memory_bytes=10**6)
    trials = [*make_search(), beaten]
    facts = {"machine": "some processor", "command_line": "python main.py search"}
    search.write(tmp_path / "my searches" / "some", trials, **facts)
    return tmp_path / "my searches" / "some"


def test_a_search_is_gathered(folder):
    content = searches.gather_search(folder)
    assert (content.title, content.kind, content.missing) == ("some", "search", ())
    ranks = {one.label: one.rank for one in content.search.tried}
    assert ranks.pop("WRN-22-1") == 1
    assert set(ranks.values()) == {0}
    assert len(ranks) == 6
    beaten = next(one for one in content.search.tried if one.rank)
    assert beaten.dominated_by in {"WRN-16-1", "WRN-10-2"}
    assert (beaten.depth, beaten.width, beaten.peak_memory_bytes) == (22, 1, 10**6)
    assert content.search.sentences[0].startswith("Take WRN-16-4: 7.00% error on validation")
    assert content.search.timing.startswith(
        "Time is the median of the quickest of several rounds, images at a time: 1, of the file "
        "tflite_float32, threads: 1 on some processor."
    )


def test_the_hypervolume_is_up_to_the_worst_of_all(folder):
    searched = searches.gather_search(folder).search
    assert searched.reference == (14.0, 5.0)
    points = [(one.validation_error_percent, one.latency_milliseconds) for one in searched.front]
    assert searched.hypervolume == search.hypervolume(points, (14.0, 5.0))


def test_what_did_not_finish_is_listed(folder):
    assert [row["status"] for row in searches.gather_search(folder).search.unfinished] == [
        "failed",
        "skipped",
    ]


def test_the_commands_lead_on(folder):
    commands = dict(searches.gather_search(folder).commands)
    assert commands["The search:"] == "python main.py search"
    assert commands["The files of WRN-16-4:"] == (
        f"python main.py export '--run={folder}/trials/16-4-0'"
    )
    assert commands["The best student under a budget:"] == (
        f"python main.py choose '--run={folder}' --max_latency_milliseconds=2"
    )


def test_the_settings_are_those_that_the_search_began_with(folder):
    assert searches.gather_search(folder).identities == {}
    identity = {
        "command": "search",
        "training.epochs": 7,
        "search.axes": {"student.depth": "10,16", "student.width": "1..4"},
    }
    record = {"identity": identity, "command_line": "python main.py search --epochs=7"}
    files.write_json(folder / "config.json", record)
    content = searches.gather_search(folder)
    axes = ["student.depth=10,16", "student.width=1..4"]
    assert content.identities == {"search": {**identity, "search.axes": axes}}
    assert dict(content.commands)["The search:"] == "python main.py search"
    _, page = report.write_page(content, folder)
    text = page.read_text(encoding="utf-8")
    assert "| training.epochs | 7 |" in text
    assert "| search.axes | student.depth=10,16, student.width=1..4 |" in text
    # A search of an earlier version kept its command line only there.
    search.write(folder, make_search())
    commands = dict(searches.gather_search(folder).commands)
    assert commands["The search:"] == "python main.py search --epochs=7"


def test_a_search_without_a_result_says_so(tmp_path):
    search.write(tmp_path, [make_trial(10, 1, None, status="running")])
    content = searches.gather_search(tmp_path)
    assert content.missing == ("No trial of this search has come to its end.",)
    assert content.search.hypervolume is None
    assert content.search.timing == ""


def test_the_page_of_a_search_is_written(folder):
    content = gathering.gather(config.Config(evaluation=config.Evaluation(run=str(folder))))
    page, text = report.write_page(content, folder)
    root = ElementTree.fromstring(page.read_text(encoding="utf-8").partition("\n")[2])
    anchors = [element.get("id") for element in root.iter("h2")]
    assert anchors == ["front", "axes", "record"]
    assert "## Which student to take" in text.read_text(encoding="utf-8")
