"""How many students hyperband trains, and for how long: brackets that come to their last rung.

A bracket trains many students for few epochs, the best of them for more, and so on; each of these
rounds is a rung. The sizes are those of the paper where there are trials and students enough, and
otherwise those of the bracket with the most rungs that is whole with what there is.

Reference:
    Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", 2018.
"""

import math

__all__ = ["count_rungs", "epochs_of_rungs", "fit", "sizes_of_rungs"]


def count_rungs(max_epochs, factor):
    """How many rungs there can be, the first of one epoch or a little more.

    Args:
        max_epochs: Of the last rung.
        factor: How many epochs more a rung has than the one before it.

    Example:
        >>> count_rungs(30, 3)
        4
    """
    count = 1
    while factor**count <= max_epochs:
        count += 1
    return count


def epochs_of_rungs(max_epochs, factor, num_rungs):
    """The epochs of each rung, a tuple.

    Example:
        >>> epochs_of_rungs(30, 3, 4)
        (2, 4, 10, 30)
    """
    return tuple(_divide_up(max_epochs, factor**left) for left in reversed(range(num_rungs)))


def sizes_of_rungs(num_students, factor, num_rungs):
    """The students of each rung, a tuple: one in so many goes on.

    Args:
        num_students: Of the first rung.
        factor: One in so many goes on.
        num_rungs: How many rungs there are.

    Example:
        >>> sizes_of_rungs(34, 3, 4)
        (34, 12, 4, 2)
    """
    return tuple(_divide_up(num_students, factor**number) for number in range(num_rungs))


def _divide_up(number, divisor):
    return -(-number // divisor)


def fit(trials, candidates, *, factor, most_rungs, most_students=math.inf):
    """The bracket with the most rungs that is whole, and of these the one with the most students.

    Its last rung has at least one student by the factor alone: the first rung of three has at
    least nine by a factor of three.

    Args:
        trials: How many there may be, over all rungs.
        candidates: How many students there are to begin with; None where that is not known.
        factor: One in so many goes on.
        most_rungs: How many rungs there are at the most.
        most_students: How many students a bracket with that many rungs begins with at the most.

    Returns:
        How many rungs it has and how many students it begins with; None where not even one
        student can be trained.

    Example:
        >>> fit(12, 9, factor=3, most_rungs=4), sizes_of_rungs(9, 3, 2)
        ((2, 9), (9, 3))
        >>> fit(1000, 9, factor=3, most_rungs=4), fit(1000, 0, factor=3, most_rungs=4)
        ((3, 9), None)
    """
    limit = trials if candidates is None else min(trials, candidates)
    for num_rungs in range(most_rungs, 0, -1):
        most = min(limit, most_students) if num_rungs == most_rungs else limit
        num_students = factor ** (num_rungs - 1)
        if num_students > most or _total(num_students, factor, num_rungs) > trials:
            continue
        while num_students < most and _total(num_students + 1, factor, num_rungs) <= trials:
            num_students += 1
        return num_rungs, num_students
    return None


def _total(num_students, factor, num_rungs):
    return sum(sizes_of_rungs(num_students, factor, num_rungs))
