import pytest

from kd_keras import sizes


@pytest.mark.parametrize(
    ("depth", "blocks"), [(10, 1), (16, 2), (22, 3), (28, 4), (34, 5), (40, 6), (100, 16)]
)
def test_blocks_of_a_depth(depth, blocks):
    assert sizes.wide_resnet_blocks(depth) == (blocks,) * 3
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


@pytest.mark.parametrize(
    ("blocks", "accepted"),
    [
        (sizes.resnet_blocks, [8, 14, 20, 26]),
        (lambda depth: sizes.resnet_blocks(depth, "large"), [10, 18]),
        (lambda depth: sizes.wide_resnet_blocks(depth, "large"), [10, 18]),
        (sizes.res_next_blocks, [11, 20]),
        (lambda depth: sizes.res_next_blocks(depth, "large"), [26]),
        (sizes.plain_cnn_convolutions, [5, 8, 11, 14, 17, 20, 23, 26]),
        (sizes.vgg_convolutions, [8, 11, 13, 16, 19]),
        (sizes.mobile_net_repeats, [18, 20, 22, 24, 26]),
    ],
)
def test_a_network_comes_in_these_depths(blocks, accepted):
    found = []
    for depth in range(-2, 28):
        try:
            blocks(depth)
        except ValueError:
            continue
        found.append(depth)
    assert found == accepted


@pytest.mark.parametrize("depth", [11, 13, 16, 19])
def test_a_vgg_has_as_many_convolutions_as_its_depth_less_the_three_linear_layers(depth):
    assert sum(sizes.vgg_convolutions(depth)) == depth - 3


@pytest.mark.parametrize(("depth", "kernels"), [(18, 2), (34, 2), (10, 2)])
def test_the_numbers_of_blocks_add_up_to_the_depth(depth, kernels):
    assert kernels * sum(sizes.resnet_blocks(depth, "large")) + 2 == depth


def test_a_depth_of_a_table_is_refused_with_the_whole_table():
    with pytest.raises(ValueError, match="depth") as caught:
        sizes.check("resnet", 20, ("stem=large",))
    assert str(caught.value) == (
        "Invalid value for depth. Expected 10, 18 or 34 with stem=large. Received: 20."
    )
    sizes.check("resnet", 20)


def test_check_follows_the_rule_of_the_network():
    sizes.check("wide_resnet", 16)
    with pytest.raises(ValueError, match="Received: 17"):
        sizes.check("wide_resnet", 17)


def test_a_network_without_a_rule_takes_any_depth():
    sizes.check("a_network_of_ones_own", 17)
