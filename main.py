"""The command line of kd_keras: `python main.py COMMAND --flag=value`, or `--help`."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import flags
from kd_keras import mistakes, pipeline


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
        return pipeline.COMMANDS[command].run(config)
    except flags.Help as text:
        print(text)
        return 0
    except mistakes.expected() as error:
        return mistakes.tell(error, debug=debug)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
