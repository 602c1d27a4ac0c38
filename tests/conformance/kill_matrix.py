"""The moments at which `kill_test` strikes, as `kill_driver` understands them.

A row is the moments of the processes that are struck one after the other, before the one that runs
to the end, and how often a state is saved. `EVERY_STEP` saves 9 states an epoch: steps 1 to 8
within it, and its end.
"""

__all__ = ["EVERY_EPOCH", "EVERY_STEP", "MATRIX"]

EVERY_STEP = "--checkpoint_minutes=0.000001"
EVERY_EPOCH = "--checkpoint_minutes=0"

CHECKPOINT = "training.checkpoint.Checkpoint"

# In a student's run: while nothing is written, and at every place where something is.
KILLS = (
    "step:1",
    "step:5",
    "step:9",
    "step:10",
    "step:27",
    "validation:1",
    "validation:4",
    "validation:6",
    "bytes:1",
    "bytes:4",
    "bytes:9",
    "bytes:10",
    "open:config.json:1",
    "half:config.json:1",
    "whole:config.json:1",
    "placed:config.json:1",
    "open:last.npz:1",
    "half:last.npz:4",
    "whole:last.npz:9",
    "placed:last.npz:4",
    "placed:last.npz:9",
    "placed:last.npz:27",
    "half:best_0001.npz:1",
    "placed:best_0001.npz:1",
    f"call:{CHECKPOINT}._remove_other_best:2",
    f"call:{CHECKPOINT}._write_history:2",
    "open:history.csv:1",
    "half:history.csv:2",
    "placed:history.csv:3",
    "half:student_last.keras:1",
    "placed:student_last.keras:1",
    "half:student.keras:1",
    "placed:student.keras:1",
    "half:metrics.json:1",
    "whole:metrics.json:1",
    "placed:metrics.json:1",
)
FILES = (
    "config.json:1",
    "last.npz:1",
    "last.npz:9",
    "best_0001.npz:1",
    "history.csv:2",
    "student_last.keras:1",
    "student.keras:1",
    "metrics.json:1",
)
OF_A_STUDENT = (
    *(((f"kill@{point}",), EVERY_STEP) for point in KILLS),
    (("kill@step:14",), EVERY_EPOCH),
    (("kill@validation:3",), EVERY_EPOCH),
    (("kill@half:last.npz:2",), EVERY_EPOCH),
    ((f"kill@call:{CHECKPOINT}._write_history:2",), EVERY_EPOCH),
    (("kill@step:5",) * 6, EVERY_STEP),
    (
        (
            "kill@step:12",
            f"kill@call:{CHECKPOINT}.restore:1",
            f"kill@call:{CHECKPOINT}._read_best:1",
        ),
        EVERY_STEP,
    ),
    (("kill@step:12", f"kill@call:{CHECKPOINT}._write_history:1"), EVERY_STEP),
    (("interrupt@step:13",), EVERY_STEP),
    (("interrupt@step:9",), EVERY_EPOCH),
    (("interrupt@validation:1",), EVERY_EPOCH),
    (("interrupt@bytes:3",), EVERY_STEP),
    (("terminate@step:1",), EVERY_EPOCH),
    (("terminate@step:27",), EVERY_STEP),
    *(((f"fill@open:{name}",), EVERY_STEP) for name in FILES),
)
OF_A_TEACHER = (
    (("kill@step:1",), EVERY_STEP),
    (("kill@step:14",), EVERY_STEP),
    (("kill@step:14",), EVERY_EPOCH),
    (("kill@validation:4",), EVERY_STEP),
    (("kill@bytes:4",), EVERY_STEP),
    (("kill@half:config.json:1",), EVERY_STEP),
    (("kill@half:last.npz:9",), EVERY_STEP),
    (("kill@placed:last.npz:27",), EVERY_STEP),
    (("kill@placed:best_0001.npz:1",), EVERY_STEP),
    (("kill@half:history.csv:2",), EVERY_STEP),
    (("kill@half:teacher.keras:1",), EVERY_STEP),
    (("kill@placed:metrics.json:1",), EVERY_STEP),
    (("interrupt@step:4",), EVERY_EPOCH),
    (("terminate@validation:3",), EVERY_STEP),
    (("fill@open:last.npz:4",), EVERY_STEP),
    (("fill@open:teacher.keras:1",), EVERY_STEP),
)
# While the teacher's logits of all views are stored, before training begins.
ROWS = "distillation.cache.building._Books"
OF_A_CACHE = (
    (("kill@half:manifest.json:1",), EVERY_STEP),
    (("kill@placed:manifest.json:1",), EVERY_STEP),
    ((f"kill@call:{ROWS}.add:4",), EVERY_STEP),
    ((f"kill@call:{ROWS}.commit:1",), EVERY_STEP),
    (("kill@half:ledger.json:1",), EVERY_STEP),
    (("kill@placed:ledger.json:1",), EVERY_STEP),
    ((f"kill@call:{ROWS}.add:4", "kill@half:ledger.json:1", "kill@step:14"), EVERY_STEP),
    ((f"interrupt@call:{ROWS}.add:4",), EVERY_STEP),
    (("fill@open:manifest.json:1",), EVERY_STEP),
    ((f"fill@call:{ROWS}.commit:1",), EVERY_STEP),
    (("kill@step:14",), EVERY_STEP),
)
MATRIX = {"distill": OF_A_STUDENT, "distill from views": OF_A_CACHE, "train_teacher": OF_A_TEACHER}
