"""A small page's content, for the tests of the page's parts."""

import numpy as np

from kd_keras import report

CLASSES = ("ant", "bee", "<b>cat</b> & $x$")
NUM_IMAGES = 60
SIZES = {"parameters": 1000, "multiply_adds": 5000, "size_bytes": 4000}


def epochs(count, *, start=0.5, adversarial=False):
    """A history whose errors fall from `1 - start`."""
    rows = []
    for epoch in range(1, count + 1):
        row = {"epoch": float(epoch), "accuracy": start, "val_accuracy": start + 0.01 * epoch}
        if adversarial:
            row |= {
                "discriminator_loss": 4.0 - 0.1 * epoch,
                "discriminator_teacher_accuracy": 0.6,
                "discriminator_student_accuracy": 0.4,
                "discriminator_teacher_class_accuracy": 0.7,
                "discriminator_student_class_accuracy": 0.5,
                "gradient_share_supervised": 0.25,
                "gradient_share_adversarial": 0.75,
            }
        rows.append(row)
    return tuple(rows)


def figures(error, **sizes):
    """The `metrics.json` of a run of four epochs."""
    summary = {
        "top1_error_percent": error,
        "negative_log_likelihood_nats": 0.5,
        "expected_calibration_error_percent": 2.0,
    }
    return {
        "epochs": 4,
        "best_epoch": 3,
        "judged_on": "test",
        "num_examples": NUM_IMAGES,
        "best": summary,
        "last": summary | {"top1_error_percent": error + 1},
        **SIZES,
        **sizes,
    }


def contender(label, role, errors=(10.0,), **more):
    """A contender with one short run for each error."""
    more.setdefault("figures", figures(errors[0]) if errors else None)
    more.setdefault("network", "wide_resnet-10-1")
    histories = tuple(epochs(4, adversarial=role == "student") for _ in errors)
    more.setdefault("histories", histories)
    return report.Contender(label=label, role=role, errors_percent=errors, **more)


def logits(sureness, seed):
    """Logits that are right the more often the larger the sureness."""
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(NUM_IMAGES, len(CLASSES)))
    return noise + sureness * np.eye(len(CLASSES))[labels()]


def labels():
    """As many images of each class."""
    return np.arange(NUM_IMAGES) % len(CLASSES)


def judged():
    """A teacher, a student and a control that are better than chance."""
    sureness = {"student from scratch": 1.0, "distilled student": 2.0, "teacher": 3.0}
    opinions = [
        report.Opinion(label=label, logits=logits(value, seed))
        for seed, (label, value) in enumerate(sureness.items())
    ]
    return report.Judged(split="test", labels=labels(), opinions=tuple(opinions))


def run_content(**changes):
    """The content of the page of a distilled student."""
    large = {"parameters": 20000, "multiply_adds": 90000}
    contenders = (
        contender("distilled student", "student", game="minimax", latency_milliseconds=0.5),
        contender("student from scratch", "control", errors=(15.0,), latency_milliseconds=0.5),
        contender(
            "teacher",
            "teacher",
            errors=(5.0,),
            network="wide_resnet-16-2",
            figures=figures(5.0, **large),
            latency_milliseconds=2.0,
        ),
    )
    values = {
        "title": "digits <run>",
        "kind": "run",
        "contenders": contenders,
        "subject": "distilled student",
        "control": "student from scratch",
        "class_names": CLASSES,
        "judged": judged(),
        "class_index": 2,
        "class_reason": "the class that was asked for",
        "pictures": (report.Picture(index=1, pixels=np.zeros((4, 4, 3), np.uint8)),),
        "timing": "Time is measured.",
        "commands": (("The student:", "python main.py distill --loss='a <b>'"),),
        "identities": {
            "distilled student": {"training.epochs": 4, "data": "aa", "teacher": "bb"},
            "teacher": {"training.epochs": 30, "data": "aa"},
        },
        "versions": {"keras": "3.15.1"},
        "verdicts": (
            {
                "path": "exports/student.tflite",
                "passed": True,
                "size_bytes": 3000,
                "num_examples": NUM_IMAGES,
                "largest_logit_difference": 1e-6,
                "agreement_percent": 100.0,
                "error_before_percent": 10.0,
                "error_after_percent": 10.0,
                "reasons": [],
            },
        ),
    }
    return report.Content(**(values | changes))


def method(label, control, errors):
    """A method of `comparison.json`: a run for each error, None for one that failed."""
    runs = [
        {
            "seed": seed,
            "folder": f"{label}-seed{seed}",
            "status": "failed" if error is None else "finished",
            "reason": "out of memory" if error is None else None,
            "best_error_percent": error,
            "last_error_percent": error,
            "best_epoch": None if error is None else 3,
            "seconds": None if error is None else 12.0,
        }
        for seed, error in enumerate(errors)
    ]
    done = [error for error in errors if error is not None]
    gain = {"mean": 2.0, "low": 1.5, "high": 2.5, "num_seeds": 2} if control else None
    summary = {
        "median": float(np.median(done)) if done else None,
        "mean": float(np.mean(done)) if done else None,
        "standard_deviation": 0.5 if len(done) > 1 else None,
        "gain": gain,
    }
    return {
        "label": label,
        "control": control,
        "runs": runs,
        "best": summary,
        "last": summary,
        "sentence": f"{label} gains 2.00 points." if control else "",
        **SIZES,
    }


def comparison():
    """The `comparison.json` of two methods, one of whose runs has failed."""
    return {
        "name": "digits-compare",
        "command_line": "python main.py compare",
        "teacher": "runs/teacher/teacher.keras",
        "seeds": [0, 1],
        "judged_on": "test",
        "num_examples": NUM_IMAGES,
        "methods": [
            method("scratch", None, (12.0, 13.0)),
            method("adversarial", "scratch", (10.0, None)),
        ],
    }


def comparison_content(**changes):
    """The content of the page of that comparison."""
    contenders = (
        contender("scratch", "control", errors=(12.0, 13.0)),
        contender("adversarial", "student", game="minimax"),
        contender("teacher", "teacher", errors=(5.0,), network="wide_resnet-16-2"),
    )
    values = {
        "kind": "comparison",
        "contenders": contenders,
        "subject": "adversarial",
        "control": "scratch",
        "comparison": comparison(),
        "judged": None,
        "pictures": (),
        "identities": {},
        "verdicts": (),
    }
    return run_content(**(values | changes))


def tried(depth, width, error, milliseconds, **more):
    """A student of a search; ranks and sizes are the test's."""
    values = {"student.depth": depth, "student.width": width}
    given = {
        "label": f"WRN-{depth}-{width}",
        "values": values,
        "depth": depth,
        "width": width,
        "errors_percent": (error,),
        "validation_error_percent": error,
        "test_error_percent": error + 0.5,
        "rank": 0,
        "latency_milliseconds": milliseconds,
        "latency_range": (0.9 * milliseconds, 1.1 * milliseconds),
        "parameters": 1000 * depth * width**2,
        "multiply_adds": 10**6 * depth * width**2,
        "size_bytes": 4000 * depth * width**2,
    }
    return report.Tried(**(given | more))


def searched(**changes):
    """A search of four students, one of them beaten, and a trial that failed."""
    students = (
        tried(10, 1, 14.0, 0.5),
        tried(10, 2, 10.0, 0.9),
        tried(16, 1, 12.0, 1.1, rank=1, dominated_by="WRN-10-2"),
        tried(16, 2, 8.0, 1.9, errors_percent=(7.5, 8.5)),
    )
    failed = {"trial": "0004", "student": "WRN-22-4", "status": "failed", "reason": "No memory."}
    values = {
        "tried": students,
        "unfinished": (failed,),
        "sentences": ("Take WRN-16-2: 8.00% error on validation.", "It is the only one."),
        "hypervolume": 7.5,
        "reference": (14.0, 1.9),
        "timing": "Time is measured.",
    }
    return report.Searched(**(values | changes))


def search_content(**changes):
    """The content of the page of that search."""
    return report.Content(
        title="a search",
        kind="search",
        contenders=(),
        subject="",
        control="",
        class_names=(),
        search=searched(**changes),
        commands=(("This page:", "python main.py report --run=some"),),
    )
