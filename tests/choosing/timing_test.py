import math

import numpy as np
import pytest

from kd_keras import config, files, models
from kd_keras.choosing import images, timing
from tests.choosing.measured import make_entry, replace_measurement

IMAGES = images.Images((8, 8, 1), 4)


def students(*sizes):
    return [config.Student(depth=depth, width=width) for depth, width in sizes]


@pytest.fixture
def measurement(monkeypatch):
    return replace_measurement(monkeypatch)


def test_a_student_is_measured_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "_ROUNDS", 2)
    monkeypatch.setattr(timing, "_REPEATS", 3)
    table = timing.open_table(tmp_path, IMAGES)
    [entry] = table.obtain(students((10, 1)))
    network = models.get("wide_resnet", image_shape=(8, 8, 1), num_classes=4, depth=10, width=1)
    assert entry.parameters == sum(math.prod(w.shape) for w in network.trainable_weights)
    assert 4 * entry.parameters < entry.size_bytes < 8 * entry.parameters
    # Convolutions of 3 x 3 and 1 x 1 pixels on images of 8, 8, 4 and 2 pixels, and the logits.
    groups = [(64, 16, 16), (16, 16, 32), (4, 32, 64)]
    count = 64 * 9 * 16 + 64 * 4
    for pixels, before, after in groups:
        count += pixels * (9 * before * after + 9 * after * after)
        count += pixels * before * after if before != after else 0
    assert entry.multiply_adds == count
    latency = entry.latency
    assert latency["runs"] == 6
    assert len(latency["round_medians_milliseconds"]) == 2
    assert 0 < latency["median_milliseconds"] <= latency["upper_milliseconds"]
    assert (latency["threads"], latency["batch"], latency["format"]) == (1, 1, "tflite_float32")


def test_what_is_known_is_not_measured_again(tmp_path, measurement):
    table = timing.open_table(tmp_path, IMAGES)
    first = table.obtain(students((10, 1), (10, 2)))
    again = timing.open_table(tmp_path, IMAGES).obtain(students((10, 2), (10, 1)))
    assert again == first[::-1]
    assert measurement.calls == [["wide_resnet-10-1", "wide_resnet-10-2"]]


def test_all_are_measured_side_by_side_or_not_at_all(tmp_path, measurement):
    table = timing.open_table(tmp_path, IMAGES)
    table.obtain(students((10, 1)))
    table.obtain(students((10, 1), (10, 2)))
    table.obtain(students((16, 1)))
    assert len(measurement.calls) == 3
    table.obtain(students((10, 1), (16, 1)))  # both known, from two measurements
    assert measurement.calls[-1] == ["wide_resnet-10-1", "wide_resnet-16-1"]
    assert len(measurement.calls) == 4


def test_measuring_again_can_be_asked_for(tmp_path, measurement):
    table = timing.open_table(tmp_path, IMAGES)
    table.obtain(students((10, 1)))
    [entry] = table.obtain(students((10, 1)), again=True)
    assert entry.measured == "measurement 2"


def test_memory_is_measured_where_it_is_asked_for(tmp_path, measurement):
    table = timing.open_table(tmp_path, IMAGES)
    table.obtain(students((10, 1)))
    table.obtain(students((10, 1)), memory=True)
    assert len(measurement.calls) == 2


def test_what_the_system_does_not_tell_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(timing.export, "measure_peak_memory", lambda path, num_threads: None)
    monkeypatch.setattr(
        timing.export, "measure_complexity", lambda path: make_entry(*students((10, 1)))
    )
    table = timing.open_table(tmp_path, IMAGES)
    assert table._weigh("a file", memory=False)["peak_memory_bytes"] is None
    with pytest.raises(ValueError, match="this operating system does not tell it"):
        table._weigh("a file", memory=True)


def test_another_machine_threads_or_images_have_another_table(tmp_path, monkeypatch):
    paths = [
        timing.open_table(tmp_path, IMAGES).path,
        timing.open_table(tmp_path, IMAGES, threads=2).path,
        timing.open_table(tmp_path, images.Images((9, 9, 1), 4)).path,
    ]
    monkeypatch.setattr(timing.processor, "name", lambda: "another")
    paths.append(timing.open_table(tmp_path, IMAGES).path)
    monkeypatch.setattr(timing.importlib.metadata, "version", lambda package: "9.9")
    paths.append(timing.open_table(tmp_path, IMAGES).path)
    assert len(set(paths)) == 5


def test_a_damaged_table_is_told(tmp_path, measurement):
    table = timing.open_table(tmp_path, IMAGES)
    files.write_json(table.path, {"format_version": 1, "entries": [{"label": "x"}]})
    with pytest.raises(ValueError, match=r"Damaged file .*json. Expected the times of students."):
        table.obtain(students((10, 1)))
    assert len(table.obtain(students((10, 1)), again=True)) == 1
    files.write_json(table.path, {"format_version": 0})
    assert len(table.obtain(students((10, 1)))) == 1


def test_the_images_are_of_any_colour():
    assert np.isfinite(IMAGES.mean).all()
