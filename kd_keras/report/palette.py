"""The colours of the page and its figures: by name, for light and dark grounds, and for both.

A figure is drawn in the fixed colours, which can be read on a light and on a dark ground. The page
puts variables in their place, so that it follows the reader's setting.
"""

__all__ = ["COLOURS", "SERIES", "assign_colours"]

# Name: (fixed, on light, on dark). The hues are those of Okabe and Ito, "Color Universal Design",
# 2008, which people with any colour vision tell apart; their lightness is fitted to the ground.
COLOURS = {
    "ink": ("#7a7e85", "#1c2024", "#e9ebee"),
    "muted": ("#7c8189", "#5f6771", "#a4acb6"),
    "grid": ("#8a9099", "#b3bbc5", "#626d7b"),  # drawn at half strength
    "teacher": ("#1d9a72", "#00775a", "#40cfa0"),
    "control": ("#c8641a", "#b04600", "#ff9c57"),
    "student": ("#2a7fc4", "#0062a8", "#63b7f4"),
    "series_2": ("#b5679a", "#9c3f79", "#e99ac8"),
    "series_3": ("#8c7b1e", "#6c5e00", "#d6c34e"),
    "series_4": ("#7a74cf", "#574ec0", "#aea9ff"),
    "series_5": ("#a0695c", "#7d4030", "#d9a190"),
}

# What is neither teacher nor control takes these in turn.
SERIES = ("student", "series_2", "series_3", "series_4", "series_5")


def assign_colours(contenders):
    """Which colour stands for whom, the same in every figure of a page.

    Args:
        contenders: `Contender`s.

    Returns:
        A dictionary from the label to the name of a colour. With more students than colours
        some share one; legends and line styles then tell them apart.

    Example:
        >>> from kd_keras.report.content import Contender
        >>> teacher = Contender(label="big", role="teacher", network="a")
        >>> student = Contender(label="small", role="student", network="b")
        >>> assign_colours([teacher, student])
        {'big': 'teacher', 'small': 'student'}
    """
    students = [c.label for c in contenders if c.role == "student"]
    colours = {c.label: c.role for c in contenders if c.role != "student"}
    colours |= {label: SERIES[i % len(SERIES)] for i, label in enumerate(students)}
    return {c.label: colours[c.label] for c in contenders}
