"""The methods of a comparison, as they are typed."""

import pytest

import flags
from kd_keras import losses, pipeline
from kd_keras.config import Config
from kd_keras.losses import games


def parse(*words):
    words = ["compare", *words]
    return flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)[1]


def methods(*words):
    return parse(*words).compare.methods


def refuse(*words, error=ValueError):
    with pytest.raises(error) as caught:
        parse(*words)
    return str(caught.value)


@pytest.fixture
def presets(tmp_path, monkeypatch):
    folder = tmp_path / "presets"
    (folder / "paper").mkdir(parents=True)
    monkeypatch.setattr("flags.flagfiles.PRESETS", folder)
    (folder / "compare.flags").write_text("--teacher_signal=views\n")
    (folder / "paper/hot.flags").write_text("--loss=soft_target\n--temperature=9\n--epochs=7\n")
    (folder / "both.flags").write_text("--epochs=4\n--method=paper/hot\n--method=cold: --loss=\n")
    return folder


def test_without_methods_there_are_none_and_the_signal_is_kept():
    config = parse()
    assert config.compare.methods == ()
    assert config.signal.source == "views"


def test_a_method_is_its_label_and_what_it_changes():
    words = ["--epochs=3", "--method=labels alone: --loss= --adversarial_weight=0 --epochs=3"]
    assert methods(*words, "--method", "as it is:") == (
        (
            "labels alone",
            (("distillation.loss", ()), ("distillation.adversarial_weight", 0.0)),
        ),
        ("as it is", ()),
    )


def test_the_configuration_beside_the_methods_is_that_without_them():
    config = parse("--epochs=3", "--method=a: --epochs=9")
    assert config.training.epochs == 3
    assert config.compare.methods == (("a", (("training.epochs", 9),)),)


def test_a_method_for_every_loss_and_every_game():
    words = ["--method=only {loss}: --loss={loss}", "--method={game}: --game={game}"]
    found = dict(methods(*words))
    labels = [f"only {name}" for name in losses.names()]
    assert list(found) == labels + list(games.names())
    assert found["only soft_target"] == (("distillation.loss", ("soft_target",)),)
    assert found["hinge"] == (("discriminator.game", "hinge"),)


def test_values_are_of_their_types_and_quotes_keep_spaces():
    words = (
        "--method=a: --nesterov --loss=logit_l1:0.5,soft_target '--student_path=my student.keras'"
    )
    assert dict(methods(words)[0][1]) == {
        "training.nesterov": True,
        "distillation.loss": ("logit_l1:0.5", "soft_target"),
        "student.path": "my student.keras",
    }


def test_a_method_may_be_a_preset_by_its_name_or_under_a_label(presets):
    changes = (
        ("distillation.loss", ("soft_target",)),
        ("distillation.temperature", 9.0),
        ("training.epochs", 7),
    )
    assert methods("--method=paper/hot") == (("hot", changes),)
    assert methods("--method=T = 9: paper/hot") == (("T = 9", changes),)
    path = presets / "paper/hot.flags"
    assert methods(f"--method=mine: {path}")[0] == ("mine", changes)
    assert methods("--method=hotter: paper/hot --temperature=12")[0][1][1] == (
        "distillation.temperature",
        12.0,
    )


def test_flags_after_a_preset_win_over_it_and_those_of_the_method_over_all(presets):
    words = ["--method=preset: paper/hot", "--method=own: paper/hot --epochs=5", "--epochs=2"]
    config = parse(*words)
    assert config.training.epochs == 2
    first, second = (dict(changes) for _, changes in config.compare.methods)
    assert "training.epochs" not in first
    assert second["training.epochs"] == 5


def test_a_flagfile_holds_methods_and_more_may_follow(presets):
    config = parse("--flagfile=both", "--method='warm: --temperature=6'")
    assert [label for label, _ in config.compare.methods] == ["hot", "cold", "warm"]
    assert config.training.epochs == 4


@pytest.mark.parametrize("command", ["train_teacher", "cache"])
def test_what_a_comparison_shares_can_be_made_from_its_flagfile(presets, command):
    words = [command, "--flagfile=both"]
    _, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert config.training.epochs == 4
    assert config.compare == Config().compare


def test_seeds_and_jobs():
    config = parse("--seeds=3,5", "--jobs=2")
    assert (config.compare.seeds, config.processes.jobs) == ((3, 5), 2)


@pytest.mark.parametrize("text", ["", ": --loss=", "--loss=", "--temperature=2: --loss="])
def test_a_method_without_a_label(text):
    assert refuse(f"--method={text}") == (
        "Invalid value for method. Expected LABEL: --flag=value ..., LABEL: PRESET, or PRESET. "
        f"Received: {text}."
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "a: --temprature=2",
            "In the method a: Unknown flag 'temprature'. Did you mean temperature? "
            "See python main.py compare --help.",
        ),
        (
            "a: --temperature=hot",
            "In the method a: Invalid value for temperature. Expected a number. Received: hot. "
            "See python main.py compare --help.",
        ),
        (
            "a: --temperature=0",
            "In the method a: Invalid value for temperature. Expected a number above 0. "
            "Received: 0.0. (--temperature)",
        ),
        ("a: '--loss=", "In the method a: No closing quotation. Received: '--loss=."),
        (
            "a: --loss= b",
            "In the method a: Unexpected word. Expected flags, --name=value, after "
            "compare. Received: b.",
        ),
    ],
)
def test_a_mistake_within_a_method_names_it(text, sentence):
    assert refuse(f"--method={text}") == sentence


def test_a_method_that_is_no_preset():
    said = refuse("--method=a: nowhere", error=FileNotFoundError)
    assert said.startswith("In the method a: No flagfile at nowhere. Expected a file, or a preset")


def test_a_method_may_not_be_a_comparison(presets):
    assert refuse("--method=a: both") == (
        "In the method a: both is a comparison itself. Expected the preset of one experiment."
    )


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("a: --method=x", "x"),
        ("a: --epochs=3 --method x", "x"),
        ("a: --flagfile=both", "paper/hot"),
        ("a: paper/hot --flagfile both", "paper/hot"),
    ],
)
def test_a_method_has_no_methods_within_it(presets, text, received):
    assert refuse(f"--method={text}") == (
        "In the method a: A method has no methods within it. Expected flags of one experiment, "
        f"also in a flagfile. Received: --method={received}. Give it to the whole comparison."
    )


@pytest.mark.parametrize("command", ["distill", "search", "quickstart"])
def test_methods_in_a_flagfile_are_refused_where_one_student_would_be_trained(presets, command):
    (presets / f"{command}.flags").write_text("")
    words = [command, "--flagfile=both"]
    with pytest.raises(ValueError, match="flagfile") as caught:
        flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert str(caught.value) == (
        f"A flagfile of a comparison was given to {command}, which compares no methods. Expected "
        "one without lines --method. Received: 2 of them, the first --method=paper/hot. Give it "
        f"to the command compare, or give {command} the flags of one row."
    )


def test_the_same_label_twice():
    assert refuse("--method=a:", "--method=a: --epochs=3") == (
        "Invalid value for methods. Expected each label once. Received: a, a."
    )


def test_a_flag_without_its_value():
    assert refuse("--method") == (
        "Missing value for flag --method. See python main.py compare --help."
    )


def test_another_command_does_not_take_methods():
    with pytest.raises(ValueError, match=r"^distill does not use --method\."):
        flags.parse(["distill", "--method=a:"], sections=flags.SECTIONS, commands=pipeline.COMMANDS)
