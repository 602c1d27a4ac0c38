from kd_keras import metrics
from kd_keras.report.sections import calibration
from tests.report import samples


def test_every_network_has_its_diagram():
    [figure] = calibration.describe(samples.run_content()).figures
    assert [drawing.name for drawing in figure.drawings] == [
        "reliability_1",
        "reliability_2",
        "reliability_3",
    ]
    judged = samples.judged()
    for drawing, opinion in zip(figure.drawings, judged.opinions, strict=True):
        error = metrics.expected_calibration_error(opinion.logits, judged.labels)
        assert drawing.description == (f"{opinion.label}: expected calibration error {error:.2f}%.")
        assert f"{opinion.label}, ECE {error:.2f}%" in drawing.svg


def test_without_judged_networks_there_is_no_section():
    assert calibration.describe(samples.run_content(judged=None)) is None
