"""The exported files and what their verification said."""

import pathlib

from kd_keras.report.layout import Section, Table

__all__ = ["describe"]


def describe(content):
    """One row for each exported file."""
    if not content.verdicts:
        return None
    caption = (
        "Each file was run over the images and compared with the Keras model that it was made "
        "from. A file passes if its logits and its error are within the limits of the export."
    )
    rows = tuple(_row(verdict) for verdict in content.verdicts)
    return Section(
        name="files",
        heading="Exported files",
        tables=(Table(caption=caption, rows=rows),),
    )


def _row(verdict):
    row = {
        "file": pathlib.PurePath(verdict["path"]).name,
        "verdict": "pass" if verdict["passed"] else "FAIL",
        "kB": verdict["size_bytes"] / 1000,
        "images": verdict["num_examples"],
        "largest logit difference": verdict.get("largest_logit_difference"),
        "agreement %": verdict.get("agreement_percent"),
        "error before %": verdict.get("error_before_percent"),
        "error after %": verdict.get("error_after_percent"),
    }
    for latency in verdict.get("latencies", ()):
        threads = latency["num_threads"]
        words = "TensorFlow's threads" if threads is None else f"threads: {threads}"
        row[f"ms per image, {words}"] = latency["median_milliseconds"]
    reasons = " ".join(verdict.get("reasons", ()))
    return row | ({"reason": reasons} if reasons else {})
