import pytest

from kd_keras import comparison, files, runs
from kd_keras.config import Student, Training
from tests.comparison import rows


def claim(planned):
    with comparison.claim(planned):
        pass


def test_the_folder_is_claimed_with_what_all_methods_share(tmp_path):
    planned = rows.plan(tmp_path)
    claim(planned)
    record = files.read_json(planned.path / "config.json")
    assert record["identity"]["command"] == "compare"
    assert record["identity"]["teacher.depth"] == 16
    assert "run.seed" not in record["identity"]
    assert record["command_line"].startswith("python ")


def test_seeds_and_methods_may_be_added(tmp_path):
    claim(rows.plan(tmp_path))
    claim(rows.plan(tmp_path, seeds=(0, 1, 2)))
    claim(rows.plan(tmp_path, methods=(*rows.METHODS, ("b", (("training.epochs", 3),)))))


def test_another_configuration_is_refused_with_what_differs(tmp_path):
    claim(rows.plan(tmp_path))
    with pytest.raises(ValueError, match="belongs to another run") as caught:
        claim(rows.plan(tmp_path, student=Student(width=4)))
    said = str(caught.value)
    assert said.startswith(f"The folder {tmp_path / 'some'} belongs to another run.")
    assert "Different: student.width (there 2, here 4)." in said


def test_a_row_that_has_begun_may_not_change(tmp_path):
    planned = rows.plan(tmp_path)
    claim(planned)
    rows.finish(planned.rows[1], 5.0)
    claim(planned)
    changed = (rows.METHODS[0], ("adversarial", (("distillation.temperature", 9.0),)))
    with pytest.raises(
        ValueError, match=r"Different: distillation\.temperature \(there 4"
    ) as caught:
        claim(rows.plan(tmp_path, methods=changed))
    assert "training.precision" not in str(caught.value)  # left to the machine, which chose


def test_two_processes_do_not_work_in_one_comparison(tmp_path):
    planned = rows.plan(tmp_path)
    with comparison.claim(planned), pytest.raises(ValueError, match="is in use by process"):
        comparison.claim(planned)
    claim(planned)


def test_the_teacher_stays_the_same(tmp_path):
    planned = rows.plan(tmp_path)
    path = rows.write_teacher(tmp_path)
    comparison.claim_teacher(planned, path)
    comparison.claim_teacher(planned, path)
    rows.write_teacher(tmp_path, b"another")
    with pytest.raises(ValueError, match="begun with another teacher") as caught:
        comparison.claim_teacher(planned, path)
    said = str(caught.value)
    assert said.startswith(f"The comparison {planned.path} was begun with another teacher. Expect")
    assert said.endswith("Choose another --run_name.")


def test_without_a_teacher_there_is_nothing_to_claim(tmp_path):
    planned = rows.plan(tmp_path)
    comparison.claim_teacher(planned, None)
    assert not planned.path.exists()


@pytest.fixture
def neighbour(tmp_path):
    """A comparison with a finished row of each method, beside which another is planned."""
    planned = rows.plan(tmp_path, name="first", seeds=(0,))
    claim(planned)
    comparison.claim_teacher(planned, rows.write_teacher(tmp_path))
    for row in planned.rows:
        rows.finish(row, 5.0)
    files.write_json(planned.path / "comparison.json", {})
    return planned


OWN = ["second/from-scratch-seed0", "second/adversarial-seed0"]


def adopt(tmp_path, *, teacher=b"teacher", **words):
    planned = rows.plan(tmp_path, name="second", **words)
    claim(planned)
    comparison.claim_teacher(planned, rows.write_teacher(tmp_path, teacher))
    adopted = comparison.adopt_finished(planned)
    return [row.folder.path.relative_to(tmp_path).as_posix() for row in adopted.rows]


def test_finished_rows_of_a_neighbour_are_taken(tmp_path, neighbour):
    methods = (("L_S", rows.METHODS[0][1]), ("hot", (("distillation.temperature", 9.0),)))
    assert adopt(tmp_path, methods=methods) == [
        "first/from-scratch-seed0",
        "second/hot-seed0",
        "second/l_s-seed1",
        "second/hot-seed1",
    ]


def test_a_row_that_has_begun_here_is_not_left(tmp_path, neighbour):
    begun = rows.plan(tmp_path, name="second", seeds=(0,)).rows[0]
    rows.finish(begun, 4.0)
    assert adopt(tmp_path, seeds=(0,)) == ["second/from-scratch-seed0", "first/adversarial-seed0"]


def test_an_unfinished_run_is_not_taken(tmp_path, neighbour):
    for row in neighbour.rows:
        row.folder.metrics_path.unlink()
    assert adopt(tmp_path, seeds=(0,)) == OWN


def test_nothing_is_taken_of_another_teacher(tmp_path, neighbour):
    assert adopt(tmp_path, seeds=(0,), teacher=b"another") == OWN


def test_nothing_is_taken_that_saw_images_of_another_place(tmp_path, neighbour):
    config = rows.make_config(tmp_path, name="second", seeds=(0,))
    planned = comparison.plan(rows.with_changed(config, "data", data_directory="elsewhere"))
    claim(planned)
    comparison.claim_teacher(planned, tmp_path / "teacher.keras")
    assert comparison.adopt_finished(planned) == planned


@pytest.mark.parametrize("content", ["{", "[]", "3", "{}", '{"identity": {}}'])
def test_a_neighbour_that_cannot_be_read_is_passed_over(tmp_path, neighbour, content):
    stranger = tmp_path / "another"
    stranger.mkdir()
    (stranger / "comparison.json").write_text("{}")
    run, whole = neighbour.rows
    run.folder.config_path.write_text(content)
    for _ in range(2):
        assert adopt(tmp_path, seeds=(0,)) == [OWN[0], "first/adversarial-seed0"]
        (stranger / "config.json").write_text(content)
    whole.folder.config_path.unlink()
    assert adopt(tmp_path, seeds=(0,)) == OWN


def test_a_precision_that_was_asked_for_takes_nothing_that_a_machine_chose(tmp_path, neighbour):
    assert adopt(tmp_path, seeds=(0,), training=Training(precision="float32")) == OWN


def test_nothing_is_taken_that_saw_other_images_than_the_finished_rows_here(tmp_path, neighbour):
    begun = rows.plan(tmp_path, name="second", seeds=(0,)).rows[0]
    rows.finish(begun, 4.0, data="one picture more")
    assert adopt(tmp_path, seeds=(0,)) == OWN


@pytest.mark.parametrize("changed", [False, True])
def test_a_row_is_taken_only_if_its_student_began_with_the_same_file(tmp_path, changed):
    path = tmp_path / "mine.keras"
    path.write_text("a")
    methods = ((rows.METHODS[0][0], (*rows.METHODS[0][1], ("student.path", str(path)))),)

    def plan(name):
        planned = rows.plan(tmp_path, name=name, methods=methods, seeds=(0,))
        claim(planned)
        comparison.claim_teacher(planned, rows.write_teacher(tmp_path))
        return planned

    [row] = plan("first").rows
    rows.finish(row, 5.0)
    record = files.read_json(row.folder.config_path)
    record["identity"] |= runs.identify_files(row.config, runs.OF_A_STUDENT)
    files.write_json(row.folder.config_path, record)
    files.write_json(tmp_path / "first" / "comparison.json", {})
    path.write_text("b" if changed else "a")
    [row] = comparison.adopt_finished(plan("second")).rows
    assert row.folder.path.parent.name == ("second" if changed else "first")


@pytest.mark.parametrize("content", ["{}", "[]", '{"path": "x"}'])
def test_a_damaged_note_of_the_teacher_is_told(tmp_path, content):
    planned = rows.plan(tmp_path)
    planned.path.mkdir()
    (planned.path / "teacher.json").write_text(content)
    with pytest.raises(ValueError, match=r"^Damaged file .*teacher\.json\. Expected the path and"):
        comparison.claim_teacher(planned, rows.write_teacher(tmp_path))
