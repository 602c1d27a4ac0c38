"""Whether a search may work in its folder, and in which part."""

import contextlib
import dataclasses

from kd_keras import runs, search, training
from kd_keras.searching.planning import identity_of

__all__ = ["claim"]


@contextlib.contextmanager
def claim(planned):
    """Make the search's folder this one's, or see that it is, until the end of the context.

    More trials may be asked for later; what they share and what is varied may not change.

    Args:
        planned: The `Plan`.

    Yields:
        The part of this process: `"alone"`, `"chief"`, or `"worker"`, which leaves the folder to
        its chief.

    Raises:
        ValueError: If the folder was made by other settings, the message naming them, if another
            process works in it, or if the environment does not say which part this is.
        ConnectionError: If this is a worker, and its chief does not come.
    """
    role = search.read_role()
    folder, identity = training.RunFolder(planned.path), identity_of(planned)
    if role == "worker":
        search.require_chief(minutes=planned.section.chief_minutes)
        folder.require_same(identity)
        yield role
        return
    config = dataclasses.replace(planned.config, search=planned.section)
    record = {"config": config.to_dictionary(), "command_line": runs.command_line()}
    with folder.claim(identity, record):
        yield role
