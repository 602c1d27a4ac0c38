"""What `--help` prints."""

import shutil
import textwrap

__all__ = ["describe_command", "describe_commands"]

_INDENT = 30


def describe_commands(commands):
    """The general help: a line for every command."""
    lines = ["python main.py COMMAND [--flag=value ...]", "", "Commands:"]
    lines += [f"  {name:<16}{command.summary}" for name, command in commands.items()]
    lines += [
        "",
        "python main.py COMMAND --help lists a command's flags.",
        "--flagfile=NAME reads the flags of flags/presets/NAME.flags; flags after it win.",
        f"Without a command: {next(iter(commands))}.",
    ]
    return "\n".join(lines)


def describe_command(name, description, sections):
    """The help of one command: the flags that it reads."""
    lines = [f"python main.py {name} [--flag=value ...]", "", description.summary]
    for section in sections:
        if section.name in description.sections:
            lines += ["", f"{section.name}:"]
            for flag in section.flags:
                lines += [] if name in flag.unused_by else _flag_help(flag)
    lines += ["", "--flagfile=NAME reads the flags of flags/presets/NAME.flags."]
    return "\n".join(lines)


def _flag_help(flag):
    default = ",".join(map(str, flag.default)) if isinstance(flag.default, tuple) else flag.default
    default = str(default).lower() if isinstance(default, bool) else default
    text = flag.help
    if flag.choices:
        text += f" One of {', '.join(flag.choices)}."
    if default != "":
        text += f" [{default}]"
    width = max(40, min(100, shutil.get_terminal_size().columns) - _INDENT)
    head, *rest = textwrap.wrap(text, width) or [""]
    name = f"  --{'[no]' if flag.kind is bool else ''}{flag.name}"
    first = [f"{name:<{_INDENT}}{head}"] if len(name) < _INDENT else [name, " " * _INDENT + head]
    return first + [" " * _INDENT + line for line in rest]
