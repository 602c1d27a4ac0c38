import keras
import numpy as np
import pytest

from docs import compare_keras_distillation as script
from kd_keras import losses


def test_the_exact_divergence_is_the_definition():
    teacher, student = np.array([[3.0, 0.0]]), np.array([[0.0, 0.0]])
    p = np.exp([1.0, 0.0]) / np.exp([1.0, 0.0]).sum()
    expected = 9 * (p * (np.log(p) - np.log(0.5))).sum()
    assert script.exact_divergence(teacher, student) == pytest.approx(expected)
    assert script.exact_divergence(teacher, teacher) == 0


def test_the_rows_are_the_stock_loss_the_mended_one_and_ours():
    stock, mended, ours = script.make_losses().values()
    assert type(stock) is type(mended) is keras.distillation.LogitsDistillation
    assert isinstance(mended.loss, keras.losses.KLDivergence)
    assert isinstance(ours, losses.SoftTarget)
    assert stock.temperature == mended.temperature == ours.temperature


def test_ours_says_what_is_exact_and_the_stock_loss_does_not():
    exact, stock, mended, ours = (
        [cell.strip() for cell in line.split("|")[2:-1]]
        for line in script.compare_values().splitlines()[2:]
    )
    assert ours == exact
    assert stock[0] != exact[0] == mended[0]
    assert mended[1] != exact[1]


@pytest.mark.slow
def test_the_students_of_the_page():
    table = script.compare_students(seeds=[0], epochs=2, teacher_epochs=3, label_weight=0.5)
    assert len(table.splitlines()) == 6
