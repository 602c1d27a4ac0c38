import dataclasses

import numpy as np

from kd_keras import metrics
from kd_keras.report.sections import logits
from tests.report import samples


def test_every_network_has_its_histogram():
    section = logits.describe(samples.run_content())
    name = samples.CLASSES[2]
    assert section.heading == f"The logit of {name}"
    assert section.paragraphs[0].endswith(f"Shown is {name}, the class that was asked for.")
    [drawing] = section.figures[0].drawings
    of_class = samples.labels() == 2
    expected = [
        f"{o.label}: mean logit {o.logits[of_class, 2].mean():.1f} on images of {name}, "
        f"{o.logits[~of_class, 2].mean():.1f} on the others"
        for o in samples.judged().opinions
    ]
    assert drawing.description == f"{'; '.join(expected)}."


def test_the_caption_counts_the_images():
    caption = logits.describe(samples.run_content()).figures[0].caption
    assert "over 20 test images of" in caption
    assert "and 40 of all other classes" in caption
    assert "A student that has learned" in caption


def test_one_network_is_compared_with_none():
    judged = samples.judged()
    alone = dataclasses.replace(judged, opinions=judged.opinions[2:])
    section = logits.describe(samples.run_content(judged=alone))
    assert "A student that has learned" not in section.figures[0].caption


def test_a_class_without_images_is_said():
    judged = dataclasses.replace(samples.judged(), labels=samples.labels() * 0)
    section = logits.describe(samples.run_content(judged=judged))
    assert "no images to compare" in section.figures[0].drawings[0].description


def test_without_judged_networks_there_is_no_section():
    assert logits.describe(samples.run_content(judged=None)) is None


def test_with_enough_images_it_says_whose_logits_give_themselves_away():
    few = samples.judged()
    many = dataclasses.replace(
        few,
        labels=np.tile(few.labels, 4),
        opinions=tuple(
            dataclasses.replace(opinion, logits=np.tile(opinion.logits, (4, 1)))
            for opinion in few.opinions
        ),
    )
    sentence = logits.describe(samples.run_content(judged=many)).paragraphs[1]
    teacher = many.opinion_of("teacher")
    others = [opinion for opinion in many.opinions if opinion is not teacher]
    assert len(others) == 2
    for other in others:
        rate = metrics.origin_accuracy(teacher.logits, other.logits)
        assert f"in {rate:.1f}% of cases for {other.label}" in sentence
    assert f"for {teacher.label}" not in sentence
    assert "Guessing gives 50%, within 6.3 points" in sentence
    assert len(logits.describe(samples.run_content()).paragraphs) == 1


def test_it_counts_the_images_that_the_judge_saw(monkeypatch):
    monkeypatch.setattr(metrics, "LEAST_EXAMPLES", 10)
    monkeypatch.setattr(metrics, "MOST_EXAMPLES", 40)
    monkeypatch.setattr(metrics, "origin_accuracy", lambda teacher, student: 61.7)
    sentence = logits.describe(samples.run_content()).paragraphs[1]
    assert "half of 40 test images" in sentence
    assert "within 15.5 points" in sentence  # 1.96 * 50 / sqrt(40)
