"""What a search varied: every student across its axes, and error by depth and width."""

from kd_keras.report import figures, palette
from kd_keras.report.layout import Drawing, Figure, Section

__all__ = ["describe"]

_PANELS = (
    ("latency_milliseconds", "ms for one image"),
    ("parameters", "parameters"),
)


def describe(content):
    """The axes of a search; None on another page."""
    searched = content.search
    if searched is None or len(searched.tried) < 2:
        return None
    found = (_draw_axes(searched), _draw_sizes(searched))
    shown = tuple(figure for figure in found if figure is not None)
    if not shown:
        return None
    return Section(name="axes", heading="What the search varied", figures=shown)


def _draw_axes(searched):
    fields = list(dict.fromkeys(field for one in searched.tried for field in one.values))
    values = {
        field: tuple(_plain(one.values.get(field)) for one in searched.tried) for field in fields
    }
    varied = [field for field in fields if len(set(values[field])) > 1]
    if not varied:
        return None
    coordinates = [
        figures.Coordinate(name=field.rpartition(".")[2].replace("_", " "), values=values[field])
        for field in varied
    ]
    outcomes = {
        "ms per image": [one.latency_milliseconds for one in searched.tried],
        "error in %": [one.validation_error_percent for one in searched.tried],
    }
    coordinates += [
        figures.Coordinate(name=name, values=tuple(found))
        for name, found in outcomes.items()
        if set(found) != {None}
    ]
    names = ", ".join(coordinate.name for coordinate in coordinates)
    drawing = Drawing(
        name="axes",
        svg=figures.draw_parallel(coordinates, chosen=[one.rank == 0 for one in searched.tried]),
        description=f"A line for each student across {names}.",
        wide=len(coordinates) > 5,
    )
    return Figure(
        drawings=(drawing,),
        caption=(
            "Each line is a student; it crosses every axis at its value. The students of the "
            "front are in colour. Where the coloured lines cross an axis close together, that "
            "value belongs to good students; where they spread, it decides little or trades "
            "error for time. A line is broken where an axis has no meaning for the student."
        ),
    )


def _plain(value):
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _draw_sizes(searched):
    """Figure 5 of the paper with one's own students."""
    best = {}
    for one in sorted(searched.tried, key=lambda one: one.validation_error_percent):
        if one.depth is not None and one.width is not None:
            network = str(one.values.get("student.network", ""))
            best.setdefault((network, one.width, one.depth), one)
    lines = {(network, width) for network, width, _ in best}
    if len({depth for *_, depth in best}) < 2 or len(lines) < 2:
        return None
    drawings = tuple(filter(None, (_draw_panel(best, *panel) for panel in _PANELS)))
    if not drawings:
        return None
    networks = len({network for network, _ in lines}) > 1
    caption = (
        "The error of each depth and width, as in the paper's Figure 5: a line is one width"
        f"{' of one network' * networks}, and along it the students grow deeper; the number at a "
        "mark is the depth. Where a line lies below another at the same time, its width is the "
        "better buy there."
    )
    if len(best) < len(searched.tried):
        caption += " Of several students of one size the best is shown."
    if any(len(one.errors_percent) > 1 for one in best.values()):
        caption += " Marks are medians over the seeds, bars go from the best seed to the worst."
    return Figure(drawings=drawings, caption=caption)


def _draw_panel(best, quantity, x_label):
    placed = {
        size: getattr(one, quantity) for size, one in sorted(best.items()) if getattr(one, quantity)
    }
    if len(set(placed.values())) < 2:
        return None
    lines = sorted({(network, width) for network, width, _ in placed})
    several = len({network for network, _ in lines}) > 1
    points = [
        figures.Point(
            line=f"{network}, width {width}" if several else f"width {width}",
            colour=palette.SERIES[lines.index((network, width)) % len(palette.SERIES)],
            network=str(depth),
            size=amount,
            errors_percent=best[network, width, depth].errors_percent,
        )
        for (network, width, depth), amount in placed.items()
    ]
    described = [
        f"{f'{network}, ' * several}depth {depth}, width {width}: "
        f"{best[network, width, depth].validation_error_percent:.2f}%"
        for network, width, depth in sorted(placed, key=lambda size: (size[0], size[2], size[1]))
    ]
    return Drawing(
        name=f"depth_and_width_over_{quantity}",
        svg=figures.draw_sizes(points, x_label=x_label),
        description=f"Validation error over {x_label}: {'; '.join(described)}.",
    )
