import pytest

from kd_keras import losses


def test_texts_become_values_of_the_defaults_types():
    assert losses.read_options(
        "neuron_selectivity",
        {"kernel": "linear", "degree": "3", "offset": "1", "taps": "a/b+c", "teacher_taps": ""},
    ) == {"kernel": "linear", "degree": 3, "offset": 1.0, "taps": ("a/b", "c"), "teacher_taps": ()}
    assert losses.read_options("solution_flow", {"adapter": "False"}) == {"adapter": False}
    assert losses.read_options("soft_target", {}) == {}


@pytest.mark.parametrize(
    ("name", "key", "text", "message"),
    [
        (
            "neuron_selectivity",
            "kernl",
            "linear",
            "Unknown option of neuron_selectivity. Expected one of degree, kernel, offset, taps, "
            "teacher_taps. Received: kernl. Did you mean kernel?",
        ),
        (
            "hint",
            "name",
            "x",
            "Unknown option of hint. Expected one of normalize, regressor, taps, teacher_taps. "
            "Received: name.",
        ),
        (
            "neuron_selectivity",
            "degree",
            "two",
            "Invalid value for neuron_selectivity.degree. Expected a whole number. Received: two.",
        ),
        (
            "solution_flow",
            "adapter",
            "yes",
            "Invalid value for solution_flow.adapter. Expected true or false. Received: yes.",
        ),
        (
            "dark_rank",
            "alpha",
            "",
            "Invalid value for dark_rank.alpha. Expected a number. Received: .",
        ),
    ],
)
def test_what_is_not_understood_is_refused(name, key, text, message):
    with pytest.raises(ValueError, match=r"^(Unknown|Invalid)") as caught:
        losses.read_options(name, {key: text})
    assert str(caught.value) == message


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match=r"Unknown loss\. .* Did you mean hint\?"):
        losses.read_options("hin", {})
