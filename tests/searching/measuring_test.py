import dataclasses

import pytest

from kd_keras import export, files, search
from kd_keras.searching import measuring
from tests.searching import plans

FIGURES = {
    "epochs": 3,
    "best_epoch": 2,
    "judged_on": "test",
    "best": {"top1_error_percent": 7.5},
    "parameters": 1000,
    "multiply_adds": 2000,
    "training_seconds": 12.5,
}
HISTORY = "epoch,accuracy,val_accuracy\n1,0.5,0.5\n2,0.9,0.875\n3,0.9,0.75\n"


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """A search with a run that has ended; how much memory its file takes is made up."""
    monkeypatch.setattr(export, "measure_peak_memory", lambda path, num_threads: 4096)
    planned = plans.plan(tmp_path)
    folder = planned.folder("0000")
    files.write_json(folder.metrics_path, FIGURES)
    folder.history_path.write_text(HISTORY)
    (folder.path / "exports").mkdir()
    (folder.path / "exports" / "tflite_float32.tflite").write_bytes(b"12345")
    return planned


def begun():
    return search.Trial(name="0000", values={}, status="running", folder="0000")


def test_errors_are_those_of_the_best_epoch_by_validation(planned):
    trial = measuring.describe_run(planned, begun())
    assert trial == dataclasses.replace(
        begun(),
        status="finished",
        epochs=3,
        validation_error_percent=12.5,
        test_error_percent=7.5,
        parameters=1000,
        multiply_adds=2000,
        size_bytes=5,
        peak_memory_bytes=4096,
        seconds=12.5,
    )


def test_without_test_images_there_is_no_test_error(planned):
    folder = planned.folder("0000")
    files.write_json(folder.metrics_path, {**FIGURES, "judged_on": "validation"})
    assert measuring.describe_run(planned, begun()).test_error_percent is None


def test_without_validation_there_is_no_objective(planned):
    planned.folder("0000").history_path.write_text("epoch,accuracy\n1,0.5\n2,0.9\n")
    with pytest.raises(ValueError, match=r"^No validation accuracy of epoch 2 in .*history\.csv\."):
        measuring.describe_run(planned, begun())


def test_times_are_written_into_the_records(planned, monkeypatch):
    timing = export.Timing(1, 2.0, 3.0, 2.2, 140)
    asked = {}

    def measure(paths, **words):
        asked.update(words)
        return dict.fromkeys(paths, timing)

    monkeypatch.setattr(export, "measure_in_turn", measure)
    [trial] = measuring.time_trials(planned, [begun()])
    assert trial.latency == {
        "format": "tflite_float32",
        "threads": 1,
        "batch": 1,
        "median_milliseconds": 2.0,
        "p95_milliseconds": 3.0,
        "upper_milliseconds": 2.2,
        "runs": 140,
    }
    assert asked == {"num_threads": 1, "rounds": 7, "repeats": 20, "pause_seconds": 0.0}
    record = files.read_json(planned.path / "0000" / "trial.json")
    assert record["latency"]["median_milliseconds"] == 2.0


def test_a_file_that_failed_its_check_says_why(planned):
    assert measuring.explain(planned, begun(), "written to") == "written to"
    path = planned.folder("0000").path / "exports" / "verdicts.json"
    files.write_json(path, [{"reasons": ["It errs more."]}])
    said = measuring.explain(planned, begun(), "written to")
    assert said == "Its file failed the check. It errs more."
    files.write_json(path, [{"reasons": []}])
    assert measuring.explain(planned, begun(), "No space.") == "No space."


def test_how_many_times_are_confirmed(tmp_path):
    planned = plans.plan(tmp_path)
    before = [plans.finish(planned, name, milliseconds=1.0) for name in ("0000", "0001", "0002")]
    before.append(dataclasses.replace(before[0], name="0003", latency=None))
    after = [
        dataclasses.replace(trial, latency=plans.make_latency(milliseconds))
        for trial, milliseconds in zip(before, (1.45, 1.55, 0.55, 1.0), strict=True)
    ]
    assert measuring.count_within(before, after) == (2, 3)


def test_the_export_is_one_file_checked_on_validation(tmp_path):
    planned = plans.plan(tmp_path)
    config = planned.make_config("0000", {"student.width": 2})
    config = measuring.export_config(config, planned.folder("0000"))
    assert config.evaluation.run == str(tmp_path / "some" / "0000")
    assert config.evaluation.split == "validation"
    assert (config.export.formats, config.export.latency_repeats) == (("tflite_float32",), 0)
