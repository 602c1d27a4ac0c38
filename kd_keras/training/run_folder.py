"""The folder of one run: what is in it, and whose it is."""

import contextlib
import pathlib
import re

from kd_keras.files import read_json, remove_partial, write_json
from kd_keras.training.locking import lock_folder

__all__ = ["RunFolder"]


class RunFolder:
    """A run's folder: its configuration, checkpoints, metrics and models.

    Args:
        path: The folder. It need not exist.

    Attributes:
        path: The folder.
        config_path: The configuration, versions and fingerprints, written before training.
        checkpoints_path: Folder of what a killed run goes on from.
        history_path: One row per epoch.
        metrics_path: The final figures, written last: where it exists the run is finished.
        tensorboard_path: Folder of the history for TensorBoard, where that is asked for.

    Example:
        >>> RunFolder("saved_models/teacher").finished
        False
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.config_path = self.path / "config.json"
        self.checkpoints_path = self.path / "checkpoints"
        self.history_path = self.path / "history.csv"
        self.metrics_path = self.path / "metrics.json"
        self.tensorboard_path = self.path / "tensorboard"
        self._lock = None

    @property
    def finished(self):
        """Whether the run has come to its end."""
        return self.metrics_path.is_file()

    def claim(self, identity, record):
        """Make the folder this run's, or see that it is, and keep other processes out of it.

        What a killed process left half written is removed. A finished run is not locked and not
        touched.

        Args:
            identity: What makes the run this run: plain values by name.
            record: What else to keep beside it, such as the configuration and versions.

        Returns:
            A context manager at whose end other processes may claim the folder. The end of the
            process does as well.

        Raises:
            ValueError: If the folder belongs to a run with another identity, the message naming
                what differs; if another process is in it; or if its record is damaged.
        """
        self.require_same(identity)
        if self.finished:
            return contextlib.nullcontext()
        self._lock = lock_folder(self.path)
        try:
            self.require_same(identity)  # another process may have been faster
            remove_partial(self.path)
            if not self.config_path.is_file():
                write_json(self.config_path, {"identity": _plain(identity), **record})
        except BaseException:  # Ctrl-C too: whoever called has no lock yet that it could close
            self._lock.close()
            raise
        return self._lock

    def require_same(self, identity):
        """See that the folder belongs to no other run, without making it this one's.

        Args:
            identity: As in `claim`.

        Raises:
            ValueError: If it belongs to a run with another identity, or its record is damaged.
        """
        differing = self.list_differences(identity)
        if differing:
            raise ValueError(
                f"The folder {self.path} belongs to another run. Different: "
                f"{', '.join(differing)}. Choose another --run_name, or remove the folder."
            )

    def list_differences(self, identity):
        """What the folder's run has otherwise.

        Args:
            identity: As in `claim`.

        Returns:
            One phrase for each; none where the run is the same, or the folder is no run's yet.

        Raises:
            ValueError: If the folder's record is damaged.
        """
        if not self.config_path.is_file():
            return []
        there, here = self._read_identity(), _plain(identity)
        return [
            f"{name} (there {_tell(there, name)}, here {_tell(here, name)})"
            for name in sorted(set(there) | set(here))
            if (name in there) != (name in here) or there.get(name) != here.get(name)
        ]

    def read_metrics(self, names=()):
        """The final figures of a finished run.

        Args:
            names: Of figures that must be there.

        Returns:
            Dictionary of the figures.

        Raises:
            FileNotFoundError: If the run is not finished.
            ValueError: If the file is damaged.
        """
        advice = "Remove it and start the run's command again, which writes it anew."
        figures = read_json(self.metrics_path, advice)
        if not isinstance(figures, dict) or not set(names) <= set(figures):
            raise ValueError(
                f"Damaged file {self.metrics_path}. Expected the figures of a run by name"
                f"{', with ' * bool(names)}{', '.join(names)}. "
                f"Received: {_shorten(figures)}. {advice}"
            )
        return figures

    def _read_identity(self):
        advice = f"Remove the folder {self.path} to start over, or choose another --run_name."
        record = read_json(self.config_path, advice)
        identity = record.get("identity") if isinstance(record, dict) else None
        if not isinstance(identity, dict):
            raise ValueError(
                f"Damaged file {self.config_path}. Expected the record of a run, with its "
                f"identity. Received: {_shorten(record)}. {advice}"
            )
        return identity


_DIGEST = re.compile(r"[0-9a-f]{32,}")
_LONGEST = 60


def _plain(value):
    """A value as it comes back from a JSON file."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(map(_plain, value)) if isinstance(value, list | tuple) else value


def _tell(values, name):
    return _shorten(values[name]) if name in values else "missing"


def _shorten(value):
    """A value as it is given on the command line, short enough for a sentence."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    if _DIGEST.fullmatch(text):
        return text[:8]
    text = text or "empty"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
