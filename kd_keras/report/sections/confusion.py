"""Which classes are taken for which."""

import numpy as np

from kd_keras.report import figures
from kd_keras.report.layout import Drawing, Figure, Section, Table

__all__ = ["count_confusions", "describe"]

_MAX_CLASSES = 20  # with more, the picture cannot be read
_NUM_PAIRS = 10


def count_confusions(labels, predictions, num_classes):
    """Count images by label and answer.

    Args:
        labels: Class indices, shape (images,).
        predictions: Class indices, shape (images,).
        num_classes: Number of classes.

    Returns:
        Shape (classes, classes): a row for each label, a column for each answer.

    Example:
        >>> count_confusions(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
        array([[1, 1],
               [0, 1]])
    """
    cells = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def describe(content):
    """The subject's confusion matrix, and the pairs that are confused most, beside the teacher."""
    opinion = content.opinion(label=content.subject)
    if opinion is None:
        return None
    labels, num_classes = content.judged.labels, len(content.class_names)
    matrix = count_confusions(labels, opinion.predictions, num_classes)
    teacher = content.opinion(role="teacher")
    others = {}
    if teacher is not None and teacher is not opinion:
        others[teacher.label] = count_confusions(labels, teacher.predictions, num_classes)
    name = content.name(opinion.label)
    rows = tuple(_pair_rows(matrix, content.class_names, others))
    tables = ()
    if rows:
        caption = f"What {name} confuses most often, of {len(labels):,} images."
        tables = (Table(caption=caption, rows=rows),)
    return Section(
        name="confusion",
        heading="What is taken for what",
        figures=tuple(_figures(matrix, content, opinion)),
        tables=tables,
    )


def _figures(matrix, content, opinion):
    if len(matrix) > _MAX_CLASSES:
        return
    right = 100 * np.trace(matrix) / matrix.sum()
    drawing = Drawing(
        name="confusion",
        svg=figures.draw_confusion(matrix, class_names=content.class_names),
        description=f"Confusion matrix of {opinion.label}; {right:.2f}% are on the diagonal.",
        wide=True,
    )
    yield Figure(
        drawings=(drawing,),
        caption=(
            f"Answers of {content.name(opinion.label)}. Each row is the images of one class, in "
            "percent of them; each column what they were taken for. On the grey diagonal it is "
            "right; the stronger a colour beside it, the more often that mistake. Below 0.5% no "
            "number is written. Colours are relative to the worst mistake, so that they do not "
            "compare between pages."
        ),
    )


def _pair_rows(matrix, class_names, others):
    wrong = matrix * (1 - np.eye(len(matrix), dtype=int))
    totals = np.maximum(1, matrix.sum(axis=1))
    for cell in np.argsort(-wrong, axis=None, kind="stable")[:_NUM_PAIRS]:
        label, answer = divmod(int(cell), len(matrix))
        if wrong[label, answer] == 0:
            return
        row = {
            "label": class_names[label],
            "taken for": class_names[answer],
            "images": int(wrong[label, answer]),
            "% of the class": float(100 * wrong[label, answer] / totals[label]),
        }
        for name, matrix_of_other in others.items():
            row[f"{name}, images"] = int(matrix_of_other[label, answer])
        yield row
