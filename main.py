"""The command line of kd_keras: `python main.py COMMAND --flag=value`, or `--help`."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import flags
from kd_keras import pipeline, startup


def main(words):
    """Run one command.

    Args:
        words: The words after the program's name.

    Returns:
        The exit status: 0, 1 where a check failed, 2 for a mistake, 130 after Ctrl-C.
    """
    debug = "--debug" in words  # until the words are understood
    try:
        command, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
        debug = config.run.debug
        startup.start_tensorflow()
        return pipeline.COMMANDS[command].function(config)
    except flags.Help as text:
        print(text)
        return 0
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it was.", file=sys.stderr)
        return 130
    except (ValueError, TypeError, ArithmeticError, OSError) as error:
        if debug:
            raise
        print(f"main.py: {_say(error)}", file=sys.stderr)
        return 2


def _say(error):
    if isinstance(error, OSError) and error.errno is not None:
        place = error.filename or "a file"
        return (
            f"Cannot read or write {place}: {error.strerror}. What was complete is still there; "
            "the same command goes on where it was."
        )
    return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
