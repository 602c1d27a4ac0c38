import dataclasses
import types

import pytest

import flags
from kd_keras import config, losses, pipeline


def parse(*words):
    return flags.parse(list(words), sections=flags.SECTIONS, commands=pipeline.COMMANDS)


def refuse(*words, error=ValueError):
    with pytest.raises(error) as caught:
        parse(*words)
    return str(caught.value)


def ask_for_help(*words):
    with pytest.raises(flags.Help) as caught:
        parse(*words)
    return str(caught.value)


def test_a_command_and_its_flags():
    command, parsed = parse("distill", "--epochs=3", "--student_depth=16", "--seed=7")
    assert command == "distill"
    assert parsed == config.Config(
        run=config.Run(seed=7),
        student=config.Student(depth=16),
        training=config.Training(epochs=3),
    )


@pytest.mark.parametrize(
    "words",
    [
        ["choose", "--student_depths=9,11,8"],
        ["search", "--search_axis=student.depth=11..19"],
        ["search", "--search_axis=student.width=1,2", "--search_axis= student.depth = 9,11 if a=8"],
    ],
)
def test_where_depths_are_compared_the_base_need_not_have_the_default(words):
    assert parse(*words, "--student=vgg")[1].student.depth == 11
    assert parse(*words)[1].student.depth == config.Student().depth


def test_a_depth_that_was_given_is_kept_though_others_are_compared():
    words = ["search", "--search_axis=student.depth=11..19", "--student=vgg", "--student_depth=10"]
    assert refuse(*words).endswith("Received: 10. (--student_depth)")


def test_every_way_to_write_a_flag():
    for words in (["--epochs=3"], ["--epochs", "3"], ["-epochs=3"], ["-epochs", "3"]):
        assert parse("distill", *words)[1].training.epochs == 3


def test_without_a_command_it_is_the_first_one():
    assert parse()[0] == "quickstart"
    command, parsed = parse("--epochs=3")
    assert (command, parsed.training.epochs) == ("quickstart", 3)


def test_a_command_starts_from_its_preset(tmp_path, monkeypatch):
    monkeypatch.setattr("flags.flagfiles.PRESETS", tmp_path)
    (tmp_path / "quickstart.flags").write_text("# words\n--epochs=2\n--batch_size=16\n")
    training = parse("quickstart", "--epochs=3")[1].training
    assert (training.epochs, training.batch_size) == (3, 16)
    assert parse("distill")[1] == config.Config()


@pytest.mark.parametrize("word", ["--help", "-help", "-h", "help"])
def test_general_help_lists_the_commands(word):
    text = ask_for_help(word)
    for name, command in pipeline.COMMANDS.items():
        assert f"  {name:<16}{command.summary}" in text.split("\n")
    assert text.endswith("Without a command: quickstart.")


@pytest.mark.parametrize("command", pipeline.COMMANDS)
def test_help_of_a_command_lists_the_flags_that_it_uses_and_no_other(command):
    text = ask_for_help(command, "--epochs=x", "--help")
    for section in flags.SECTIONS:
        used = section.name in pipeline.COMMANDS[command].sections
        assert (f"\n{section.name}:\n" in text) is used
        for flag in section.flags:
            shown = f"--[no]{flag.name}" if flag.kind is bool else f"--{flag.name}"
            assert (shown in text.split()) is (used and command not in flag.unused_by)
    assert pipeline.COMMANDS[command].summary in text


def test_help_tells_choices_and_defaults():
    lines = " ".join(ask_for_help("distill", "--help").split())
    assert "--padding What those pixels are. One of zero, reflect. [zero]" in lines
    assert "--[no]nesterov Nesterov's momentum. [false]" in lines
    assert "--weight_decay On every weight, coupled, as in PyTorch's SGD. [0.0001]" in lines
    assert "--learning_rate_drops Epochs, from 1, it falls at; empty: 40% and 80%. --" in lines


def test_help_tells_what_a_flag_is_to_the_command():
    teacher = " ".join(ask_for_help("train_teacher", "--help").split())
    assert (
        "empty: the run of train_teacher, which itself starts from it where it is set." in teacher
    )
    student = " ".join(ask_for_help("distill", "--help").split())
    assert "A .keras file or a run's folder with a network of your own to train" in student
    pruning = " ".join(ask_for_help("prune", "--help").split())
    assert "file: in float32, that of a pruned network as it is timed; 0: any." in pruning
    assert "run each over a split, and give a verdict." in ask_for_help("export", "--help")


def test_help_fits_the_terminal(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda: types.SimpleNamespace(columns=80))
    lines = ask_for_help("distill", "--help").split("\n")
    assert max(map(len, lines[3:])) <= 80


def test_an_unknown_command():
    assert refuse("distil") == (
        f"Unknown command. Expected one of {', '.join(sorted(pipeline.COMMANDS))}. "
        "Received: distil. Did you mean distill?"
    )


def test_an_unknown_flag():
    assert refuse("distill", "--epoch=3") == (
        "Unknown flag 'epoch'. Did you mean epochs? See python main.py distill --help."
    )
    assert refuse("distill", "--zzzzzz=3") == (
        "Unknown flag 'zzzzzz'. See python main.py distill --help."
    )


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--epochs=x", "Invalid value for epochs. Expected a whole number. Received: x."),
        ("--epochs=1.5", "Invalid value for epochs. Expected a whole number. Received: 1.5."),
        ("--epochs=", "Invalid value for epochs. Expected a whole number. Received: ."),
        (
            "--learning_rate=fast",
            "Invalid value for learning_rate. Expected a number. Received: fast.",
        ),
        (
            "--nesterov=maybe",
            "Invalid value for nesterov. Expected true or false. Received: maybe.",
        ),
        ("--nonesterov=true", "--nonesterov=true does not take an argument."),
        (
            "--learning_rate_drops=1,b",
            "Invalid value for learning_rate_drops. Expected a whole number. Received: b.",
        ),
        (
            "--padding=zeros",
            "Unknown padding. Expected one of reflect, zero. Received: zeros. Did you mean zero?",
        ),
        ("--epochs", "Missing value for flag --epochs."),
    ],
)
def test_a_value_of_another_type(word, sentence):
    assert refuse("distill", word) == f"{sentence} See python main.py distill --help."


def test_a_name_that_is_in_no_table():
    assert refuse("distill", "--loss=logit_l1,soft_targets:0.5") == (
        f"Unknown loss. Expected one of {', '.join(losses.names())}. Received: soft_targets:0.5. "
        "Did you mean soft_target? See python main.py distill --help."
    )
    assert refuse("distill", "--dataset=digits:3").startswith("Unknown dataset. Expected one of ")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        (
            "--student_depth=17",
            "Invalid value for depth. Expected 6n + 4 (10, 16, 22, 28, 34, 40, ...). "
            "Received: 17. The nearest: 16 and 22. (--student_depth)",
        ),
        (
            "--discriminator_depth=17",
            "Invalid value for depth. Expected 1 to 16. Received: 17. (--discriminator_depth)",
        ),
        (
            "--learning_rate=0",
            "Invalid value for learning_rate. Expected a number above 0. Received: 0.0. "
            "(--learning_rate)",
        ),
        (
            "--loss=logit_l1:x",
            "Invalid value for loss. Expected NAME or NAME:WEIGHT with a weight above 0. "
            "Received: 'logit_l1:x'. (--loss)",
        ),
        (
            "--teacher_mean_temperature=4",
            "Invalid value for mean_temperature. Expected 0, unless ensemble names further "
            "teachers: one has no mean. Received: 4.0. (--teacher_mean_temperature)",
        ),
    ],
)
def test_a_value_out_of_range_names_its_flag(word, sentence):
    assert refuse("distill", word) == sentence


def test_a_word_that_is_no_flag():
    for words in (["digits"], ["--epochs=3", "digits"], ["--", "digits"]):
        assert refuse("distill", *words) == (
            "Unexpected word. Expected flags, --name=value, after distill. Received: digits."
        )


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("--student_depth=10", "student_depth"),
        ("-student_depth=10", "student_depth"),
        ("--discriminator_nesterov", "discriminator_nesterov"),
        ("--nodiscriminator_nesterov", "discriminator_nesterov"),
    ],
)
def test_a_flag_that_the_command_does_not_use(word, name):
    assert refuse("train_teacher", word) == (
        f"train_teacher does not use --{name}. It reads the flags of run, data, teacher, "
        "training. See python main.py train_teacher --help."
    )


def test_a_flag_in_a_flagfile_may_be_for_another_command(tmp_path):
    path = tmp_path / "one.flags"
    path.write_text("--student_depth=16\n--epochs=2\n")
    parsed = parse("train_teacher", f"--flagfile={path}")[1]
    assert (parsed.student.depth, parsed.training.epochs) == (16, 2)


def test_later_flags_win(tmp_path):
    path = tmp_path / "one.flags"
    path.write_text("--epochs=2\n")
    assert parse("distill", f"--flagfile={path}", "--epochs=3")[1].training.epochs == 3
    assert parse("distill", "--epochs=3", f"--flagfile={path}")[1].training.epochs == 2
    assert parse("distill", "--epochs=3", "--epochs=4")[1].training.epochs == 4
    assert parse("distill", "--loss=logit_l1", "--loss=soft_target")[1].distillation.loss == (
        "soft_target",
    )


@pytest.mark.parametrize("form", ["--flagfile={}", "-flagfile={}", "--flagfile {}"])
def test_a_flagfile_by_path_and_by_the_name_of_a_preset(form, tmp_path, monkeypatch):
    monkeypatch.setattr("flags.flagfiles.PRESETS", tmp_path / "presets")
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets/small.flags").write_text("--epochs=2\n")
    (tmp_path / "own.flags").write_text("# A remark.\n\n--epochs=5\n// Another.\n")
    by_name = parse("distill", *form.format("small").split())[1]
    by_path = parse("distill", *form.format(tmp_path / "own.flags").split())[1]
    assert (by_name.training.epochs, by_path.training.epochs) == (2, 5)


def test_a_flagfile_may_name_another(tmp_path):
    (tmp_path / "a.flags").write_text("--epochs=2\n--batch_size=16\n")
    (tmp_path / "b.flags").write_text(f"--flagfile={tmp_path / 'a.flags'}\n--epochs=5\n")
    training = parse("distill", f"--flagfile={tmp_path / 'b.flags'}")[1].training
    assert (training.epochs, training.batch_size) == (5, 16)


def test_a_flagfile_that_is_not_there(tmp_path):
    assert refuse("distill", "--flagfile=nowhere", error=FileNotFoundError) == (
        "No flagfile at nowhere. Expected a file, or a preset's name: one of the files under "
        "flags/presets without .flags."
    )
    (tmp_path / "b.flags").write_text("--flagfile=nowhere\n")
    words = ["distill", f"--flagfile={tmp_path / 'b.flags'}"]
    assert refuse(*words, error=FileNotFoundError).startswith("No flagfile at nowhere. ")


def test_lists():
    parsed = parse("distill", "--learning_rate_drops=2, 4,6", "--loss=soft_target:0.9,logit_l1")[1]
    assert parsed.training.learning_rate_drops == (2, 4, 6)
    assert parsed.distillation.loss == ("soft_target:0.9", "logit_l1")
    assert parsed.distillation.weighted_losses == (("soft_target", 0.9), ("logit_l1", None))
    assert parse("distill", "--loss=")[1].distillation.loss == ()
    assert parse("export", "--formats=saved_model")[1].export.formats == ("saved_model",)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--nesterov"], True),
        (["--nesterov=true"], True),
        (["--nesterov=True"], True),
        (["--nesterov=1"], True),
        (["--nesterov=false"], False),
        (["--nesterov=0"], False),
        (["--nesterov", "--nonesterov"], False),
        (["--nonesterov", "--nesterov"], True),
        ([], False),
    ],
)
def test_booleans(words, expected):
    assert parse("distill", *words)[1].training.nesterov is expected


def test_texts_are_taken_as_they_are():
    parsed = parse("distill", "--data_directory=/a b/c:d,e=f", "--run_name=")[1]
    assert parsed.data.data_directory == "/a b/c:d,e=f"
    assert parsed.run.name == ""


PATHS = [
    ("distill", "output_directory", "run", "output_directory"),
    ("distill", "teacher_path", "teacher", "path"),
    ("distill", "student_path", "student", "path"),
    ("distill", "teacher_ensemble", "signal", "ensemble"),
    ("evaluate", "run", "evaluation", "run"),
    ("evaluate", "model", "evaluation", "model"),
    ("predict", "images", "predict", "images"),
    ("predict", "output", "predict", "output"),
    ("report", "beside", "report", "beside"),
    ("prune", "prune_as_fast_as", "pruning", "as_fast_as"),
]


def test_every_field_that_is_a_path_is_among_these():
    marked = {
        (section.name, field.name)
        for section in dataclasses.fields(config.Config)
        for field in dataclasses.fields(section.type)
        if field.metadata.get("path")
    }
    assert marked == {(section, field) for _, _, section, field in PATHS}


@pytest.mark.parametrize(("command", "flag", "section", "field"), PATHS)
def test_a_path_may_begin_at_the_home_folder(monkeypatch, command, flag, section, field):
    monkeypatch.setenv("HOME", "/home/ann")
    parsed = parse(command, f"--{flag}=~/a")[1]
    several = isinstance(getattr(getattr(config.Config(), section), field), tuple)
    expected = ("/home/ann/a",) if several else "/home/ann/a"
    assert getattr(getattr(parsed, section), field) == expected
    if several:
        parsed = parse(command, f"--{flag}=~/a,b~")[1]
        assert getattr(getattr(parsed, section), field) == ("/home/ann/a", "b~")


def test_the_home_folder_is_meant_in_paths_alone(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    parsed = parse("distill", "--run_name=~")[1]
    assert parsed.run.name == "~"
    # It is put in its place where it is used, so that records of it hold for every user.
    assert parsed.data.cache_directory == "~/.cache/kd_keras"
