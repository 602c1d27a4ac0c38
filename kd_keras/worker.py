"""Commands in a process of their own: `python -m kd_keras.worker TASK.json`.

The file holds the commands' names, their configurations, and the words of the command line that
asked for them. What it prints, its sentences and its exit statuses are those of `main.py`.
"""

import os
import signal
import stat
import sys
import threading

from kd_keras import files, mistakes, pipeline
from kd_keras.config import from_dictionary

__all__ = ["main"]


def main(path):
    """Run the commands of a file, as long as they give the status 0.

    Args:
        path: The file that `tasks.make_task` wrote.

    Returns:
        The last one's exit status, as of `main.py`.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    _stop_with_parent()
    debug = False
    try:
        task = files.read_json(path)
        sys.argv = ["main.py", *task["command_line"]]
        for step in task["steps"]:
            config = from_dictionary(step["config"])
            debug = config.run.debug
            status = pipeline.COMMANDS[step["command"]].run(config)
            if status:
                break
        return status
    except mistakes.expected() as error:
        return mistakes.tell(error, debug=debug)


def _stop_with_parent():
    """Stop, as after Ctrl-C, when the process that started this one is no longer there.

    That process holds the other end of the pipe that is standard input here, and nothing is
    written to it: it ends when the process does.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def watch():
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
