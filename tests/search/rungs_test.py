import pytest
from keras_tuner import oracles

from kd_keras.search import rungs


@pytest.mark.parametrize("max_epochs", [1, 2, 3, 9, 20, 30, 81, 200])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_whole_bracket_is_keras_tuners(max_epochs, factor):
    theirs = oracles.HyperbandOracle(objective="val_loss", max_epochs=max_epochs, factor=factor)
    count = rungs.count_rungs(max_epochs, factor)
    assert count == theirs._get_num_brackets()
    places = range(count)
    sizes = [theirs._get_size(count - 1, place) for place in places]
    assert rungs.sizes_of_rungs(sizes[0], factor, count) == tuple(sizes)
    epochs = tuple(theirs._get_epochs(count - 1, place) for place in places)
    assert rungs.epochs_of_rungs(max_epochs, factor, count) == epochs


def is_whole(students, num_rungs, *, factor, trials, candidates):
    sizes = rungs.sizes_of_rungs(students, factor, num_rungs)
    at_most = trials if candidates is None else candidates
    return factor ** (num_rungs - 1) <= students <= at_most and sum(sizes) <= trials


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("candidates", [1, 2, 3, 5, 9, 20, None])
def test_a_bracket_fits_and_no_larger_one_does(factor, candidates):
    for trials in range(1, 60):
        words = {"factor": factor, "trials": trials, "candidates": candidates}
        num_rungs, students = rungs.fit(**words, most_rungs=4, most_students=30)
        assert is_whole(students, num_rungs, **words)
        more = students + 1
        assert not is_whole(more, num_rungs, **words) or (num_rungs, students) == (4, 30)
        larger = (is_whole(number, num_rungs + 1, **words) for number in range(60))
        assert num_rungs == 4 or not any(larger)


def test_nothing_is_left():
    words = {"factor": 3, "most_rungs": 4}
    assert rungs.fit(0, None, **words) is None
    assert rungs.fit(-3, 9, **words) is None
    assert rungs.fit(9, 0, **words) is None
