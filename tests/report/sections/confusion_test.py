import dataclasses

import numpy as np

from kd_keras import report
from kd_keras.report.sections import confusion
from tests.report import samples


def count(opinion, label, answer):
    is_label, predictions = samples.labels() == label, opinion.logits.argmax(axis=1)
    return int((is_label & (predictions == answer)).sum())


def test_images_are_counted_by_label_and_answer():
    labels, predictions = np.array([0, 0, 2, 1]), np.array([0, 2, 2, 0])
    matrix = confusion.count_confusions(labels, predictions, 3)
    assert matrix.tolist() == [[1, 0, 1], [1, 0, 0], [0, 0, 1]]


def test_the_subjects_matrix_is_drawn():
    [figure] = confusion.describe(samples.run_content()).figures
    student = samples.judged().opinions[1]
    right = 100 * (student.logits.argmax(axis=1) == samples.labels()).mean()
    assert figure.drawings[0].description == (
        f"Confusion matrix of distilled student; {right:.2f}% are on the diagonal."
    )
    assert figure.drawings[0].wide


def test_the_most_frequent_mistakes_are_listed_beside_the_teachers():
    [table] = confusion.describe(samples.run_content()).tables
    _, student, teacher = samples.judged().opinions
    counts = [row["images"] for row in table.rows]
    assert counts == sorted(counts, reverse=True)
    assert 0 not in counts
    assert len(table.rows) >= 3
    for row in table.rows:
        label, answer = (samples.CLASSES.index(row[key]) for key in ("label", "taken for"))
        assert label != answer
        assert row["images"] == count(student, label, answer)
        assert row["% of the class"] == 100 * row["images"] / 20
        assert row["teacher, images"] == count(teacher, label, answer)


def with_classes(number):
    logits = np.eye(number)[np.roll(np.arange(number), 1)]
    opinion = report.Opinion(label="distilled student", logits=logits)
    judged = report.Judged(split="test", labels=np.arange(number), opinions=(opinion,))
    names = tuple(f"class {i}" for i in range(number))
    return confusion.describe(samples.run_content(judged=judged, class_names=names))


def test_many_classes_have_the_table_alone():
    assert len(with_classes(20).figures) == 1
    many = with_classes(21)
    assert many.figures == ()
    assert len(many.tables[0].rows) == 10
    assert "teacher, images" not in many.tables[0].rows[0]


def test_a_network_without_a_mistake_has_no_list():
    judged = samples.judged()
    perfect = report.Opinion(label="distilled student", logits=np.eye(3)[samples.labels()])
    judged = dataclasses.replace(judged, opinions=(perfect,))
    section = confusion.describe(samples.run_content(judged=judged))
    assert section.tables == ()


def test_without_judged_networks_there_is_no_section():
    assert confusion.describe(samples.run_content(judged=None)) is None
