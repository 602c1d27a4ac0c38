import csv
import dataclasses

import pytest

from kd_keras import search
from kd_keras.searching import results
from tests.searching import plans


@pytest.fixture
def planned(tmp_path):
    """A search with five trials: two on the front, one beaten, one failed, one skipped."""
    planned = plans.plan(tmp_path)
    plans.finish(planned, "0000", error=4.0, milliseconds=2.0, values={"student.width": 2})
    plans.finish(planned, "0001", error=8.0, milliseconds=1.0, values={"student.width": 1})
    plans.finish(planned, "0002", error=9.0, milliseconds=3.0, values={"student.dropout": 0.5})
    for name, status, reason in (("0003", "failed", "No space."), ("0004", "skipped", "Wide.")):
        trial = search.Trial(
            name=name, values={"student.width": 4}, status=status, reason=reason, folder=name
        )
        results.write_trial(planned, trial)
    return planned


def test_the_records_of_trials_become_one_file(planned, tmp_path):
    trials = results.write(planned, tmp_path / "teacher.keras")
    assert search.read(planned.path) == trials == results.collect(planned)
    assert [trial.status for trial in trials] == ["finished"] * 3 + ["failed", "skipped"]
    facts = search.read_facts(planned.path)
    assert facts["axes"] == {"student.width": "1,2,4"}
    assert facts["objectives"] == ["validation_error_percent", "latency.median_milliseconds"]
    assert facts["oracle"] == "pareto"
    assert facts["teacher"] == str(tmp_path / "teacher.keras")
    assert "processors" in facts["machine"]
    assert facts["command_line"].startswith("python ")


def test_the_front_is_told(planned):
    first, second = results.describe_front(results.collect(planned))
    assert first == (
        "Of 3 students, 2 are beaten by none in both validation error and time for one image: "
        "width 2 (4.00%, 2 ms), width 1 (8.00%, 1 ms)."
    )
    # (9 - 4) * (3 - 2) + (9 - 8) * (2 - 1)
    assert second == "Hypervolume up to 9.00% and 3 ms, the worst of each: 6 %ms."


def test_seeds_of_one_student_are_one_point(tmp_path):
    planned = plans.plan(tmp_path)
    for name, seed, error in (("0000", 0, 4.0), ("0001", 1, 6.0)):
        plans.finish(planned, name, error=error, seed=seed)
    [sentence, _] = results.describe_front(results.collect(planned))
    assert sentence == (
        "Of 1 student, 1 is beaten by none in both validation error and time for one image: "
        "width 1 (5.00%, 1 ms)."
    )


def test_one_student_beats_all_others(tmp_path):
    planned = plans.plan(tmp_path)
    for name, width, error in (("0000", 1, 4.0), ("0001", 2, 6.0)):
        plans.finish(planned, name, error=error, values={"student.width": width})
    [sentence, _] = results.describe_front(results.collect(planned))
    assert sentence.startswith("Of 2 students, 1 is beaten by none in both ")


def test_times_of_small_students_keep_their_digits(tmp_path):
    planned = plans.plan(tmp_path)
    plans.finish(planned, "0000", milliseconds=0.0124)
    trials = results.collect(planned)
    shown = results.describe(trials).splitlines()[1]
    assert "  0.012  0.015  0.019  " in shown
    results.write_tables(planned, trials)
    assert "| 0.012 |" in (planned.path / "search.md").read_text()
    with (planned.path / "search.csv").open() as file:
        [row] = list(csv.DictReader(file))
    assert row["ms"] == "0.0124"


def test_a_table_names_all_and_the_best_first(planned):
    lines = results.describe(results.collect(planned)).splitlines()
    assert lines[0].split()[:3] == ["trial", "student", "seed"]
    assert [line.split()[0] for line in lines[1:4]] == ["0000", "0001", "0002"]
    assert lines[5:7] == ["0003 width 4: failed: No space.", "0004 width 4: skipped: Wide."]


def test_tables_are_files(planned):
    results.write_tables(planned, results.collect(planned))
    with (planned.path / "search.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == ["0", "0", "1"]
    assert rows[0]["ms"] == "2.0"
    text = (planned.path / "search.md").read_text()
    assert text.startswith("# some\n")
    assert "- 0003 width 4: failed: No space.\n" in text
    assert "| 0000 | width 2 |" in text


def test_nothing_finished(tmp_path):
    planned = plans.plan(tmp_path)
    results.write_tables(planned, results.write(planned, None))
    assert results.describe([]) == "No student has been trained and timed."
    assert (planned.path / "search.csv").read_text() == ""


def test_a_damaged_record(planned):
    (planned.path / "0001" / "trial.json").write_text('{"colour": 1}')
    with pytest.raises(ValueError, match=r"^Damaged file .*0001/trial\.json: .*\. Remove it\.$"):
        results.collect(planned)


def test_the_test_error_moves_nothing(planned):
    trials = results.collect(planned)
    changed = [dataclasses.replace(trial, test_error_percent=None) for trial in trials]
    assert results.describe_front(changed) == results.describe_front(trials)
