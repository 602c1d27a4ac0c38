"""From a folder to its page: `gather`, and the command that uses it."""

import shutil
from xml.etree import ElementTree

import pytest

import main
from kd_keras import config, gathering, search
from kd_keras.gathering import networks
from tests.gathering import folders
from tests.search.trials import make_trial


@pytest.fixture(scope="module", autouse=True)
def _few_repeats():
    """How long networks take is of no interest here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "_REPEATS", 2)
        yield


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return folders.make_trio(tmp_path_factory.mktemp("runs"))


def gather(folder, teacher="", **options):
    settings = config.Config(
        evaluation=config.Evaluation(run=str(folder)),
        report=config.Report(**options),
        teacher=config.Teacher(path=str(teacher)),
    )
    return gathering.gather(settings)


@pytest.fixture(scope="module")
def content(student):
    return gather(student, images=5)


def test_a_run_is_gathered(content, student):
    assert (content.title, content.kind) == ("small", "run")
    assert content.class_names == folders.splits().class_names
    assert content.missing == ()
    assert len(content.judged.opinions) == 3
    assert all(c.latency_milliseconds > 0 for c in content.contenders)
    assert content.versions.keys() == {"keras"}
    assert content.commands == (
        ("The distilled student:", "python main.py distill"),
        ("The student from scratch:", "python main.py distill"),
        ("The teacher:", "python main.py train_teacher"),
        ("This page:", f"python main.py report --run={student} --report_images=5"),
    )
    assert list(content.identities) == [c.label for c in content.contenders]


def test_the_pictures_are_those_that_are_answered_differently(content):
    teacher, student = (content.opinion(role=role).predictions for role in ("teacher", "student"))
    split = folders.splits().test
    assert 0 < len(content.pictures) <= 5
    for picture in content.pictures:
        assert teacher[picture.index] != student[picture.index]
        assert (picture.pixels == split.images_at([picture.index])[0]).all()


def test_the_class_that_the_control_misses_most_is_shown(content):
    labels = content.judged.labels
    control = content.opinion(role="control").predictions
    errors = [(control[labels == c] != c).mean() for c in range(4)]
    assert errors[content.class_index] == max(errors)
    assert content.class_reason == "the class that the student from scratch misses most often"


def test_a_class_can_be_asked_for(student):
    name = folders.splits().class_names[2]
    content = gather(student, class_name=name, images=0)
    assert (content.class_index, content.pictures) == (2, ())
    assert content.class_reason == "the class that was asked for"


def test_a_teacher_without_a_run_is_measured(tmp_path):
    folders.save_network(tmp_path / "own.keras", 3)
    student = folders.make_run(tmp_path / "runs" / "small", teacher=tmp_path / "own.keras")
    content = gather(student)
    teacher = content.contender(role="teacher")
    wrong = content.opinion(role="teacher").predictions != content.judged.labels
    assert teacher.errors_percent == (pytest.approx(100 * wrong.mean()),)
    assert teacher.size("parameters") == 3 * 3 * 3 * 3 + 3 + 3 * 4 + 4


def test_the_page_tells_the_flags_that_made_it(student, tmp_path):
    own = tmp_path / "own.keras"
    folders.save_network(own, 3)
    name = folders.splits().class_names[2]
    content = gather(student, class_name=name, images=3, beside=(str(student),), teacher=own)
    assert dict(content.commands)["This page:"] == (
        f"python main.py report --run={student} --report_class={name} --report_images=3 "
        f"--teacher_path={own} --beside={student}"
    )


@pytest.mark.parametrize(
    "flag",
    ["--report_class=a", "--report_images=2", "--teacher_path=/nope", "--beside=/nope,/nor"],
)
def test_the_page_of_a_search_takes_no_flags_about_networks(tmp_path, capsys, flag):
    search.write(tmp_path, [make_trial(10, 1, 9.0, 1.0)])
    status, _, said = report(f"--run={tmp_path}", flag, capsys=capsys)
    assert (status, said) == (
        2,
        f"main.py: {tmp_path} is a search, whose page shows times and errors, no images and no "
        f"networks. Expected --run alone. Received: {flag}. Make a page of one of its trials with "
        f"them: --run={tmp_path}/TRIAL.\n",
    )
    assert not (tmp_path / "report.html").exists()


def test_a_comparison_is_gathered(student, tmp_path):
    root = tmp_path / "my runs"
    contest = folders.make_comparison(root, {"plain": (None, (30.0,))})
    shutil.copytree(student.parent / "plain", contest / "plain-seed0")
    content = gather(contest)
    assert (content.title, content.kind, content.subject) == ("contest", "comparison", "plain")
    assert content.commands == (
        ("The comparison:", "python main.py compare"),
        ("This page:", f"python main.py report '--run={contest}'"),
    )


def report(*words, capsys):
    status = main.main(["report", *words])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_command_writes_a_page(student, tmp_path, capsys):
    shutil.copytree(student.parent, tmp_path / "runs")
    folder = tmp_path / "runs" / "small"
    status, said, _ = report(f"--run={folder}", "--report_images=2", capsys=capsys)
    assert status == 0
    assert f"written to {folder / 'report.html'}\nwritten to {folder / 'report.md'}\n" in said
    tree = ElementTree.parse(folder / "report.html")
    headings = [h2.get("id") for h2 in tree.iter("h2")]
    assert {"results", "training", "logits", "confusion", "disagreement", "record"} <= set(headings)
    assert len([i for i in tree.iter("img") if i.get("src").startswith("data:image/png")]) == 2
    assert (folder / "report_figures" / "confusion.svg").is_file()


def test_an_unfinished_run_has_a_page_that_says_so(tmp_path, capsys):
    folder = folders.make_run(tmp_path / "a", finished=False)
    status, said, _ = report(f"--run={folder}", capsys=capsys)
    assert status == 0
    assert "missing: The run has not come to its end" in said
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "The run has not come to its end" in page
    assert 'id="training"' in page
    assert 'id="results"' not in page


def test_a_comparison_without_a_finished_run_has_a_page(tmp_path, capsys):
    contest = folders.make_comparison(tmp_path, {"plain": (None, ("missing",))})
    assert report(f"--run={contest}", capsys=capsys)[0] == 0
    page = (contest / "report.html").read_text(encoding="utf-8")
    assert "No run of this comparison has come to its end." in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            [],
            "Nothing to report. Expected --run=FOLDER, the folder of a run, a comparison or a "
            "search.",
        ),
        (["--run={student}", "--teacher_path={empty}"], "No model in {empty}."),
        (
            ["--run=/nowhere"],
            "No folder at /nowhere. Expected that of a run, a comparison or a search.",
        ),
        (
            ["--run={empty}"],
            "No run in {empty}. Expected config.json of a run, or comparison.json of a comparison.",
        ),
        (
            ["--run={student}", "--report_class=patern1"],
            "Unknown report_class. Expected one of pattern0, pattern1, pattern2, "
            "pattern3. Received: patern1. Did you mean pattern1?",
        ),
        (
            ["--run={student}", "--report_images=-1"],
            "Invalid value for images. Expected 0 or more.",
        ),
    ],
)
def test_a_mistake_is_a_sentence(student, tmp_path, capsys, words, sentence):
    places = {"student": student, "empty": tmp_path}
    words = [word.format(**places) for word in words]
    status, _, said = report(*words, capsys=capsys)
    assert status == 2
    assert said.startswith(f"main.py: {sentence.format(**places)}")
    assert said.count("\n") == 1


def test_a_real_run_has_a_page(tmp_path, capsys):
    """Trained by the command, so that the page reads what it writes today."""
    for name, width in (("large", 8), ("tiny", 2)):
        folders.save_network(tmp_path / f"{name}.keras", width)
    words = [
        "--dataset=synthetic",
        "--epochs=2",
        "--batch_size=64",
        f"--teacher_path={tmp_path / 'large.keras'}",
        f"--student_path={tmp_path / 'tiny.keras'}",
        f"--output_directory={tmp_path}",
        "--run_name=real",
        "--track_gradient_shares",
    ]
    assert main.main(["distill", *words]) == 0
    capsys.readouterr()
    status, _, said = report(f"--run={tmp_path / 'real'}", capsys=capsys)
    assert (status, said) == (0, "")
    names = {path.stem for path in (tmp_path / "real" / "report_figures").iterdir()}
    assert {"errors_by_epoch", "discriminator_loss", "discriminator_origin"} <= names
    assert {"gradient_shares", "logits", "reliability_2", "confusion"} <= names
    tree = ElementTree.parse(tmp_path / "real" / "report.html")
    commands = [code.text for code in tree.iter("code")]
    assert len(commands) == 2
    assert commands[1] == f"python main.py report --run={tmp_path / 'real'}"
