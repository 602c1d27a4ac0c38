import shlex

from kd_keras import commands


def test_a_shell_takes_a_command_apart_into_its_words():
    line = commands.format_command("search", "--search_axis=a=1 if b=2", run="o'clock", jobs=2)
    assert shlex.split(line) == [
        "python",
        "main.py",
        "search",
        "--search_axis=a=1 if b=2",
        "--run=o'clock",
        "--jobs=2",
    ]


def test_what_needs_no_quotes_has_none():
    line = commands.format_command("choose", run="runs/a-b", max_latency_milliseconds="...")
    assert line == "python main.py choose --run=runs/a-b --max_latency_milliseconds=..."
