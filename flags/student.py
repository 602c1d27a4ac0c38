"""Flags of the student."""

import re

from flags.section import Section
from kd_keras import models, sizes
from kd_keras.config import Student

# As it is typed: choices, a range, and a condition after them.
_DEPTH_AXIS = re.compile(r"\s*student\.depth\s*=(.*?)(?: if .*)?")


class _StudentSection(Section):
    """The student's flags, of which the depth may be left to those that are compared.

    `choose` and `search` name depths of their own, and the default need not be one of the network.
    """

    def read(self, flag_values):
        """Build the section; a depth that was not given is the first possible one."""
        depth = flag_values["student_depth"]
        if not depth.present:
            network, options = flag_values["student"].value, flag_values["student_option"].value
            compared = list(_compared_depths(flag_values))
            depths = [depth.value, *compared]
            possible = (d for d in depths if _is_possible(network, d, options))
            depth.value = next(possible, compared[0] if compared else depth.value)
        try:
            return super().read(flag_values)
        except ValueError as error:
            if depth.present or compared or not str(error).startswith("Invalid value for depth."):
                raise
            received = f"Received: {depth.value}"
            raise ValueError(
                str(error).replace(f"{received}.", f"{received}, the default.", 1)
            ) from None


def _compared_depths(flag_values):
    if flag_values["student_depths"].present:
        yield from flag_values["student_depths"].value
    for axis in map(_DEPTH_AXIS.fullmatch, flag_values["search_axis"].value):
        if axis:
            yield from map(int, re.findall(r"\d+", axis[1]))


def _is_possible(network, depth, options):
    try:
        sizes.check(network, depth, options)
    except ValueError:
        return False
    return True


SECTION = _StudentSection("student", Student, prefix="student_")
SECTION.add(
    "network",
    "The student's network: one of this project, or applications/NAME of keras.applications.",
    name="student",
    choices=models.names(applications=True),
)
SECTION.add(
    "depth",
    "Its layers, as in WRN-depth-width.",
    unused_by={"choose": "The depths to choose from are --student_depths."},
)
SECTION.add(
    "width",
    "Its factor on the channels.",
    unused_by={"choose": "The widths to choose from are --student_widths."},
)
SECTION.add("dropout", "Its dropout probability.")
SECTION.add("option", "Its other arguments, ARGUMENT=VALUE, see docs/methods.md.")
SECTION.add("binary_weights", "One bit a weight in all convolutions but the first, for study.")
SECTION.add(
    "path",
    "A .keras file or a run's folder with a network of your own to train instead.",
    unused_by={
        "choose": "It chooses among sizes of --student; the file of one network is timed by export."
    },
)
