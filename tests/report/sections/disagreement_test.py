import dataclasses

import numpy as np
import pytest

from kd_keras import report
from kd_keras.report.sections import disagreement
from tests.report import samples


def one_hot(classes, sureness):
    return np.eye(3)[classes] * np.asarray(sureness, float)[:, np.newaxis]


LABELS = np.array([0, 0, 1, 1, 2, 2])
TEACHER = one_hot([0, 0, 2, 0, 0, 2], [2, 5, 4, 3, 3, 3])
STUDENT = one_hot([1, 1, 1, 1, 1, 2], [9, 4, 4, 8, 3, 3])
# Teacher right: 0 and 1, of which both are surest of 1; student right: 2, 3; neither: 4.


def test_the_teachers_right_answers_come_first_and_the_surest_of_them():
    chosen = report.choose_disagreements(TEACHER, STUDENT, LABELS, 10)
    assert chosen.tolist() == [1, 0, 2, 3, 4]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, []), (1, [1]), (2, [1, 2]), (3, [1, 2, 4]), (4, [1, 0, 2, 4])]
)
def test_each_kind_gets_its_share_of_the_places(count, expected):
    chosen = report.choose_disagreements(TEACHER, STUDENT, LABELS, count)
    assert len(chosen) == count
    assert sorted(chosen) == sorted(expected)


def test_large_logits_do_not_overflow():
    chosen = report.choose_disagreements(1000 * TEACHER, STUDENT, LABELS, 1)
    assert len(chosen) == 1


def test_agreement_leaves_nothing_to_choose():
    assert len(report.choose_disagreements(TEACHER, TEACHER, LABELS, 5)) == 0


def describe(pictures):
    opinions = tuple(
        report.Opinion(label=label, logits=logits)
        for label, logits in (("distilled student", STUDENT), ("teacher", TEACHER))
    )
    judged = report.Judged(split="test", labels=LABELS, opinions=opinions)
    content = samples.run_content(judged=judged, pictures=pictures, class_names=("a", "b", "c"))
    return disagreement.describe(content)


def test_the_disagreements_are_counted():
    section = describe(())
    assert section.paragraphs == (
        "Of 6 test images they answer 5 differently: the teacher is right on 2 of these, "
        "the distilled student on 2, neither on 1.",
    )
    assert section.cards == ()


def test_a_picture_has_its_label_and_both_answers():
    section = describe((report.Picture(index=1, pixels=np.zeros((2, 2, 1), np.uint8)),))
    [card] = section.cards
    sure = [100 * np.exp(s) / (np.exp(s) + 2) for s in (5, 4)]
    assert card.lines == (
        ("label", "a"),
        ("teacher", f"a ({sure[0]:.0f}%), right"),
        ("student", f"b ({sure[1]:.0f}%), wrong"),
    )
    assert card.description == "test image 1, labelled a"
    assert card.png[1:4] == b"PNG"
    assert "Shown are those" in section.paragraphs[0]


def test_without_a_teacher_there_is_no_section():
    judged = samples.judged()
    alone = dataclasses.replace(judged, opinions=judged.opinions[:2])
    assert disagreement.describe(samples.run_content(judged=alone)) is None
    of_teacher = samples.run_content(subject="teacher", control="")
    assert disagreement.describe(of_teacher) is None
