import shutil
import types

import pytest

from kd_keras import export, files
from kd_keras.gathering import alternatives, single
from tests.gathering import folders


def add_files(run, formats, **values):
    """Export the network of a run, with made verdicts."""
    role = "teacher" if (run / "teacher.keras").is_file() else "student"
    model = export.load_keras(run / f"{role}.keras")
    written = export.write(model, run / "exports", formats)
    verdicts = [
        {
            "path": f"earlier/{path.name}",
            "error_after_percent": 20.0,
            "size_bytes": 3000,
            "passed": True,
            **values,
        }
        for path in written.values()
    ]
    files.write_json(run / "exports" / "verdicts.json", verdicts)


@pytest.fixture
def student(tmp_path):
    run = folders.make_trio(tmp_path)
    add_files(run, ["tflite_float32", "saved_model"])
    return run


def test_the_files_of_all_runs_are_timed_together(student):
    teacher = student.parent / "big"
    add_files(teacher, ["tflite_float32"], error_after_percent=5.0, passed=False)
    cast = single.cast_run(student)
    found = alternatives.find_alternatives(cast, (str(teacher),))
    assert {(one.run, one.kind, one.file, one.error_percent, one.passed) for one in found} == {
        ("small", "distilled student", "tflite_float32.tflite", 20.0, True),
        ("small", "distilled student", "saved_model", 20.0, True),
        ("big", "teacher", "tflite_float32.tflite", 5.0, False),
    }
    times = [one.median_milliseconds for one in found]
    assert times == sorted(times)
    assert all(0 < one.median_milliseconds <= one.percentile95_milliseconds for one in found)
    assert cast.missing == []


def test_runs_of_one_name_are_told_apart(student, monkeypatch):
    other = student.parent / "again" / "small"
    shutil.copytree(student, other)
    timing = types.SimpleNamespace(median_milliseconds=1.0, percentile95_milliseconds=2.0)
    monkeypatch.setattr(
        alternatives.export, "measure_in_turn", lambda paths, **how: dict.fromkeys(paths, timing)
    )
    beside = (other, student, student.parent / "again" / ".." / "small")
    found = alternatives.find_alternatives(single.cast_run(student), beside)
    above = student.parent.name
    assert sorted((one.run, one.is_own, one.file) for one in found) == [
        ("again/small", False, "saved_model"),
        ("again/small", False, "tflite_float32.tflite"),
        (f"{above}/small", True, "saved_model"),
        (f"{above}/small", True, "tflite_float32.tflite"),
    ]


def test_without_other_runs_nothing_is_timed(student):
    assert alternatives.find_alternatives(single.cast_run(student), ()) == ()


def test_what_is_not_there_is_said(student):
    teacher, plain = student.parent / "big", student.parent / "plain"
    facts = files.read_json(plain / "config.json")
    facts["identity"]["data"] = "other images"
    files.write_json(plain / "config.json", facts)
    add_files(teacher, ["tflite_float32"], error_after_percent=None)
    cast = single.cast_run(student)
    missing = len(cast.missing)
    found = alternatives.find_alternatives(cast, (teacher, plain))
    assert {one.run for one in found} == {"small"}
    assert cast.missing[missing:] == [
        "big has no exported files to be timed. They are made by: python main.py export "
        f"--run={teacher} --formats=all",
        "plain is of other images, so its files do not compare.",
    ]


def test_a_file_that_takes_several_images_is_not_timed(student):
    model = export.load_keras(student / "student.keras")
    export.write(model, student / "exports", ["tflite_float32"], batch_size=2)
    found = alternatives.find_alternatives(single.cast_run(student), (student,))
    assert found == ()


def test_a_folder_without_a_run_is_refused(student, tmp_path):
    with pytest.raises(FileNotFoundError, match="No run in"):
        alternatives.find_alternatives(single.cast_run(student), (tmp_path / "none",))
