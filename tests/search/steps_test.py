import dataclasses

import pytest

from kd_keras import search
from kd_keras.search import steps


def make_size(depth, width, milliseconds, multiply_adds, spread=0.0):
    return steps.Size(
        name=f"WRN-{depth}-{width}",
        depth=depth,
        width=width,
        multiply_adds=multiply_adds,
        milliseconds=milliseconds,
        round_milliseconds=(milliseconds * (1 - spread), milliseconds, milliseconds * (1 + spread)),
    )


def make_grid(*, deeper, wider):
    """Networks of 10 and 16 layers, width 1 and 2; what depth and width cost in milliseconds."""
    return [
        make_size(10, 1, 1.0, 10_000_000, 0.1),
        make_size(16, 1, 1.0 + deeper, 20_000_000, 0.1),
        make_size(10, 2, 1.0 + wider, 40_000_000, 0.1),
        make_size(16, 2, 1.0 + deeper + wider, 90_000_000, 0.1),
    ]


def test_a_step_is_a_difference():
    [(depth, width)] = search.compare_steps(make_grid(deeper=0.5, wider=2.0))
    assert (depth.kind, depth.milliseconds, depth.multiply_adds) == ("depth", 0.5, 10_000_000)
    assert (width.kind, width.milliseconds, width.multiply_adds) == ("width", 2.0, 30_000_000)
    assert (depth.rate, width.rate) == (2e7, 1.5e7)
    assert depth.round_milliseconds == pytest.approx((0.45, 0.5, 0.55))


def test_the_next_step_is_to_the_nearest_size():
    sizes = [make_size(d, w, 1.0, 1) for d in (22, 10, 16) for w in (4, 1, 2)]
    pairs = search.compare_steps(sizes)
    assert [(a.start.name, a.end.name, b.end.name) for a, b in pairs] == [
        ("WRN-10-1", "WRN-16-1", "WRN-10-2"),
        ("WRN-10-2", "WRN-16-2", "WRN-10-4"),
        ("WRN-16-1", "WRN-22-1", "WRN-16-2"),
        ("WRN-16-2", "WRN-22-2", "WRN-16-4"),
    ]


@pytest.mark.parametrize(
    ("depth_rounds", "width_rounds", "better"),
    [
        ((1.1, 2.2, 1.3), (7.0, 14.0, 8.0), "depth"),  # a round twice as slow for all
        ((2.0, 4.0, 3.0), (3.0, 6.0, 5.0), "width"),
        ((3.0, 2.2, 1.3), (2.0, 14.0, 8.0), None),  # one round says the other
        ((1.1, 1.0, 1.3), (7.0, 14.0, 8.0), None),  # no more time in one round
        ((), (), None),
    ],
)
def test_every_round_decides_which_is_better(depth_rounds, width_rounds, better):
    def make(depth, width, count, rounds):
        return dataclasses.replace(make_size(depth, width, 1.0, count), round_milliseconds=rounds)

    start = make(10, 1, 10_000_000, (1.0,) * len(depth_rounds))
    deeper, wider = make(16, 1, 20_000_000, depth_rounds), make(10, 2, 40_000_000, width_rounds)
    pair = steps.Step("depth", start, deeper), steps.Step("width", start, wider)
    assert steps.find_better_buy(*pair) == better


def test_the_better_buy_is_said():
    pairs = search.compare_steps(make_grid(deeper=1.0, wider=0.5))
    assert list(search.describe_steps(pairs)) == [
        "From WRN-10-1 width is the better buy of computation, in every round of the measurement: "
        "a millisecond more brings 60 million multiply-adds by width, 10 by depth.",
        "How much accuracy depth or width brings is not in these figures: it takes training, "
        "which the command search does.",
    ]


def test_some_places_differ():
    sizes = [
        make_size(depth, width, *figures)
        for (depth, width), figures in {
            (10, 1): (1.0, 10_000_000),
            (16, 1): (2.0, 20_000_000),
            (22, 1): (2.1, 40_000_000),
            (10, 2): (1.5, 40_000_000),
            (16, 2): (3.5, 90_000_000),
        }.items()
    ]
    first, second, middle, _ = search.describe_steps(search.compare_steps(sizes))
    assert first.startswith("From WRN-16-1 depth is the better buy of computation, ")
    assert second.startswith("From WRN-10-1 width is the better buy")
    # Depth: 10 and 200 million for a millisecond; width: 60, and 70 for 1.5.
    assert middle == (
        "In the middle of all 2 places a millisecond brings 105 million multiply-adds by depth "
        "and 53.3 by width."
    )
    unknown = search.compare_steps(make_grid(deeper=0.0, wider=2.0))
    assert next(search.describe_steps(unknown)) == (
        "From WRN-10-1 it is open which is the better buy: the rounds of the measurement differ."
    )


def test_one_depth_alone_says_nothing():
    sizes = [make_size(10, width, 1.0, 1) for width in (1, 2)]
    assert list(search.describe_steps(search.compare_steps(sizes))) == [
        "Depth and width cannot be weighed against each other. Expected at least two depths and "
        "two widths."
    ]


def test_no_more_time_has_no_rate():
    step = steps.Step("depth", make_size(10, 1, 2.0, 1), make_size(16, 1, 2.0, 2))
    assert step.rate is None
