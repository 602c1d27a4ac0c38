"""The images on which teacher and student disagree."""

import numpy as np

from kd_keras.report import pixels
from kd_keras.report.layout import Card, Section

__all__ = ["choose_disagreements", "describe"]


def choose_disagreements(teacher_logits, student_logits, labels, count):
    """Choose images that teacher and student answer differently.

    Those come first that the teacher gets right, then those that the student gets right, then
    those that neither does. Each of the three gets as many places as its share of all
    disagreements, and has first what both are sure of.

    Args:
        teacher_logits: Shape (images, classes).
        student_logits: Shape (images, classes).
        labels: Class indices, shape (images,).
        count: How many at most.

    Returns:
        Indices, shape (at most count,).

    Example:
        >>> teacher = np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
        >>> student = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
        >>> choose_disagreements(teacher, student, np.array([0, 0, 0, 1]), 3)
        array([3, 0, 1])
    """
    groups = _group(teacher_logits.argmax(axis=1), student_logits.argmax(axis=1), labels)
    certainty = np.minimum(_certainty(teacher_logits), _certainty(student_logits))
    places = _share_out([len(group) for group in groups], count)
    chosen = [
        group[np.argsort(-certainty[group], kind="stable")][:number]
        for group, number in zip(groups, places, strict=True)
    ]
    return np.concatenate(chosen)


def _group(teacher, student, labels):
    """Indices that differ: where the teacher is right, the student is right, neither is."""
    differ = teacher != student
    neither = differ & (teacher != labels) & (student != labels)
    return [
        np.flatnonzero(mask)
        for mask in (differ & (teacher == labels), differ & (student == labels), neither)
    ]


def _certainty(logits):
    return _probabilities(logits).max(axis=1)


def _probabilities(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _share_out(sizes, count):
    """Largest remainders: as many places as there are, in proportion."""
    count = min(count, sum(sizes))
    exact = [count * size / max(1, sum(sizes)) for size in sizes]
    places = [int(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda i: places[i] - exact[i])
    for index in by_remainder[: count - sum(places)]:
        places[index] += 1
    return places


def describe(content):
    """The chosen images, each with its label and both answers."""
    teacher, student = content.opinion(role="teacher"), content.opinion(label=content.subject)
    if teacher is None or student is None or teacher is student:
        return None
    labels = content.judged.labels
    groups = _group(teacher.predictions, student.predictions, labels)
    counts = [len(group) for group in groups]
    said = (
        f"Of {len(labels):,} {content.judged.split} images they answer {sum(counts):,} "
        f"differently: the teacher is right on {counts[0]:,} of these, "
        f"{content.name(student.label)} on {counts[1]:,}, neither on {counts[2]:,}."
    )
    if content.pictures:
        said += (
            " Shown are those that both are most sure of: first where the teacher is right, then "
            "where the student is, then where neither is, in proportion to these numbers."
        )
    return Section(
        name="disagreement",
        heading="Where teacher and student disagree",
        paragraphs=(said,),
        cards=tuple(_card(content, picture, teacher, student) for picture in content.pictures),
    )


def _card(content, picture, teacher, student):
    index, names = picture.index, content.class_names
    label = names[content.judged.labels[index]]
    answers = []
    for who, opinion in (("teacher", teacher), ("student", student)):
        [probabilities] = _probabilities(opinion.logits[index : index + 1])
        answer = int(probabilities.argmax())
        mark = "right" if answer == content.judged.labels[index] else "wrong"
        answers.append((who, f"{names[answer]} ({100 * probabilities[answer]:.0f}%), {mark}"))
    return Card(
        png=pixels.encode_png(picture.pixels),
        description=f"{content.judged.split} image {index}, labelled {label}",
        lines=(("label", label), *answers),
    )
