"""Nothing is forgotten: every field has its flag, every table entry and module has its test."""

import ast
import dataclasses
import pathlib

import pytest

import flags
from kd_keras import config, data, export, learning, losses, models, pipeline, registry
from kd_keras.losses import games

ROOT = pathlib.Path(__file__).parents[2]

TABLES = {
    "dataset": data.TABLE,
    "discriminator": models.DISCRIMINATORS,
    "format": export.TABLE,
    "game": games.TABLE,
    "loss": losses.TABLE,
    "network": models.NETWORKS,
}
ENTRIES = [(kind, name) for kind, table in TABLES.items() for name in table]

# Modules without a test file of their own, and where they are tested.
TESTED_ELSEWHERE = {
    **{
        f"kd_keras/config/{module}.py": "tests/config/ranges_test.py"
        for module in (
            "checks",
            "choice",
            "comparison",
            "data",
            "distillation",
            "finished",
            "networks",
            "refinement",
            "run",
            "search",
            "signal",
            "training",
        )
    },
    "kd_keras/distillation/tracking.py": "tests/distillation/distiller_test.py",
    "kd_keras/gathering/cast.py": "tests/gathering/single_test.py",
    "kd_keras/groundwork.py": "tests/comparison/running_test.py",
    "kd_keras/learning.py": "tests/pipeline_test.py",
    "kd_keras/report/layout.py": "tests/report/page_test.py",
}

FIELDS = [
    (section.name, field.name)
    for section in dataclasses.fields(config.Config)
    for field in dataclasses.fields(section.type)
]


def flags_by_field():
    return {
        (section.name, flag.field): flag for section in flags.SECTIONS for flag in section.flags
    }


def default_of(section, field):
    return getattr(getattr(config.Config(), section), field)


def source_files():
    return sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("kd_keras/**/*.py"))


def source_modules():
    return [path for path in source_files() if not path.endswith("__init__.py")]


def test_files_of(module):
    """Those of `kd_keras/a/b.py`: `tests/a/b_test.py`, or some in the folder `tests/a/b`."""
    mirrored = ROOT / "tests" / pathlib.Path(module).relative_to("kd_keras").with_suffix("")
    beside = mirrored.with_name(f"{mirrored.name}_test.py")
    return [path for path in (beside, *mirrored.glob("*_test.py")) if path.is_file()]


# It is a helper, whatever its name looks like.
test_files_of.__test__ = False


def test_something_was_found():
    assert len(FIELDS) > 70
    assert len(ENTRIES) > 10
    assert len(source_modules()) > 40


def test_every_section_of_the_configuration_has_its_flags():
    assert [section.name for section in flags.SECTIONS] == [
        field.name for field in dataclasses.fields(config.Config)
    ]
    for section, field in zip(flags.SECTIONS, dataclasses.fields(config.Config), strict=True):
        assert section.dataclass is field.type


def test_every_field_has_exactly_one_flag():
    found = [(section.name, flag.field) for section in flags.SECTIONS for flag in section.flags]
    assert sorted(found) == sorted(FIELDS)


def test_no_two_fields_share_a_flag():
    names = [flag.name for flag in flags_by_field().values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("section", "field"), FIELDS)
def test_a_flag_has_the_default_of_its_field(section, field):
    assert flags_by_field()[section, field].default == default_of(section, field)


@pytest.mark.parametrize("command", pipeline.COMMANDS)
def test_without_flags_a_command_has_the_default_configuration(command):
    name, parsed = flags.parse([command], sections=flags.SECTIONS, commands=pipeline.COMMANDS)
    assert name == command
    if not pipeline.COMMANDS[command].preset:
        assert parsed == config.Config()


def test_every_section_is_read_by_some_command():
    read = {name for command in pipeline.COMMANDS.values() for name in command.sections}
    assert read == {section.name for section in flags.SECTIONS}


def test_every_command_says_what_it_does():
    for name, command in pipeline.COMMANDS.items():
        assert command.summary.endswith("."), name
        module = learning if hasattr(learning, name) else pipeline
        assert command.function is getattr(module, name)


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_a_table_entry_resolves_and_its_module_has_a_test(kind, name):
    target = TABLES[kind][name]
    assert callable(registry.locate(kind, TABLES[kind], name))
    module = target.partition(":")[0].replace(".", "/") + ".py"
    assert test_files_of(module), f"no test of {module}"


@pytest.mark.parametrize("module", source_modules())
def test_a_module_has_a_test(module):
    if module in TESTED_ELSEWHERE:
        assert not test_files_of(module)
        assert (ROOT / TESTED_ELSEWHERE[module]).is_file()
    else:
        assert test_files_of(module), f"no test of {module}"


def test_what_is_listed_as_tested_elsewhere_exists():
    assert set(TESTED_ELSEWHERE) <= set(source_modules())


def is_private(method):
    """Whether it is named so, or the setter of a property, whose getter has the words."""
    setter = any(getattr(entry, "attr", "") == "setter" for entry in method.decorator_list)
    return setter or method.name.startswith("_")


def documented_names(tree):
    """The public classes and functions of a module, and the classes' public methods."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        yield node.name, node
        for member in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(member, ast.FunctionDef) and not is_private(member):
                yield f"{node.name}.{member.name}", member


@pytest.mark.parametrize("module", source_files())
def test_public_names_have_a_docstring(module):
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), module
    for name, node in documented_names(tree):
        assert ast.get_docstring(node), f"{module} {name}"


@pytest.mark.parametrize("module", source_modules())
def test_all_lists_what_is_there(module):
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assigned = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    ]
    assert len(assigned) == 1
    names = [element.value for element in assigned[0].elts]
    assert names
    assert len(set(names)) == len(names)
    defined = {
        node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)
    } | {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert set(names) <= defined
