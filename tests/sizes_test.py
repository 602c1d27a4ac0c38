import pytest

from kd_keras import sizes


@pytest.mark.parametrize(
    ("depth", "blocks"), [(10, 1), (16, 2), (22, 3), (28, 4), (34, 5), (40, 6), (100, 16)]
)
def test_blocks_of_a_depth(depth, blocks):
    assert sizes.wide_resnet_blocks(depth) == blocks
    assert 6 * blocks + 4 == depth


def test_every_depth_is_either_6n_plus_4_or_refused():
    accepted = []
    for depth in range(-20, 41):
        try:
            sizes.wide_resnet_blocks(depth)
        except ValueError:
            continue
        accepted.append(depth)
    assert accepted == [10, 16, 22, 28, 34, 40]


@pytest.mark.parametrize(
    ("depth", "nearest"),
    [
        (17, "16 and 22"),
        (15, "10 and 16"),
        (11, "10 and 16"),
        (39, "34 and 40"),
        (9, "10"),
        (4, "10"),
        (0, "10"),
        (-2, "10"),
    ],
)
def test_another_depth_is_refused_with_the_nearest(depth, nearest):
    with pytest.raises(ValueError, match="depth") as caught:
        sizes.wide_resnet_blocks(depth)
    assert str(caught.value) == (
        "Invalid value for depth. Expected 6n + 4 (10, 16, 22, 28, 34, 40, ...). "
        f"Received: {depth}. The nearest: {nearest}."
    )


def test_check_follows_the_rule_of_the_network():
    sizes.check("wide_resnet", 16)
    with pytest.raises(ValueError, match="Received: 17"):
        sizes.check("wide_resnet", 17)


def test_a_network_without_a_rule_takes_any_depth():
    sizes.check("a_network_of_ones_own", 17)
