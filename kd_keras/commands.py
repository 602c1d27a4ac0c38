"""Commands of this program as they can be typed into a shell: those that a user is told."""

import shlex

__all__ = ["format_command"]


def format_command(command, *words, **flags):
    """A command line of this program, quoted where a shell needs it.

    Args:
        command: The command's name.
        *words: Flags as they are typed.
        **flags: Further flags: values, plain as text, by the flag's name.

    Returns:
        The line.

    Example:
        >>> format_command("export", run="runs/small", formats="all")
        'python main.py export --run=runs/small --formats=all'
        >>> print(format_command("report", run="my runs/small"))
        python main.py report '--run=my runs/small'
    """
    words = [*words, *(f"--{name}={value}" for name, value in flags.items())]
    return shlex.join(["python", "main.py", command, *words])
