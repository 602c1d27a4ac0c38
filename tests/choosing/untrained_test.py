import dataclasses
import shlex

import pytest

import flags
from kd_keras import choosing, config, files, pipeline
from tests.choosing.measured import make_config, replace_measurement


@pytest.fixture(autouse=True)
def measurement(monkeypatch):
    return replace_measurement(monkeypatch)


@pytest.fixture
def cache(tmp_path):
    place = '{"dataset": "synthetic", "data_directory": "", "image_size": 0, "resize": false}'
    remembered = {place: {"image_shape": [8, 8, 1], "num_classes": 4}}
    files.write_json(tmp_path / "latency" / "images.json", remembered)
    return tmp_path


def choose(cache, *, depths=(10, 16), widths=(1, 2), **limits):
    settings = make_config(cache, depths=depths, widths=widths, budget=config.Budget(**limits))
    text, fits = choosing.choose_untrained(settings)
    return text.splitlines(), fits


def test_what_fits_is_listed(cache):
    lines, fits = choose(cache, max_latency_milliseconds=1.0)
    assert fits
    assert lines[0] == "For images of 8 x 8 x 1, 4 classes:"
    verdicts = {line.split()[0]: line.split()[-1] for line in lines[2:6]}
    assert verdicts == {"WRN-10-1": "yes", "WRN-10-2": "yes", "WRN-16-1": "no", "WRN-16-2": "no"}
    assert "Within 1 ms: WRN-10-1, WRN-10-2." in lines
    assert "Of them WRN-10-2 computes most: 40 million multiply-adds." in lines
    assert lines[-1] == (
        "python main.py search --dataset=synthetic --max_latency_milliseconds=1 "
        "--search_axis=student.depth=10 --search_axis=student.width=1,2"
    )


def test_the_suggested_search_is_of_the_same_network(cache):
    student = config.Student(
        network="resnet", option=("stem=large",), binary_weights=True, dropout=0.1
    )
    settings = make_config(cache, depths=(10,), widths=(1, 2), student=student)
    *_, last = choosing.choose_untrained(settings)[0].splitlines()
    assert last == (
        "python main.py search --dataset=synthetic --student=resnet --student_dropout=0.1 "
        "--student_option=stem=large --student_binary_weights=true "
        "--search_axis=student.depth=10 --search_axis=student.width=1,2"
    )
    words = shlex.split(last)[2:]
    _, parsed = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert parsed.student == student


def test_the_suggested_search_times_with_as_many_threads(cache):
    settings = make_config(cache, depths=(10,), widths=(1, 2))
    section = dataclasses.replace(settings.choose, threads=2)
    settings = dataclasses.replace(settings, choose=section)
    *_, last = choosing.choose_untrained(settings)[0].splitlines()
    words = shlex.split(last)[2:]
    _, parsed = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert parsed.search.latency_threads == 2


def test_what_fits_but_not_in_every_round_is_told(cache):
    lines, _ = choose(cache, max_latency_milliseconds=0.92)
    assert next(line for line in lines if line.startswith("WRN-10-2")).endswith("barely")


def test_other_limits_count_too(cache):
    lines, _ = choose(cache, max_latency_milliseconds=2.0, max_parameters=20_000)
    assert "Within 2 ms, 20,000 parameters: WRN-10-1, WRN-16-1." in lines


def test_nothing_fits(cache):
    lines, fits = choose(cache, max_latency_milliseconds=0.4)
    assert not fits
    assert (
        "None of these students is within 0.4 ms. The closest, WRN-10-1, takes 0.5 ms: 25% too "
        "much. Smaller ones may be named with --student_depths and --student_widths."
    ) in lines


def test_without_a_limit(cache):
    lines, fits = choose(cache)
    assert fits
    assert "No limit was given; --max_latency_milliseconds=2 is one." in lines
    assert "fits" not in lines[1]


def test_depth_and_width_are_weighed(cache):
    lines, _ = choose(cache)
    start = lines.index(next(line for line in lines if line.startswith("from ")))
    # 6 million multiply-adds for 0.6 ms, 30 million for 0.4 ms.
    assert [" ".join(line.split()) for line in lines[start + 1 : start + 3]] == [
        "WRN-10-1 WRN-16-1 depth 6,000,000 0.600 10.00",
        "WRN-10-1 WRN-10-2 width 30,000,000 0.400 75.00",
    ]
    assert lines[start + 3].startswith(
        "From WRN-10-1 width is the better buy of computation, in every round of the measurement: "
        "a millisecond more brings 75 million multiply-adds by width, 10 by depth."
    )
    assert any("it takes training, which the command search does" in line for line in lines)


def test_one_size_alone_is_not_weighed(cache):
    lines, _ = choose(cache, depths=(10,), widths=(1,))
    assert any(line.startswith("Depth and width cannot be weighed") for line in lines)


def test_the_second_call_measures_nothing(cache, measurement):
    first, _ = choose(cache)
    assert choose(cache)[0] == first
    assert len(measurement.calls) == 1


def test_a_depth_that_there_is_not_is_told_before_anything_is_measured(cache, measurement):
    with pytest.raises(ValueError, match=r"for depth. Expected 6n \+ 4 .* \(--student_depths\)$"):
        choose(cache, depths=(17,))
    assert measurement.calls == []


def test_a_depth_that_nobody_named_is_told_as_one(cache):
    student = config.Student(network="resnet", depth=20)
    settings = make_config(cache, student=student, **{"depths": config.Choose().depths})
    with pytest.raises(ValueError, match="depth") as caught:
        choosing.choose_untrained(settings)
    assert str(caught.value) == (
        "Invalid value for depth. Expected 6n + 2 (8, 14, 20, 26, 32, 38, ...). Received: 10, one "
        "of the default depths. The nearest: 8 and 14. (--student_depths)"
    )
