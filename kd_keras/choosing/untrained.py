"""Before any training: which students fit, and whether depth or width is the better buy."""

import dataclasses
import pathlib
import re

from kd_keras import commands, report, search
from kd_keras.choosing import images, timing
from kd_keras.config import Search

__all__ = ["choose_untrained"]


def choose_untrained(config):
    """List the depths and widths within a budget, measured on this machine.

    What was measured before is not measured again, so that a second call answers at once.

    Args:
        config: The `Config`: `choose` names the sizes, `student` the network, `budget` the limits,
            `data` the images.

    Returns:
        The text to print, and whether any student fits.

    Raises:
        ValueError: If the network does not come in a size.
    """
    students = _plan(config)
    folder = pathlib.Path(config.data.cache_directory).expanduser() / "latency"
    again = config.choose.measure_again
    seen = images.find_images(config, folder / "images.json", again=again)
    table = timing.open_table(folder, seen, threads=config.choose.threads)
    memory = "peak_memory_bytes" in config.budget.limits
    entries = table.obtain(students, memory=memory, again=again)
    limits = config.budget.limits
    fitting = [entry for entry in entries if _fit(entry, limits) != "no"]
    lines = [
        f"For {seen.description}:",
        report.format_table([_row(entry, limits) for entry in entries]),
        _describe_conditions(table, entries),
        "",
        *_describe_fitting(entries, fitting, limits),
        "",
        *_describe_buys(entries),
    ]
    if fitting:
        lines += ["", "To train them and see how accurate they are:", _suggest(config, fitting)]
    return "\n".join(lines), bool(fitting)


def _plan(config):
    section = config.choose
    try:
        return [
            dataclasses.replace(config.student, depth=depth, width=width, path="")
            for depth in section.depths
            for width in section.widths
        ]
    except ValueError as error:
        reason = str(error)
        if section.depths == type(section)().depths:
            reason = re.sub(r"(Received: \d+)\.", r"\1, one of the default depths.", reason)
        raise ValueError(f"{reason} (--student_depths)") from None


def _strain(entry, limits):
    return max((entry.quantity(q) / limit for q, limit in limits.items()), default=0.0)


def _fit(entry, limits):
    """`"no"`, `"yes"`, or `"barely"` where the time is within the limit but not in every round."""
    if _strain(entry, limits) > 1:
        return "no"
    limit = limits.get("latency_milliseconds")
    return "barely" if limit and entry.latency["upper_milliseconds"] > limit else "yes"


def _row(entry, limits):
    latency = entry.latency
    row = {
        "student": search.name_network(entry.label),
        "multiply-adds": entry.multiply_adds,
        "parameters": entry.parameters,
        "kB": entry.size_bytes / 1000,
    }
    if entry.peak_memory_bytes is not None:
        row["MB of memory"] = entry.peak_memory_bytes / 1e6
    row["ms"] = f"{latency['median_milliseconds']:.3f}"
    row["slowest round"] = f"{latency['upper_milliseconds']:.3f}"
    row["95% of calls"] = f"{latency['p95_milliseconds']:.3f}"
    return row | ({"fits": _fit(entry, limits)} if limits else {})


def _describe_conditions(table, entries):
    conditions = table.conditions
    return (
        "ms: one image, the median of the quickest of several rounds in which all were measured "
        f"in turn, {entries[0].latency['runs']} calls together; TensorFlow Lite in float32, "
        f"threads: {conditions['threads']}, {conditions['runtime']}, {conditions['processor']}. "
        f"Measured {entries[0].measured}; --measure_again measures anew."
    )


def _describe_fitting(entries, fitting, limits):
    names = ", ".join(search.name_network(entry.label) for entry in fitting)
    words = ", ".join(search.format_quantity(q, limit) for q, limit in limits.items())
    if not limits:
        yield "No limit was given; --max_latency_milliseconds=2 is one."
    elif not fitting:
        closest = min(entries, key=lambda entry: _strain(entry, limits))
        over = [
            search.format_quantity(q, closest.quantity(q))
            for q, limit in limits.items()
            if closest.quantity(q) > limit
        ]
        yield (
            f"None of these students is within {words}. The closest, "
            f"{search.name_network(closest.label)}, takes {' and '.join(over)}: "
            f"{100 * (_strain(closest, limits) - 1):.0f}% too much. Smaller ones may be named with "
            "--student_depths and --student_widths."
        )
    else:
        most = max(fitting, key=lambda entry: entry.multiply_adds)
        amount = search.format_quantity("multiply_adds", most.multiply_adds)
        yield f"Within {words}: {names}."
        yield f"Of them {search.name_network(most.label)} computes most: {amount}."


def _describe_buys(entries):
    sizes = [
        search.Size(
            name=search.name_network(entry.label),
            depth=entry.depth,
            width=entry.width,
            multiply_adds=entry.multiply_adds,
            milliseconds=entry.latency["median_milliseconds"],
            round_milliseconds=tuple(entry.latency["round_medians_milliseconds"]),
        )
        for entry in entries
    ]
    pairs = search.compare_steps(sizes)
    if pairs:
        yield report.format_table([_step_row(step) for pair in pairs for step in pair])
    yield from search.describe_steps(pairs)


def _step_row(step):
    rate = None if step.rate is None else step.rate / 1e6
    return {
        "from": step.start.name,
        "to": step.end.name,
        "more": step.kind,
        "multiply-adds more": step.multiply_adds,
        "ms more": f"{step.milliseconds:.3f}",
        "million multiply-adds for a ms": rate,
    }


def _suggest(config, fitting):
    """The command that searches what fits."""
    words = list(_words_of(config.data, {name: name for name in images.PLACE}))
    # What a candidate has of the base: neither its size nor a network of the user's own.
    fields = [field.name for field in dataclasses.fields(config.student)]
    flags = {name: f"student_{name}" for name in fields if name not in ("depth", "width", "path")}
    words += _words_of(config.student, flags | {"network": "student"})
    for name, limit in dataclasses.asdict(config.budget).items():
        if limit:
            words.append(f"--{name}={limit:g}" if isinstance(limit, float) else f"--{name}={limit}")
    if config.choose.threads != Search().latency_threads:
        words.append(f"--latency_threads={config.choose.threads}")
    for axis in ("depth", "width"):
        values = sorted({getattr(entry, axis) for entry in fitting})
        words.append(f"--search_axis=student.{axis}={','.join(map(str, values))}")
    return commands.format_command("search", *words)


def _words_of(section, flags):
    """The flags of the fields of a section that do not have their default."""
    default = type(section)()
    for field, flag in flags.items():
        value = getattr(section, field)
        if value == getattr(default, field):
            continue
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        yield f"--{flag}={text.lower() if isinstance(value, bool) else text}"
