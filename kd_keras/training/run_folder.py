"""The folder of one run: what is in it, and whose it is."""

import pathlib

from kd_keras.files import read_json, write_json

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

    @property
    def finished(self):
        """Whether the run has come to its end."""
        return self.metrics_path.is_file()

    def claim(self, identity, record):
        """Make the folder this run's, or see that it is.

        Args:
            identity: What makes the run this run: plain values by name.
            record: What else to keep beside it, such as the configuration and versions.

        Raises:
            ValueError: If the folder belongs to a run with another identity. The message names
                what differs.
        """
        if not self.config_path.is_file():
            write_json(self.config_path, {"identity": identity, **record})
            return
        there = read_json(self.config_path).get("identity", {})
        here = {name: _plain(value) for name, value in identity.items()}
        differing = [
            f"{name} (there {there.get(name)}, here {here.get(name)})"
            for name in sorted(set(there) | set(here))
            if there.get(name) != here.get(name)
        ]
        if differing:
            raise ValueError(
                f"The folder {self.path} belongs to another run. Different: "
                f"{', '.join(differing)}. Choose another --run_name, or remove the folder."
            )


def _plain(value):
    return list(value) if isinstance(value, tuple) else value
