import pytest

from tests.report import samples


def test_contenders_are_found_by_label_and_by_role():
    content = samples.run_content()
    assert content.contender(label="teacher") is content.contenders[2]
    assert content.contender(role="control") is content.contenders[1]
    assert content.contender(label="") is None


def test_opinions_are_those_of_contenders():
    content = samples.run_content()
    assert content.opinion(role="teacher").label == "teacher"
    assert content.opinion(label="nobody") is None
    assert samples.run_content(judged=None).opinion(role="teacher") is None


def test_a_size_that_is_not_known_is_none():
    known, unknown = samples.contender("a", "student"), samples.contender("b", "student", errors=())
    assert known.size("parameters") == 1000
    assert unknown.size("parameters") is None


def test_the_discriminators_history_is_the_first_that_has_one():
    plain, adversarial = samples.epochs(2), samples.epochs(3, adversarial=True)
    contender = samples.contender("a", "student", histories=((), plain, adversarial))
    assert contender.discriminator_history == adversarial
    assert samples.contender("a", "control").discriminator_history == ()


def test_predictions_are_the_highest_logits():
    opinion = samples.judged().opinions[0]
    assert opinion.predictions == pytest.approx(opinion.logits.argmax(axis=1))


def test_a_sentence_calls_a_contender_of_a_run_by_its_part():
    assert samples.run_content().name("teacher") == "the teacher"
    assert samples.comparison_content().name("adversarial") == "adversarial"
