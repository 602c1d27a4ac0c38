"""Axes of a search as they are typed.

`student.depth=10,16,22` are choices, `student.width=1..8` is a range with both of its ends,
`student.dropout=0..0.5,step=0.1` one with steps, `training.learning_rate=0.01..0.3,log` one on a
logarithmic scale. At the end of any of them stands a condition on an axis before it:
` if student.network=wide_resnet`. Several entries in one choice, such as losses, are joined by &.
"""

from kd_keras.search.axes import Axis, convert, read_number, type_of, write_value

__all__ = ["parse", "parse_all"]

_FORMS = (
    "SECTION.FIELD=A,B,C, SECTION.FIELD=LOW..HIGH with ,log and ,step=S after it, and "
    "` if SECTION.FIELD=A,B` at the end of either"
)


def parse_all(texts):
    """Read the axes of a search.

    Args:
        texts: As they are typed. Of two for the same field and condition, the later one counts.

    Returns:
        A tuple of `Axis`.

    Raises:
        ValueError: If one is not understood, or they do not fit each other.

    Example:
        >>> [axis.text for axis in parse_all(["student.width=1,2", "student.width=4"])]
        ['4']
    """
    axes = {}
    for text in texts:
        axis = parse(text)
        axes[axis.field, axis.parent, axis.parent_choices] = axis
    axes = tuple(axes.values())
    for place, axis in enumerate(axes):
        _require_parent(axis, axes[:place])
        _require_alone(axis, axes[:place])
    return axes


def _require_parent(axis, before):
    if not axis.parent:
        return
    parents = [other for other in before if other.field == axis.parent]
    if not parents:
        raise ValueError(
            f"The axis {axis.field} depends on {axis.parent}, which is no axis before it. "
            f"Expected --search_axis={axis.parent}=... before --search_axis={axis.field}=..."
        )
    if len(parents) > 1:
        raise ValueError(
            f"The axis {axis.field} depends on {axis.parent}, for which there are several axes. "
            "Expected one."
        )
    known = {value for other in parents for value in other.values or ()}
    unknown = [value for value in axis.parent_choices if value not in known]
    if unknown:
        raise ValueError(
            f"The axis {axis.field} depends on {axis.parent}={write_value(unknown[0])}, which is "
            f"never taken. Expected some of {', '.join(map(write_value, sorted(known, key=str)))}."
        )


def _require_alone(axis, before):
    for other in before:
        if other.field != axis.field:
            continue
        apart = axis.parent and axis.parent == other.parent
        if not apart or set(axis.parent_choices) & set(other.parent_choices):
            raise ValueError(
                f"There are two axes for one field: {other.name} and {axis.name}. Expected "
                "conditions on one field with different values, so that one of them holds."
            )


def parse(text):
    """Read an axis.

    Args:
        text: As it is typed.

    Returns:
        The `Axis`.

    Raises:
        ValueError: If it is not understood, or the field cannot be searched.

    Example:
        >>> parse("training.learning_rate=0.01..0.3,log").logarithmic
        True
    """
    body, _, condition = text.partition(" if ")
    field, separator, values = (part.strip() for part in body.partition("="))
    if not separator or not values:
        raise ValueError(f"Invalid value for search_axis. Expected {_FORMS}. Received: {text}.")
    annotation = type_of(field)
    parent = {}
    if condition:
        parent_field, _, choices = (part.strip() for part in condition.partition("="))
        parsed = _read_choices(parent_field, choices, type_of(parent_field))
        parent = {"parent": parent_field, "parent_choices": parsed}
    if annotation in (int, float) and ".." in values:
        return Axis(field=field, **_read_range(field, values, annotation), **parent)
    return Axis(
        field=field, kind="choice", choices=_read_choices(field, values, annotation), **parent
    )


def _read_range(field, text, annotation):
    extent, *options = (part.strip() for part in text.split(","))
    low, _, high = extent.partition("..")
    read = {
        "kind": "integer" if annotation is int else "float",
        "low": read_number(field, low, annotation),
        "high": read_number(field, high, annotation),
    }
    for option in options:
        name, _, value = option.partition("=")
        if option == "log":
            read["logarithmic"] = True
        elif name == "step":
            read["step"] = read_number(field, value, annotation)
        else:
            raise ValueError(
                f"Invalid option of the axis {field}. Expected log or step=NUMBER. "
                f"Received: {option}."
            )
    _require_range(field, text, **read)
    return read


def _require_range(field, text, *, kind, low, high, step=None, logarithmic=False):
    del kind
    expected = ""
    if not low < high:
        expected = "LOW..HIGH with LOW below HIGH"
    elif logarithmic and low <= 0:
        expected = "numbers above 0 on a logarithmic axis"
    elif step is not None and step <= logarithmic:
        expected = "a step above 1 on a logarithmic axis" if logarithmic else "a step above 0"
    if expected:
        raise ValueError(
            f"Invalid range of the axis {field}. Expected {expected}. Received: {text}."
        )


def _read_choices(field, text, annotation):
    choices = []
    for part in (part.strip() for part in text.split(",")):
        choices.append(_read_choice(field, part, annotation))
    if len(set(choices)) != len(choices):
        raise ValueError(f"Invalid axis {field}. Expected each value once. Received: {text}.")
    return tuple(choices)


def _read_choice(field, text, annotation):
    if annotation in (int, float):
        return read_number(field, text, annotation)
    convert(field, text)  # it is kept as it is typed, because oracles know no tuples
    return text
