from kd_keras.report.sections import adversary
from tests.report import samples


def test_the_verdicts_and_the_shares_are_drawn():
    section = adversary.describe(samples.run_content())
    verdicts, shares = section.figures
    origin, classes = verdicts.drawings
    assert origin.description == (
        "right on the origin in % in the last epoch: 60% on the teacher's logits, 40% on the "
        "student's logits."
    )
    assert classes.description == (
        "right on the class in % in the last epoch: 70% on the teacher's logits, 50% on the "
        "student's logits."
    )
    assert "guessing, 50%" in origin.svg
    assert "guessing, 33%" in classes.svg
    assert shares.drawings[0].description == (
        "Shares of the gradient in the last epoch: labels 25%, learned loss 75%."
    )


def test_shares_that_were_not_tracked_are_left_out():
    history = tuple(
        {name: value for name, value in row.items() if "share" not in name}
        for row in samples.epochs(2, adversarial=True)
    )
    student = samples.contender("a", "student", histories=(history,))
    content = samples.run_content(contenders=(student,), subject="a", control="")
    assert len(adversary.describe(content).figures) == 1


def test_without_a_discriminator_there_is_no_section():
    control = samples.contender("a", "control")
    content = samples.run_content(contenders=(control,), subject="a", control="a")
    assert adversary.describe(content) is None


def test_a_comparison_says_whose_discriminator_it_is():
    paragraphs = adversary.describe(samples.comparison_content()).paragraphs
    assert paragraphs[1] == "Shown is one run of adversarial."


def test_the_first_method_with_a_discriminator_stands_in_for_a_subject_without():
    content = samples.comparison_content(subject="scratch")
    assert adversary.describe(content).paragraphs[1] == "Shown is one run of adversarial."


def test_a_method_with_the_subjects_network_comes_first():
    others = [
        samples.contender(label, "student", network=label.split()[0]) for label in ("a x", "b x")
    ]
    subject = samples.contender("b y", "control", network="b")
    content = samples.comparison_content(contenders=(*others, subject), subject="b y")
    assert adversary.describe(content).paragraphs[1] == "Shown is one run of b x."
