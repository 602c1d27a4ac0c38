"""Every preset is the row of the table that its name says, and leaves nothing to the defaults.

The tables are those of the paper, and of RepDistiller as far as there are presets for it.
"""

import pathlib
import typing

import pytest

import flags
from kd_keras import pipeline
from kd_keras.config import Student, Teacher

_FOLDER = pathlib.Path(flags.__file__).parent / "presets"
# Comparisons are made of these rows; they are tested in `comparisons_test`. A search has no rows.
_NAMES = sorted(
    path.relative_to(_FOLDER).with_suffix("").as_posix()
    for path in _FOLDER.rglob("*.flags")
    if not path.read_text().startswith(("# python main.py compare", "# python main.py search"))
)
_DATASETS = ("cifar10", "cifar100", "imagenet32")


class _Objective(typing.NamedTuple):
    supervised_weight: float
    losses: tuple = ()
    adversarial_weight: float = 0.0
    temperature: float | None = None


class _Row(typing.NamedTuple):
    result: str  # how the line of the expected result begins
    dataset: str
    objective: _Objective | None  # None: the teacher's row
    student: tuple = (10, 4)
    discriminator_depth: int = 3


def _soft_target(temperature, supervised_weight=0.5, weight=1.0):
    return _Objective(supervised_weight, (("soft_target", weight),), 0.0, temperature)


_L1 = (("logit_l1", 1.0),)
_SUPERVISED = _Objective(1.0)
_ADVERSARIAL = _Objective(1.0, _L1, 1.0)

# The paper's test errors in percent: of Tables 2 and 3 by row, on CIFAR-10, CIFAR-100 and, in
# Table 2, ImageNet32; of Table 4 by the discriminator's depth; of Table 5 by the student's depth
# and width, in the order of _METHODS.
_TABLE_2 = {
    "teacher": ("4.19 20.62 38.41", None),
    "supervised": ("7.46 28.52 48.2", _SUPERVISED),
    "soft_target_t1": ("7.27 28.62 49.37", _soft_target(1.0)),
    "soft_target_t2": ("7.30 28.33 49.48", _soft_target(2.0)),
    "soft_target_t5": ("7.02 27.06 49.63", _soft_target(5.0)),
    "soft_target_t10": ("6.94 27.07 51.12", _soft_target(10.0)),
    "adversarial": ("6.09 25.75 47.39", _ADVERSARIAL),
}
_TABLE_3 = {
    "supervised": ("7.46 28.52", _SUPERVISED),
    "adversarial_alone": ("14.82 47.04", _Objective(0.0, (), 1.0)),
    "supervised_adversarial": ("6.56 27.27", _Objective(1.0, (), 1.0)),
    "supervised_logit_l1": ("6.44 26.66", _Objective(1.0, _L1)),
    "all": ("6.09 25.75", _ADVERSARIAL),
}
_TABLE_4 = {1: "26.13", 2: "25.88", 3: "25.75", 4: "27.42"}
_TABLE_5 = {
    (10, 2): "33.22 32.74 32.10",
    (10, 4): "28.52 27.16 25.75",
    (10, 6): "27.27 25.39 24.39",
    (10, 8): "26.23 24.31 23.38",
    (10, 10): "26.04 23.49 23.02",
    (16, 4): "24.73 22.90 22.73",
    (22, 4): "23.61 22.02 21.66",
    (28, 4): "23.20 21.61 21.00",
    (34, 4): "23.22 21.20 20.73",
}
_METHODS = {
    "supervised": _SUPERVISED,
    "soft_target": _soft_target(5.0),
    "adversarial": _ADVERSARIAL,
}
# RepDistiller's test accuracies in percent, or what stands there where it has no row.
_CRD = {
    "40-2_teacher": ("75.61 % test accuracy", None),
    "16-2_supervised": ("73.26 % test accuracy", _SUPERVISED),
    "16-2_soft_target": ("74.92 % test accuracy", _soft_target(4.0, 0.1, 0.9)),
    "16-2_adversarial": ("no row for this method", _ADVERSARIAL),
    "40-1_supervised": ("71.98 % test accuracy", _SUPERVISED),
    "40-1_soft_target": ("73.54 % test accuracy", _soft_target(4.0, 0.1, 0.9)),
    "40-1_adversarial": ("no row for this method", _ADVERSARIAL),
}
_TWO_CORES = {"teacher": None, **_METHODS, "soft_target": _soft_target(4.0)}


def _paper_rows():
    for number, table in ((2, _TABLE_2), (3, _TABLE_3)):
        for row, (errors, objective) in table.items():
            for dataset, error in zip(_DATASETS, errors.split(), strict=False):
                student = (22, 4) if dataset == "imagenet32" else (10, 4)
                result = f"# paper: {error} % test error (Table {number}, "
                name = f"paper/table{number}_{dataset}_{row}"
                yield name, _Row(result, dataset, objective, student)
    for depth, error in _TABLE_4.items():
        result = f"# paper: {error} % test error (Table 4, "
        row = _Row(result, "cifar100", _ADVERSARIAL, discriminator_depth=depth)
        yield f"paper/table4_cifar100_discriminator_depth_{depth}", row
    result = "# paper: 20.62 % test error (Table 5, "
    yield "paper/table5_wide_resnet-40-10_teacher", _Row(result, "cifar100", None)
    for student, errors in _TABLE_5.items():
        for (method, objective), error in zip(_METHODS.items(), errors.split(), strict=True):
            result = f"# paper: {error} % test error (Table 5, "
            name = "paper/table5_wide_resnet-{}-{}_{}".format(*student, method)
            yield name, _Row(result, "cifar100", objective, student)


def _other_rows():
    for row, (result, objective) in _CRD.items():
        student = tuple(map(int, row.partition("_")[0].split("-")))
        source = f"# RepDistiller: {result}"
        yield f"crd/wide_resnet-{row}", _Row(source, "cifar100", objective, student)
    for row, objective in _TWO_CORES.items():
        yield f"two_cores/{row}", _Row("# measured: ", "image_folder", objective, (10, 2))


_ROWS = dict(_paper_rows()) | dict(_other_rows())

# By folder: the teacher, its and the student's dropout, the teacher's signal, the part held out.
_NETWORKS_AND_IMAGES = {
    "paper": ((40, 10), 0.3, "clean", 0.02),
    "crd": ((40, 2), 0.0, "live", 0.0),
    "two_cores": ((16, 4), 0.0, "views", 0.1),
}
# What must be written out, whatever the defaults are.
_IMAGES = "dataset validation_fraction split_seed max_train_examples crop_padding padding flip"
_RECIPE = (
    "epochs batch_size learning_rate schedule warmup_epochs momentum nesterov weight_decay "
    "clip_norm average_decay precision"
)
_DISCRIMINATOR = (
    "game discriminator_depth discriminator_count_output_layer discriminator_dropout "
    "discriminator_head discriminator_real_fake_output discriminator_condition "
    "discriminator_batch_statistics discriminator_frozen_in_student_update "
    "discriminator_label_weight discriminator_learning_rate discriminator_momentum "
    "discriminator_nesterov discriminator_weight_decay"
)

every_row = pytest.mark.parametrize("name", list(_ROWS))


def _lines(name):
    return (_FOLDER / f"{name}.flags").read_text().splitlines()


def _read(name):
    words = ["distill", f"--flagfile={name}"]
    return flags.parse(words, sections=flags.SECTIONS, commands=pipeline.COMMANDS)[1]


def test_every_row_has_its_preset_and_there_is_no_other():
    assert len(_NAMES) == 1 + 21 + 10 + 4 + 28 + 7 + 4
    assert set(_NAMES) == {"quickstart", *_ROWS}


@every_row
def test_names_the_source_of_the_expected_result(name):
    lines, result = _lines(name), _ROWS[name].result
    assert any(line.startswith(result) for line in lines)
    for other in {"# paper: ", "# RepDistiller: "} - {f"{result.partition(':')[0]}: "}:
        assert not any(line.startswith(other) for line in lines)


def _expected_flags(row, schedule):
    yield from f"{_IMAGES} {_RECIPE}".split()
    if row.dataset == "image_folder":
        yield from ("image_size", "resize")
    if schedule == "step":
        yield from ("learning_rate_drops", "learning_rate_drop_factor")
    for role in ("teacher", "student") if row.objective else ("teacher",):
        yield from (role, f"{role}_depth", f"{role}_width", f"{role}_dropout")
    if row.objective is None:
        return
    yield from ("supervised_weight", "loss", "adversarial_weight")
    names = dict(row.objective.losses)
    if names or row.objective.adversarial_weight:
        yield "teacher_signal"
    if "soft_target" in names:
        yield "temperature"
    if "logit_l1" in names:
        yield "reduction"
    if row.objective.adversarial_weight:
        yield from _DISCRIMINATOR.split()


@every_row
def test_writes_out_what_the_experiment_is_about_and_once(name):
    written = [line[2:].partition("=")[0] for line in _lines(name) if line.startswith("--")]
    expected = _expected_flags(_ROWS[name], _read(name).training.schedule)
    assert sorted(written) == sorted(expected)


@every_row
def test_is_the_row_of_its_table(name):
    config, row = _read(name), _ROWS[name]
    teacher, dropout, signal, validation_fraction = _NETWORKS_AND_IMAGES[name.partition("/")[0]]
    images = config.data
    assert (images.dataset, images.validation_fraction) == (row.dataset, validation_fraction)
    assert (images.crop_padding, images.padding, images.flip) == (4, "zero", "yes")
    depth, width = teacher
    assert config.teacher == Teacher(depth=depth, width=width, dropout=dropout)
    if row.objective is None:
        return
    depth, width = row.student
    assert config.student == Student(depth=depth, width=width, dropout=dropout)
    section = config.distillation
    temperature = section.temperature if row.objective.temperature else None
    assert row.objective == (
        section.supervised_weight,
        section.weighted_losses,
        section.adversarial_weight,
        temperature,
    )
    if row.objective.losses == _L1:
        assert section.reduction == "sum"
    if section.needs_teacher:
        assert config.signal.source == signal
    if row.objective.adversarial_weight:
        assert config.discriminator.depth == row.discriminator_depth
