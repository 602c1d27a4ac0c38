import dataclasses
import re

import pytest

import main
from kd_keras import choosing, config, files, search
from tests.choosing.measured import replace_measurement
from tests.gathering import folders
from tests.search.trials import make_search, make_trial


@pytest.fixture
def search_folder(tmp_path):
    search.write(tmp_path / "some", make_search())
    return tmp_path / "some"


def choose(folder, cache_directory="~/none", **limits):
    settings = config.Config(
        data=config.Data(cache_directory=str(cache_directory)),
        evaluation=config.Evaluation(run=str(folder)),
        budget=config.Budget(**limits),
    )
    text, fits = choosing.choose_trained(settings)
    return text.splitlines(), fits


def test_the_student_of_a_search_is_named(search_folder):
    lines, fits = choose(search_folder, max_latency_milliseconds=2.0)
    assert fits
    assert any(line.startswith("Take WRN-16-2: 9.00% error on validation") for line in lines)
    assert lines[-2:] == [
        "To write its files and check them:",
        f"python main.py export --run={search_folder}/trials/16-2-0",
    ]


def test_students_are_ranked(search_folder):
    lines, _ = choose(search_folder, max_latency_milliseconds=2.0)
    ranks = [line.split()[:2] for line in lines[1:7]]
    # None of these is beaten: each step down in error takes more time.
    assert ranks == [
        [name, "0"]
        for name in ("WRN-16-4", "WRN-10-4", "WRN-16-2", "WRN-10-2", "WRN-16-1", "WRN-10-1")
    ]
    assert [line.split()[-1] for line in lines[1:7]] == ["no", "no", "yes", "yes", "yes", "yes"]


def test_what_did_not_finish_is_told(search_folder):
    lines, _ = choose(search_folder)
    assert "2210, WRN-22-1, failed: Ended by SIGKILL." in lines
    assert "2240, WRN-22-4, skipped: Too many parameters." in lines


def test_a_beaten_student_has_a_later_rank(tmp_path):
    search.write(tmp_path, [make_trial(10, 1, 9.0, 1.0), make_trial(10, 2, 9.5, 1.5)])
    lines, _ = choose(tmp_path)
    assert [line.split()[:2] for line in lines[1:3]] == [["WRN-10-1", "0"], ["WRN-10-2", "1"]]


def test_nothing_fits(search_folder):
    lines, fits = choose(search_folder, max_latency_milliseconds=0.1)
    assert not fits
    assert any(line.startswith("The closest, WRN-10-1, has 0.5 ms") for line in lines)
    assert not any("export" in line for line in lines)


def test_a_comparison_takes_its_times_from_untrained_students(tmp_path, monkeypatch):
    measurement = replace_measurement(monkeypatch)
    methods = {"plain": (None, (20.0, 22.0)), "taught": ("plain", (18.0, 19.0, "failed"))}
    root = folders.make_comparison(tmp_path / "contest", methods)
    for label, (_, errors) in methods.items():
        for seed, error in enumerate(errors):
            if error != "failed":
                width = 1 if label == "plain" else 2
                make_record(root / f"{label}-seed{seed}", width=width, validation_error=error - 1)
    lines, fits = choose(root, tmp_path / "cache", max_latency_milliseconds=2.0)
    assert fits
    assert measurement.calls == [["wide_resnet-10-1", "wide_resnet-10-2"]]
    taken = next(line for line in lines if line.startswith("Take"))
    assert taken.startswith(
        "Take WRN-10-2, method taught: 17.50% error on validation (mean of 2 seeds), 0.9 ms for "
        "one image, 0.16 MB, "
    )
    assert taken.endswith("18.50% error on test.")
    assert any("no difference is shown: +2.50 points" in line for line in lines)
    assert lines[-1].endswith(f"export --run={root}/taught-seed0")


def make_record(folder, *, width, validation_error):
    folders.make_run(folder, finished=False, width=width)
    files.write_json(folder / "metrics.json", {"best_epoch": 2, "parameters": 100, "epochs": 2})
    accuracy = 1 - validation_error / 100
    (folder / "history.csv").write_text(f"epoch,val_accuracy\n1,0.1\n2,{accuracy}\n")


def run(*words):
    return main.main(["choose", *words])


def test_the_command_names_a_student(search_folder, capsys):
    assert run(f"--run={search_folder}", "--max_latency_milliseconds=2") == 0
    assert "Take WRN-16-2" in capsys.readouterr().out
    assert run(f"--run={search_folder}", "--max_latency_milliseconds=0.1") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--run=/nowhere"],
            "No folder at /nowhere. Expected search.json or comparison.json, which the commands "
            "search and compare write.",
        ),
        (
            ["--run=.", "--max_latency_milliseconds=-1"],
            "Invalid value for max_latency_milliseconds. Expected 0 or more. Received: -1.0.",
        ),
        (["--student_depths=17"], "Invalid value for depth. Expected 6n + 4"),
        (
            ["--student_widths="],
            "Invalid value for widths. Expected different numbers above 0, at least one. "
            "Received: none.",
        ),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, capsys):
    assert run(*words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert sentence in output.err
    assert len(output.err.splitlines()) == 1


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="No search or comparison in"):
        choose(tmp_path)


def test_a_search_without_a_finished_trial_is_told(tmp_path):
    running = dataclasses.replace(make_trial(10, 1, None), status="running")
    search.write(tmp_path, [running])
    sentence = "one finished trial with a validation error. Received: 1 running."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        choose(tmp_path)


@pytest.mark.parametrize(
    ("words", "received"),
    [
        (["--measure_again"], "--measure_again"),
        (["--choose_threads=4"], "--choose_threads=4"),
        (["--measure_again", "--choose_threads=4"], "--measure_again and --choose_threads=4"),
    ],
)
def test_a_search_is_not_timed_anew(search_folder, capsys, words, received):
    assert run(f"--run={search_folder}", *words) == 2
    assert capsys.readouterr().err == (
        "main.py: A search is chosen from by the times that it measured itself, of its trained "
        f"files, threads: 1. Expected --run of a search without {received}. Its files are timed "
        "anew at the end of the same search command, with other threads in a search of another "
        "--run_name and --latency_threads.\n"
    )


def test_the_threads_that_a_search_has_had_may_be_named(tmp_path):
    trial = make_trial(10, 1, 9.0, 1.0)
    trial = dataclasses.replace(trial, latency=trial.latency | {"threads": 4})
    search.write(tmp_path, [trial])
    settings = config.Config(
        evaluation=config.Evaluation(run=str(tmp_path)), choose=config.Choose(threads=4)
    )
    assert choosing.choose_trained(settings)[1]
