"""The presets of comparisons are the paper's Tables 2 to 5, row by row, and what they name builds.

At the paper's size a row is the preset of that row, whose content is tested in `presets_test` and
built in `presets_build_test`; the smaller tables are looked at and built here.
"""

import functools
import pathlib
import re
import typing

import keras
import numpy as np
import pytest

import flags
from kd_keras import assembly, comparison, distillers, pipeline, runs
from kd_keras.data import Split, Splits

_FOLDER = pathlib.Path(flags.__file__).parent / "presets"
_DATASETS = ("cifar10", "cifar100", "imagenet32")
_L1 = (("logit_l1", 1.0),)


class _Row(typing.NamedTuple):
    """What a method of a table trains on, and with what."""

    supervised_weight: float
    losses: tuple = ()
    adversarial_weight: float = 0.0
    temperature: float | None = None
    student: tuple | None = None  # None: the table's
    discriminator_depth: int | None = None  # None: no discriminator


def _soft_target(temperature, **values):
    return _Row(0.5, (("soft_target", 1.0),), 0.0, temperature, **values)


_SUPERVISED = _Row(1.0)
_ADVERSARIAL = _Row(1.0, _L1, 1.0, discriminator_depth=3)
_TABLE_2 = {
    "supervised": _SUPERVISED,
    **{f"soft targets, T = {t}": _soft_target(float(t)) for t in (1, 2, 5, 10)},
    "adversarial": _ADVERSARIAL,
}
_TABLE_3 = {
    "L_S": _SUPERVISED,
    "L_GAN": _Row(0.0, (), 1.0, discriminator_depth=3),
    "L_S + L_GAN": _Row(1.0, (), 1.0, discriminator_depth=3),
    "L_S + L_L1": _Row(1.0, _L1),
    "L_S + L_L1 + L_GAN": _ADVERSARIAL,
}
_TABLE_4 = {
    "supervised": _SUPERVISED,
    **{
        f"discriminator depth {depth}": _ADVERSARIAL._replace(discriminator_depth=depth)
        for depth in (1, 2, 3, 4)
    },
}


def _table_5(students):
    methods = {
        "supervised": _SUPERVISED,
        "soft targets": _soft_target(5.0),
        "adversarial": _ADVERSARIAL,
    }
    return {
        f"WRN-{depth}-{width} {label}": row._replace(student=(depth, width))
        for depth, width in students
        for label, row in methods.items()
    }


_OF_THE_PAPER = ((10, 2), (10, 4), (10, 6), (10, 8), (10, 10), (16, 4), (22, 4), (28, 4), (34, 4))
_SMALL = tuple((depth, width // 2) for depth, width in _OF_THE_PAPER)
_TABLES = {
    **{f"paper/table2_{dataset}": _TABLE_2 for dataset in _DATASETS},
    **{f"paper/table3_{dataset}": _TABLE_3 for dataset in _DATASETS[:2]},
    "paper/table4_cifar100": _TABLE_4,
    "paper/table5_cifar100": _table_5(_OF_THE_PAPER),
    "two_cores/table2": _TABLE_2,
    "two_cores/table3": _TABLE_3,
    "two_cores/table4": _TABLE_4,
    "two_cores/table5": _table_5(_SMALL),
}
# The paper's test errors in percent, in the order of the rows; Table 2's begin with the teacher.
_ERRORS = {
    "paper/table2_cifar10": "4.19 7.46 7.27 7.30 7.02 6.94 6.09",
    "paper/table2_cifar100": "20.62 28.52 28.62 28.33 27.06 27.07 25.75",
    "paper/table2_imagenet32": "38.41 48.2 49.37 49.48 49.63 51.12 47.39",
    "paper/table3_cifar10": "7.46 14.82 6.56 6.44 6.09",
    "paper/table3_cifar100": "28.52 47.04 27.27 26.66 25.75",
    "paper/table4_cifar100": "26.13 25.88 25.75 27.42",
    "paper/table5_cifar100": (
        "20.62 33.22 32.74 32.10 28.52 27.16 25.75 27.27 25.39 24.39 26.23 24.31 23.38 26.04 "
        "23.49 23.02 24.73 22.90 22.73 23.61 22.02 21.66 23.20 21.61 21.00 23.22 21.20 20.73"
    ),
}

every_table = pytest.mark.parametrize("name", _TABLES)


@functools.cache
def _plan(name):
    words = ["compare", f"--flagfile={name}"]
    _, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    return config, comparison.plan(config)


def _lines(name):
    return (_FOLDER / f"{name}.flags").read_text().splitlines()


def test_every_table_has_its_preset_and_there_is_no_other():
    found = {
        path.relative_to(_FOLDER).with_suffix("").as_posix()
        for path in _FOLDER.rglob("*.flags")
        if path.read_text().startswith("# python main.py compare")
    }
    assert found == {"compare", "every_method", *_TABLES}


def _describe(config, student):
    section, size = config.distillation, (config.student.depth, config.student.width)
    return _Row(
        section.supervised_weight,
        section.weighted_losses,
        section.adversarial_weight,
        section.temperature if "soft_target" in dict(section.weighted_losses) else None,
        None if student is None else size,
        config.discriminator.depth if section.adversarial_weight else None,
    )


@every_table
def test_has_the_rows_of_its_table(name):
    _, planned = _plan(name)
    assert list(planned.methods) == list(_TABLES[name])
    for label, row in _TABLES[name].items():
        assert _describe(planned.methods[label], row.student) == row, label


@every_table
def test_every_row_with_a_teacher_has_its_control(name):
    _, planned = _plan(name)
    first = next(iter(_TABLES[name]))
    for label, config in planned.methods.items():
        control = re.sub(r" (soft targets|adversarial)$", " supervised", label)
        control = control if control != label else first
        expected = control if config.distillation.needs_teacher else None
        assert planned.find_control(label) == expected


@pytest.mark.parametrize("name", [name for name in _TABLES if name.startswith("paper/")])
def test_at_the_papers_size(name):
    config, planned = _plan(name)
    size = (22, 4) if "imagenet32" in name else (10, 4)
    assert (config.student.depth, config.student.width) == size
    assert (config.teacher.depth, config.teacher.width) == (40, 10)
    assert config.data.dataset == name.rpartition("_")[2]
    assert config.compare.seeds == (0, 1, 2, 3, 4)
    assert config.signal.source == "clean"
    for line in (line for line in _lines(name) if line.startswith("--method=")):
        label, preset = line.removeprefix("--method=").split(": ")
        words = ["distill", f"--flagfile={preset}"]
        _, row = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
        sections = ["data", "teacher", "student", "distillation", "training"]
        sections += ["discriminator"] if row.distillation.adversarial_weight else []
        for section in sections:
            assert getattr(planned.methods[label], section) == getattr(row, section), (
                label,
                section,
            )


@pytest.mark.parametrize("name", _ERRORS)
def test_tells_what_the_paper_reports(name):
    remarks = " ".join(line for line in _lines(name)[1:] if line.startswith("#"))
    assert "median of five runs" in remarks
    assert " ".join(re.findall(r"\b\d\d?\.\d\d?\b", remarks)) == _ERRORS[name]


@pytest.mark.parametrize("name", [name for name in _TABLES if name.startswith("two_cores/")])
def test_at_the_size_of_two_cores(name):
    config, _ = _plan(name)
    assert config.data.dataset == "cifar10"
    assert (config.student.depth, config.student.width) == (10, 2)
    assert (config.teacher.depth, config.teacher.width) == (16, 4)
    assert (config.training.epochs, config.training.precision) == (20, "mixed_bfloat16")
    assert config.signal.source == "views"
    assert config.compare.seeds == (0, 1, 2)
    own = ["--dataset=image_folder", "--data_directory=photos"]
    words = ["compare", f"--flagfile={name}", *own]
    _, config = flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert {row.data.dataset for row in comparison.plan(config).methods.values()} == {
        "image_folder"
    }


@pytest.mark.parametrize(("start", "end"), [("paper/", "_cifar100"), ("two_cores/", "")])
def test_tables_on_the_same_images_share_their_rows(start, end):
    tables = [
        {
            repr(runs.settings_with_effect(config, runs.OF_A_STUDENT))
            for config in _plan(name)[1].methods.values()
        }
        for name in _TABLES
        if name.startswith(start) and name.endswith(end)
    ]
    assert len(tables) == 4
    assert len(set.intersection(*tables)) == 2  # labels alone, and the paper's method


def _rows_to_build():
    """One row of each different student, and of each different objective."""
    found = {}
    for name in _TABLES:
        for label, config in _plan(name)[1].methods.items() if "two_cores" in name else ():
            found.setdefault((config.student, "student"), (name, label))
            found.setdefault((config.distillation, config.discriminator), (name, label))
    return sorted(set(found.values()))


@functools.cache
def _splits():
    random = np.random.default_rng(0)
    images = random.integers(256, size=(256, 32, 32, 3), dtype=np.uint8)
    split = Split.from_arrays(images, random.integers(10, size=256))
    nothing = split.select([])
    return Splits(
        name="cifar10",
        train=split,
        validation=nothing,
        test=nothing,
        class_names=tuple(map(str, range(10))),
        flip_keeps_label=True,
    )


@pytest.mark.parametrize(("name", "label"), _rows_to_build())
def test_the_parts_of_a_small_row_are_built(name, label):
    config, row = _plan(name)[1].methods[label], _TABLES[name][label]
    image = keras.Input(_splits().image_shape)
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    teacher = keras.Model(image, keras.layers.Dense(10)(pooled))
    student = assembly.build_network(config.student, _splits(), seed=0)
    assert student.output_shape == (None, 10)
    needed = teacher if config.distillation.needs_teacher else None
    distiller = distillers.build_distiller(config, _splits(), student, needed)
    values = {key: float(value) for key, value in distiller.hyperparameters.items()}
    expected = {"supervised": row.supervised_weight, **dict(row.losses)}
    if row.temperature:
        expected["soft_target.temperature"] = row.temperature
    if row.adversarial_weight:
        expected["adversarial"] = row.adversarial_weight
    assert values == pytest.approx(expected)
    assert (distiller.adversary is None) == (row.discriminator_depth is None)
    if distiller.adversary:
        layers = [layer.name for layer in distiller.adversary.discriminator.layers]
        blocks = [layer for layer in layers if re.fullmatch(r"block\d", layer)]
        assert len(blocks) == row.discriminator_depth
