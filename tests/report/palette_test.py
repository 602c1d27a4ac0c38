import pytest

from kd_keras import report
from kd_keras.report import palette

WHITE, GITHUB_DARK, PAGE_DARK = "#ffffff", "#0d1117", "#14171b"


def luminance(colour):
    """Relative luminance, by the Web Content Accessibility Guidelines 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(f * p for f, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first, second):
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", sorted(set(palette.COLOURS) - {"grid"}))
def test_colours_stand_out_from_their_ground(name):
    fixed, light, dark = palette.COLOURS[name]
    assert contrast(fixed, WHITE) > 3
    assert contrast(fixed, GITHUB_DARK) > 3
    assert contrast(light, WHITE) > 4.5
    assert contrast(dark, PAGE_DARK) > 4.5


def test_every_colour_is_written_in_one_way():
    for column in zip(*palette.COLOURS.values(), strict=True):
        assert all(len(colour) == 7 and colour == colour.lower() for colour in column)
        assert len(set(column)) == len(column)


def test_students_take_colours_in_turn_and_the_others_their_own():
    roles = ["teacher", "student", "control", *["student"] * 5]
    contenders = [
        report.Contender(label=str(i), role=role, network="a") for i, role in enumerate(roles)
    ]
    colours = palette.assign_colours(contenders)
    assert list(colours) == [str(i) for i in range(8)]
    assert colours["0"] == "teacher"
    assert colours["2"] == "control"
    assert [colours[i] for i in "13456"] == list(palette.SERIES)
    assert colours["7"] == palette.SERIES[0]
