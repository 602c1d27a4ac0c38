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
    tables = [Table(caption=caption, rows=rows)]
    details = tuple(_details(v) for v in content.verdicts if "precision" in v)
    if details:
        caption = (
            "How sure the files are, and what they compute with. NLL: negative log-likelihood. "
            "ECE: expected calibration error."
        )
        tables.append(Table(caption=caption, rows=details, folded=True))
    return Section(
        name="files",
        heading="Exported files",
        paragraphs=tuple(_limits(content.card)),
        tables=tuple(tables),
    )


def _limits(card):
    """What the model card says beside the figures and the recipe, which the page has anyway."""
    if card.get("limits"):
        yield f"What they are not for: {' '.join(card['limits'])}"
    if card:
        yield f"Licence of the weights: {card.get('licence') or 'not stated'}."


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
        batch = latency.get("batch", 1)
        images = f" of {batch} images" if batch > 1 else ""
        time = f"ms per call{images}" if images else "ms per image"
        row[f"{time}, {words}"] = latency["median_milliseconds"]
        row[f"95% of calls{images}, {words}"] = latency.get("percentile95_milliseconds")
    reasons = " ".join(verdict.get("reasons", ()))
    return row | ({"reason": reasons} if reasons else {})


def _details(verdict):
    operations = sorted(verdict.get("operations", {}).items())
    return {
        "file": pathlib.PurePath(verdict["path"]).name,
        "computes in": verdict["precision"],
        "mean logit difference": verdict.get("mean_logit_difference"),
        "NLL before": verdict.get("negative_log_likelihood_before_nats"),
        "NLL after": verdict.get("negative_log_likelihood_after_nats"),
        "ECE % before": verdict.get("expected_calibration_error_before_percent"),
        "ECE % after": verdict.get("expected_calibration_error_after_percent"),
        "operations": ", ".join(f"{count} {name}" for name, count in operations) or None,
    }
