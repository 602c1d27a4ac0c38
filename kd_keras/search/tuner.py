"""Between an oracle and those who train: proposals out, results in, on one machine or several.

On several machines keras-tuner's chief holds the oracle and its workers ask it over the network;
which of them a process is, the environment says. See `roles`.
"""

import contextlib
import dataclasses
import io
import pathlib

import grpc
from keras_tuner.engine import base_tuner

from kd_keras import files
from kd_keras.search import roles, space
from kd_keras.search.oracles import ERROR, LATENCY, name_trial

__all__ = ["END", "WAIT", "Proposal", "Tuner"]

WAIT = "wait"  # the oracle has nothing until a trial that runs has ended
END = "end"  # the oracle has nothing any more


@dataclasses.dataclass(frozen=True, eq=False)
class Proposal:
    """A candidate to train.

    Attributes:
        name: Of the trial, such as "0003".
        values: By field.
        epochs: To train in all, where the oracle says it, or None.
        earlier: Name of the trial of the same student that trained fewer epochs, or "".
        trial: keras-tuner's.
    """

    name: str
    values: dict
    epochs: int | None
    earlier: str
    trial: object


class Tuner(base_tuner.BaseTuner):
    """Asks an oracle, or the chief that has it.

    Args:
        oracle: Of `oracles.make_oracle`.
        axes: The `Axis`es that it searches.
        directory: The search's folder; the state is kept under `oracle` in it.
    """

    def __init__(self, oracle, axes, directory):
        self._axes = axes
        with contextlib.redirect_stdout(io.StringIO()):
            super().__init__(oracle, directory=str(directory), project_name="oracle")
        self.save()

    def save(self):
        """Write the state, atomically."""
        if not self._is_worker():
            self.oracle.save()
        files.write_json(pathlib.Path(self._get_tuner_fname()), self.get_state())

    def serve(self):
        """As the chief: answer the workers until none has anything to do any more.

        Raises:
            OSError: If this machine does not have the address, or the port is taken.
        """
        try:
            self.search()
        except RuntimeError as error:
            raise OSError(f"Cannot be the chief at {roles.place()}: {error}.") from None

    def propose(self, slot):
        """The next candidate.

        Args:
            slot: Which of several that train at once in this process, from 0.

        Returns:
            A `Proposal`, `WAIT` or `END`.

        Raises:
            ConnectionError: If there is no chief any more.
        """
        trial = self._ask("create_trial", f"{self.tuner_id}-{slot}")
        if trial.status == "STOPPED":
            return END
        if trial.status == "IDLE":
            return WAIT
        values = trial.hyperparameters.values
        earlier = values.get("tuner/trial_id")
        return Proposal(
            name=name_trial(trial.trial_id),
            values=space.normalize(self._axes, values),
            epochs=values.get("tuner/epochs"),
            earlier=name_trial(earlier) if earlier else "",
            trial=trial,
        )

    def report(self, proposal, *, error_percent, latency_milliseconds):
        """Say how a candidate came out.

        Args:
            proposal: The `Proposal`.
            error_percent: On validation.
            latency_milliseconds: For one image, the median.
        """
        trial = proposal.trial
        figures = {ERROR: error_percent, LATENCY: latency_milliseconds}
        self._ask("update_trial", trial.trial_id, figures)
        trial.status = "COMPLETED"
        self._ask("end_trial", trial)

    def fail(self, proposal, reason):
        """Say that a candidate failed, and why."""
        proposal.trial.status, proposal.trial.message = "FAILED", reason
        self._ask("end_trial", proposal.trial)

    def _ask(self, what, *arguments):
        if self._is_worker():
            roles.require_chief(minutes=0)
        try:
            return getattr(self.oracle, what)(*arguments)
        except grpc.RpcError as error:
            reason = getattr(error, "details", lambda: "")() or "it does not answer"
            raise ConnectionError(roles.describe_missing_chief(reason)) from None
