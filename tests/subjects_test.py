import json

import pytest

from kd_keras import config, subjects


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def record(teacher="runs/big/teacher.keras", **of_data):
    settings = config.Config(data=config.Data(dataset="digits", **of_data)).to_dictionary()
    facts = {"identity": {"command": "distill"}, "class_names": ["a"]}
    return {**facts, "config": settings, "teacher": teacher}


def find(path, **sections):
    asked = config.Config(evaluation=config.Evaluation(model=str(path)), **sections)
    return subjects.find_subject(asked)


@pytest.mark.parametrize("place", ["", "exports", "exports/saved_model"])
def test_the_record_lies_beside_the_model_or_above_it(tmp_path, place):
    write(tmp_path / "small" / "config.json", record(split_seed=7))
    subject = find(write(tmp_path / "small" / place / "student.keras"))
    assert subject.record["class_names"] == ["a"]
    assert (subject.config.data.dataset, subject.config.data.split_seed) == ("digits", 7)


def test_where_the_data_lies_here_may_be_told_anew(tmp_path):
    write(tmp_path / "config.json", record(data_directory="there", split_seed=7))
    path = write(tmp_path / "student.keras")
    assert find(path).config.data.data_directory == "there"
    data = find(path, data=config.Data(data_directory="here", cache_directory="c")).config.data
    assert (data.data_directory, data.cache_directory, data.split_seed) == ("here", "c", 7)


FOREIGN = [
    {"model_type": "vit", "num_labels": 10},
    {"config": {"data": {"dataset": "digits"}}},
    {"identity": {}, "config": {"training": {}}, "class_names": []},
    {"identity": [], "config": [], "class_names": []},
    ["data"],
    3,
    "// settings\n{}",
]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_the_settings_of_another_program_are_no_record(tmp_path, foreign):
    path = write(tmp_path / "models" / "nets" / "my.keras")
    write(path.parent / "config.json", foreign)
    alone = find(path)
    assert (alone.record, alone.teacher_path) == ({}, None)
    assert alone.config.data == config.Data()
    # What is above them is looked at all the same.
    write(tmp_path / "models" / "config.json", record())
    assert find(path).config.data.dataset == "digits"


def test_the_damaged_record_of_a_run_is_refused(tmp_path):
    write(tmp_path / "config.json", "{")
    path = write(tmp_path / "student.keras")
    assert find(path).record == {}
    write(tmp_path / "history.csv", "epoch\n")
    with pytest.raises(ValueError, match=r"Damaged file .*config\.json\. Expected JSON\."):
        find(path)


@pytest.mark.parametrize(
    "place",
    ["told/big/teacher.keras", "runs/big/teacher.keras", "runs/contest/big/teacher.keras"],
    ids=["where it is told", "beside the comparison", "beside the run"],
)
def test_the_teacher_is_found_where_it_is_told_or_near_the_run(tmp_path, place):
    told = tmp_path / "told" / "big" / "teacher.keras"
    folder = tmp_path / "runs" / "contest" / "small"
    write(folder / "config.json", record(str(told)))
    path = write(folder / "student.keras")
    assert find(path).teacher_path == told  # though it is not there
    there = write(tmp_path / place)
    assert find(path).teacher_path == there
    another = write(tmp_path / "another.keras")
    assert find(path, teacher=config.Teacher(path=str(another))).teacher_path == another


def test_the_teacher_is_searched_for_in_the_folders_that_are_given(tmp_path):
    facts, folder = record("/elsewhere/big/teacher.keras"), tmp_path / "contest" / "small"
    there = write(tmp_path / "big" / "teacher.keras")
    assert subjects.find_teacher(facts, folder) is None
    assert subjects.find_teacher(facts, folder, tmp_path) == there
    assert subjects.find_teacher(record(None), folder, tmp_path) is None


def test_what_is_told_and_not_there_is_refused(tmp_path):
    path = write(tmp_path / "student.keras")
    lost = tmp_path / "lost.keras"
    with pytest.raises(FileNotFoundError) as caught:
        find(lost)
    assert str(caught.value) == f"No model at {lost}. Expected a run's folder or a model's file."
    with pytest.raises(FileNotFoundError) as caught:
        find(path, teacher=config.Teacher(path=str(lost)))
    assert str(caught.value) == (
        f"No teacher at {lost}. Expected its run's folder or a model's file."
    )


def test_a_path_from_within_the_run_finds_its_record(tmp_path, monkeypatch):
    write(tmp_path / "small" / "config.json", record(split_seed=7))
    write(tmp_path / "small" / "exports" / "student.keras")
    monkeypatch.chdir(tmp_path / "small" / "exports")
    subject = find("student.keras")
    assert subject.config.data.split_seed == 7
    assert subject.path.parent.parent.name == "small"
