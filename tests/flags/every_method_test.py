"""The preset that compares every method has every loss and every game."""

import flags
from kd_keras import comparison, losses, pipeline
from kd_keras.losses import games


def test_every_loss_and_game_is_a_row_of_its_own():
    words = ["compare", "--flagfile=every_method", "--run_name=every_method"]
    _, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    rows = {row.label: row.config.distillation for row in comparison.plan(config).rows}
    assert set(rows) == {
        "from scratch",
        *losses.names(),
        *(f"game {name}" for name in games.names()),
    }
    for name in losses.names():
        assert [used[0] for used in rows[name].weighted_losses] == [name]
        assert rows[name].adversarial_weight == 0
    for name in games.names():
        assert rows[f"game {name}"].weighted_losses == ()
        assert rows[f"game {name}"].adversarial_weight == 1
