import pytest

from kd_keras import config, preflight


def _configure(**sections):
    return config.from_dictionary(sections)


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        ({"student": {"path": "none.keras"}}, FileNotFoundError, "none.keras.*--student_path"),
        (
            {"signal": {"ensemble": ["none.keras"]}},
            FileNotFoundError,
            r"No model at none\.keras\. Expected a \.keras file.*--teacher_ensemble",
        ),
        ({"student": {"option": ["stam=large"]}}, ValueError, "stam"),
        ({"distillation": {"loss": ["logit_l9"]}}, ValueError, "logit_l9"),
        (
            {"distillation": {"loss": ["hint"]}, "signal": {"source": "clean"}},
            ValueError,
            "Hint compares inner layers",
        ),
        (
            {"signal": {"source": "views", "top_k": 3}},
            ValueError,
            "Expected --signal_top_k=0",
        ),
        (
            {
                "distillation": {
                    "joint": "mutual",
                    "loss": ["soft_target"],
                    "adversarial_weight": 0.0,
                },
                "signal": {"source": "views"},
            },
            ValueError,
            "With --joint=mutual the second network changes at every step",
        ),
    ],
)
def test_what_cannot_be_is_said(sections, error, message):
    with pytest.raises(error, match=message):
        preflight.require_possible(_configure(**sections))


def test_what_can_be_is_let_pass(tmp_path):
    (tmp_path / "mine.keras").write_text("looked at later")
    preflight.require_possible(_configure())
    preflight.require_possible(_configure(student={"path": str(tmp_path / "mine.keras")}))


def test_what_has_no_effect_is_not_looked_at():
    on_labels = {"loss": [], "adversarial_weight": 0.0}
    preflight.require_possible(
        _configure(distillation=on_labels, signal={"ensemble": ["none.keras"]})
    )
