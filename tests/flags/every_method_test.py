"""The preset that compares every method has every loss, every game and every joint scheme."""

import pytest

import flags
from kd_keras import comparison, config, joining, losses, pipeline
from kd_keras.losses import games

SCHEMES = config.Distillation.__dataclass_fields__["joint"].metadata["choices"][1:]


def plan(*more):
    words = ["compare", "--flagfile=every_method", "--run_name=every_method", *more]
    _, asked = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    return comparison.plan(asked)


def test_every_loss_game_and_scheme_is_a_row_of_its_own():
    rows = {row.label: row.config.distillation for row in plan().rows}
    assert set(rows) == {
        "from scratch",
        *losses.names(),
        *(f"game {name}" for name in games.names()),
        *(f"joint {name}" for name in SCHEMES),
    }
    for name in losses.names():
        assert [used[0] for used in rows[name].weighted_losses] == [name]
        assert rows[name].adversarial_weight == 0
    for name in games.names():
        assert rows[f"game {name}"].weighted_losses == ()
        assert rows[f"game {name}"].adversarial_weight == 1
    assert len(SCHEMES) > 1
    assert all(rows[f"joint {name}"].joint == name for name in SCHEMES)


@pytest.mark.parametrize("more", [(), ("--teacher_path=teacher.keras",)])
def test_what_learns_at_once_does_so_as_published_and_can_be_run(more):
    rows = {row.label: row.config for row in plan(*more).rows}
    assert rows["hint"].teacher.path == "".join(more).removeprefix("--teacher_path=")
    for name in SCHEMES:
        joining.require_possible(rows[f"joint {name}"])
    terms = rows["joint mutual"].distillation
    assert (terms.weighted_losses, terms.temperature) == ((("soft_target", None),), 1.0)
    terms = rows["joint rocket"].distillation
    assert terms.weighted_losses == (("logit_regression", 0.03),)
    assert not terms.learns_both_ways
