"""Which points no other beats: fronts, ranks, crowding and hypervolume, every objective minimised.

A point a dominates a point b where a is no worse in any objective and better in one. Equal points
therefore do not dominate each other: they share a rank, and are on the front together.
"""

import numpy as np

__all__ = ["crowding", "hypervolume", "non_dominated", "ranks"]


def non_dominated(points):
    """Which points no other point dominates.

    Args:
        points: Shape (points, objectives), finite. Smaller is better in every objective.

    Returns:
        Whether each point is on the front, shape (points,), bool.

    Raises:
        ValueError: If the shape is another, or a number is not finite.

    Example:
        >>> non_dominated([[1.0, 5.0], [2.0, 4.0], [2.0, 5.0], [1.0, 5.0]])
        array([ True,  True, False,  True])
    """
    return ~_domination(_require_points(points)).any(axis=0)


def ranks(points):
    """Non-dominated sorting: which front each point is on.

    Rank 0 are the points that no other dominates; rank k those that none but points of ranks
    below k dominate.

    Args:
        points: As in `non_dominated`.

    Returns:
        The ranks, shape (points,), integers from 0.

    Raises:
        ValueError: As in `non_dominated`.

    Example:
        >>> ranks([[1.0, 5.0], [2.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
        array([0, 0, 1, 2])

    Reference:
        Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
        NSGA-II", 2002, section III.A.
    """
    dominates = _domination(_require_points(points))
    above = dominates.sum(axis=0)  # how many points without a rank yet dominate each
    found = np.full(len(above), -1)
    rank = 0
    while (found < 0).any():
        front = (found < 0) & (above == 0)
        found[front] = rank
        above -= dominates[front].sum(axis=0)
        rank += 1
    return found


def crowding(points):
    """How much room each point has among those of its own rank.

    The sum over the objectives of (next larger value - next smaller value) / (largest - smallest)
    among the points of a rank. The first and the last of a rank in any objective have infinite
    room; of equal points, the first in the order given stands for all and the others have none.

    Args:
        points: As in `non_dominated`.

    Returns:
        The distances, no unit, shape (points,), float64. Larger is lonelier.

    Raises:
        ValueError: As in `non_dominated`.

    Example:
        >>> crowding([[0.0, 4.0], [1.0, 2.0], [4.0, 0.0], [9.0, 9.0]])
        array([inf,  2., inf, inf])

    Reference:
        Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm:
        NSGA-II", 2002, section III.B.
    """
    points = _require_points(points)
    found = np.zeros(len(points))
    rank_of = ranks(points)
    for rank in range(rank_of.max(initial=-1) + 1):
        [members] = np.nonzero(rank_of == rank)
        different, first = np.unique(points[members], axis=0, return_index=True)
        found[members[first]] = _crowding_of_front(different)
    return found


def hypervolume(points, reference):
    """The volume of what the points dominate, up to a reference point: larger is better.

    Computed exactly: the volume is cut into slabs along the last objective, where one of them
    ends at each point, and each slab's base is a hypervolume with one objective less.

    Args:
        points: As in `non_dominated`. A point that is not better than the reference in every
            objective adds nothing.
        reference: Shape (objectives,), finite: the worst that counts, the same for all fronts
            that are compared.

    Returns:
        The volume, in the product of the objectives' units.

    Raises:
        ValueError: As in `non_dominated`, or if the reference has another number of objectives.

    Example:
        >>> hypervolume([[1.0, 2.0], [2.0, 1.0]], reference=[3.0, 3.0])
        3.0

    Reference:
        Zitzler, Thiele, "Multiobjective Optimization Using Evolutionary Algorithms: A Comparative
        Case Study", 1998; by slices as in While, Hingston, Barone, Huband, "A Faster Algorithm
        for Calculating Hypervolume", 2006.
    """
    points = _require_points(points)
    reference = np.asarray(reference, np.float64)
    if reference.shape != (points.shape[1],) and len(points):
        raise ValueError(
            "Points and reference disagree on the number of objectives. "
            f"Received: points {points.shape[1]}, reference of shape {reference.shape}."
        )
    _require_finite("reference", reference)
    if not len(points):
        return 0.0
    points = points[(points < reference).all(axis=1)]
    return float(_volume(np.unique(points, axis=0), reference))


def _require_points(points):
    points = np.asarray(points, np.float64)
    if points.size == 0:
        return points.reshape(len(points), points.shape[1] if points.ndim == 2 else 0)
    if points.ndim != 2:
        raise ValueError(
            "Invalid value for points. Expected shape (points, objectives). "
            f"Received: shape {points.shape}."
        )
    _require_finite("points", points)
    return points


def _require_finite(name, numbers):
    wrong = np.argwhere(~np.isfinite(numbers))
    if len(wrong):
        raise ValueError(
            f"Invalid value for {name}. Expected finite numbers, which can be compared. "
            f"Received: {numbers[tuple(wrong[0])]} at {wrong[0].tolist()}. "
            "Leave out what was not measured."
        )


def _domination(points):
    """Element [i, j] tells whether point i dominates point j."""
    first, second = points[:, None, :], points[None, :, :]
    return (first <= second).all(axis=2) & (first < second).any(axis=2)


def _crowding_of_front(points):
    """The distances of different points of one rank, in the order of `np.unique`."""
    found = np.zeros(len(points))
    for values in points.T:
        extent = np.ptp(values)
        if len(points) < 3 or extent == 0:
            continue
        order = np.argsort(values, kind="stable")
        found[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / extent
    # In an objective where all are equal, none is the first.
    spread = np.ptp(points, axis=0) > 0
    ends = (points == points.min(axis=0)) | (points == points.max(axis=0))
    found[(ends & spread).any(axis=1) | (len(points) < 3)] = np.inf
    return found


def _volume(points, reference):
    """The hypervolume of points that are all better than the reference."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return reference[0] - points.min()
    points = points[np.argsort(points[:, -1], kind="stable")]
    thickness = np.diff(points[:, -1], append=reference[-1])
    if points.shape[1] == 2:
        return thickness @ (reference[0] - np.minimum.accumulate(points[:, 0]))
    bases = (
        _volume(points[: end + 1, :-1], reference[:-1]) if thickness[end] > 0 else 0.0
        for end in range(len(points))
    )
    return thickness @ np.fromiter(bases, np.float64, len(points))
