import itertools
import re

import numpy as np
import pytest

from kd_keras import search


def dominates(a, b):
    no_worse = all(x <= y for x, y in zip(a, b, strict=True))
    return no_worse and any(x < y for x, y in zip(a, b, strict=True))


def brute_ranks(points):
    ranks, rank = {}, 0
    while len(ranks) < len(points):
        left = [i for i in range(len(points)) if i not in ranks]
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        ranks |= dict.fromkeys(front, rank)
        rank += 1
    return [ranks[i] for i in range(len(points))]


def brute_hypervolume(points, reference):
    """Sum of the cells, between all coordinates that there are, that some point dominates."""
    columns = zip(*points, strict=True)
    grid = [sorted({*column, end}) for column, end in zip(columns, reference, strict=True)]
    total = 0.0
    for corner in itertools.product(*(range(len(edges) - 1) for edges in grid)):
        low = [edges[i] for edges, i in zip(grid, corner, strict=True)]
        high = [edges[i + 1] for edges, i in zip(grid, corner, strict=True)]
        inside = all(h <= end for h, end in zip(high, reference, strict=True))
        if inside and any((np.array(point) <= low).all() for point in points):
            total += np.prod(np.subtract(high, low))
    return total


def brute_crowding(points):
    """From the definition, for different points of one front."""
    found = []
    for i, point in enumerate(points):
        total = 0.0
        for m, value in enumerate(point):
            column = sorted(p[m] for j, p in enumerate(points) if j != i)
            below, above = ([v for v in column if v < value], [v for v in column if v > value])
            if not below or not above:
                total = np.inf
            else:
                extent = max(*column, value) - min(*column, value)
                total += (min(above) - max(below)) / extent
        found.append(total)
    return found


def make_points(seed, *, objectives, count=10, values=4):
    """Few values, so that there are ties in single objectives and equal points."""
    return np.random.default_rng(seed).integers(0, values, (count, objectives)).astype(float)


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(4))
def test_ranks_front_and_volume_are_those_of_the_definition(seed, objectives):
    points = make_points(seed, objectives=objectives)
    ranks = brute_ranks(points)
    assert search.ranks(points).tolist() == ranks
    assert search.non_dominated(points).tolist() == [rank == 0 for rank in ranks]
    for reference in (np.full(objectives, 5.0), np.full(objectives, 3.0)):
        volume = brute_hypervolume(points.tolist(), reference.tolist())
        assert search.hypervolume(points, reference) == pytest.approx(volume, rel=1e-12)


def test_a_hundred_random_points_have_the_brute_ranks():
    points = np.random.default_rng(0).normal(size=(100, 2))
    assert search.ranks(points).tolist() == brute_ranks(points)
    assert max(brute_ranks(points)) > 5


def test_the_volume_of_points_that_the_front_dominates_is_none():
    front = [[1.0, 4.0], [2.0, 2.0]]
    more = [*front, [2.0, 3.0], [3.0, 4.0]]
    assert search.hypervolume(more, [5.0, 5.0]) == search.hypervolume(front, [5.0, 5.0])
    assert search.hypervolume(front, [5.0, 5.0]) == 4 * 1 + 3 * 2


def test_points_at_and_beyond_the_reference_add_nothing():
    assert search.hypervolume([[1.0, 5.0], [6.0, 1.0]], [5.0, 5.0]) == 0.0
    assert search.hypervolume([], [5.0, 5.0]) == 0.0


def test_equal_points_share_a_rank():
    points = [[1.0, 1.0], [1.0, 1.0], [1.0, 2.0]]
    assert search.ranks(points).tolist() == [0, 0, 1]
    assert search.non_dominated(points).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", range(4))
def test_crowding_of_a_front_is_that_of_the_definition(seed):
    first = np.sort(np.random.default_rng(seed).uniform(size=7))
    points = np.stack([first, (1 - first) ** 2], axis=1)
    order = np.random.default_rng(seed).permutation(7)
    assert search.crowding(points[order]) == pytest.approx(brute_crowding(points[order].tolist()))


def test_crowding_is_taken_within_each_rank():
    front = [[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]]
    behind = [[10.0, 14.0], [12.0, 12.0], [13.0, 11.0], [14.0, 10.0]]
    together = search.crowding([*front, *behind])
    assert together.tolist() == [*search.crowding(front), *search.crowding(behind)]
    assert together[1] == 4 / 4 + 4 / 4
    assert together[4:6] == pytest.approx([3 / 4 + 3 / 4, 2 / 4 + 2 / 4])


def test_of_equal_points_one_has_the_room():
    points = [[0.0, 4.0], [1.0, 2.0], [1.0, 2.0], [4.0, 0.0]]
    assert search.crowding(points).tolist() == [np.inf, 2.0, 0.0, np.inf]
    assert search.crowding([[1.0, 1.0], [1.0, 1.0]]).tolist() == [np.inf, 0.0]


def test_an_objective_in_which_all_are_equal_gives_no_room():
    points = [[0.0, 4.0, 7.0], [1.0, 2.0, 7.0], [4.0, 0.0, 7.0]]
    assert search.crowding(points).tolist() == [np.inf, 2.0, np.inf]


def test_nothing_has_no_front():
    assert search.ranks([]).tolist() == []
    assert search.non_dominated(np.zeros((0, 2))).tolist() == []
    assert search.crowding([]).tolist() == []


@pytest.mark.parametrize("function", [search.ranks, search.non_dominated, search.crowding])
def test_what_cannot_be_compared_is_refused(function):
    sentence = (
        "Invalid value for points. Expected finite numbers, which can be compared. "
        "Received: nan at [1, 0]. Leave out what was not measured."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        function([[1.0, 2.0], [np.nan, 1.0]])
    with pytest.raises(ValueError, match=r"Expected shape \(points, objectives\). Received: sh"):
        function([1.0, 2.0])


def test_a_reference_of_another_size_is_refused():
    sentence = (
        "Points and reference disagree on the number of objectives. "
        "Received: points 2, reference of shape (1,)."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        search.hypervolume([[1.0, 2.0]], [3.0])
    with pytest.raises(ValueError, match="Invalid value for reference"):
        search.hypervolume([[1.0, 2.0]], [3.0, np.inf])
