"""What is found out about a file. How it is found out is in `verification`."""

import dataclasses
import pathlib

__all__ = ["Verdict"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """How a file compares with its model, and whether that is good enough.

    The figures about the file are None where it does not run or gives numbers that are not
    finite.

    Attributes:
        kind: `"keras"`, `"onnx"`, `"saved_model"` or `"tflite"`.
        path: Of the file or folder.
        size_bytes: Of the file, or of all files in the folder.
        num_examples: Images compared.
        precision: What the file computes in; `"float32"` has to give the model's logits.
        operations: How often each operation is in the file, by name; empty where the kind of
            file does not say.
        largest_logit_difference: Over all images and classes.
        mean_logit_difference: Over all images and classes.
        agreement_percent: Images for which both choose the same class.
        tied_percent: Images for which the file gives several classes the same highest logit, as
            whole numbers do. The first of them is what it chooses, as argmax does on a device.
        error_before_percent: Of the model.
        error_after_percent: Of the file.
        negative_log_likelihood_before_nats, negative_log_likelihood_after_nats: Of model and
            file, mean over the images.
        expected_calibration_error_before_percent, expected_calibration_error_after_percent: Of
            model and file, in percentage points.
        max_logit_difference: What was allowed of logits of this size; None for a file in fewer
            bits than float32.
        max_error_increase: What was allowed, in percentage points.
        latencies: `Latency`s, one for each number of threads; none where it was not timed.
        reasons: Why it failed, as sentences; none where it passed.
    """

    kind: str
    path: pathlib.Path
    size_bytes: int
    num_examples: int
    error_before_percent: float
    precision: str = "float32"
    operations: dict = dataclasses.field(default_factory=dict)
    largest_logit_difference: float | None = None
    mean_logit_difference: float | None = None
    agreement_percent: float | None = None
    tied_percent: float | None = None
    error_after_percent: float | None = None
    negative_log_likelihood_before_nats: float | None = None
    negative_log_likelihood_after_nats: float | None = None
    expected_calibration_error_before_percent: float | None = None
    expected_calibration_error_after_percent: float | None = None
    max_logit_difference: float | None = None
    max_error_increase: float | None = None
    latencies: tuple = ()
    reasons: tuple = ()

    @property
    def passed(self):
        """Whether there is no reason against it."""
        return not self.reasons

    def to_dictionary(self):
        """Plain values by name, as they are written to JSON."""
        values = dataclasses.asdict(self) | {"passed": self.passed}
        values["latencies"] = list(values["latencies"])
        return values | {"path": str(self.path), "reasons": list(self.reasons)}
