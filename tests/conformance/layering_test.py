"""Imports go one way: the table of levels, read from the source of every module."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

LEVELS = {
    "commands": 0,
    "durations": 0,
    "files": 0,
    "hosts": 0,
    "machine": 0,
    "mistakes": 0,
    "peers": 0,
    "processes": 0,
    "processor": 0,
    "registry": 0,
    "schedules": 0,
    "sizes": 0,
    "config": 0,
    "data": 1,
    "intervals": 1,
    "locking": 1,
    "losses": 1,
    "metrics": 1,
    "models": 1,
    "tasks": 1,
    "distillation": 2,
    "export": 2,
    "report": 2,
    "search": 2,
    "training": 2,
    "assembly": 3,
    "choosing": 3,
    "comparison": 3,
    "delivery": 3,
    "distillers": 3,
    "fitting": 3,
    "gathering": 3,
    "groundwork": 3,
    "joining": 3,
    "judging": 3,
    "learning": 3,
    "prediction": 3,
    "preflight": 3,
    "refining": 3,
    "runs": 3,
    "searching": 3,
    "signals": 3,
    "pipeline": 3,
    "startup": 3,
    "subjects": 3,
    "teamwork": 3,
    "flags": 3,
    "main": 4,
    "worker": 4,
}

# Within a level there is no import but these.
WITHIN_A_LEVEL = {
    ("config", "registry"),
    ("config", "schedules"),
    ("config", "sizes"),
    ("assembly", "runs"),
    ("choosing", "assembly"),
    ("choosing", "gathering"),
    ("choosing", "startup"),
    ("comparison", "groundwork"),
    ("comparison", "runs"),
    ("comparison", "preflight"),
    ("groundwork", "runs"),
    ("preflight", "assembly"),
    ("preflight", "distillers"),
    ("preflight", "joining"),
    ("preflight", "runs"),
    ("preflight", "signals"),
    ("preflight", "startup"),
    ("joining", "assembly"),
    ("joining", "distillers"),
    ("joining", "judging"),
    ("processes", "machine"),
    ("learning", "assembly"),
    ("learning", "distillers"),
    ("learning", "fitting"),
    ("learning", "joining"),
    ("learning", "judging"),
    ("learning", "refining"),
    ("learning", "runs"),
    ("learning", "signals"),
    ("learning", "subjects"),
    ("learning", "teamwork"),
    ("pipeline", "assembly"),
    ("delivery", "judging"),
    ("fitting", "assembly"),
    ("fitting", "runs"),
    ("pipeline", "choosing"),
    ("pipeline", "comparison"),
    ("pipeline", "delivery"),
    ("pipeline", "prediction"),
    ("pipeline", "searching"),
    ("refining", "distillers"),
    ("searching", "assembly"),
    ("searching", "preflight"),
    ("searching", "groundwork"),
    ("searching", "runs"),
    ("gathering", "assembly"),
    ("gathering", "judging"),
    ("gathering", "runs"),
    ("gathering", "subjects"),
    ("pipeline", "gathering"),
    ("pipeline", "judging"),
    ("pipeline", "learning"),
    ("pipeline", "runs"),
    ("pipeline", "signals"),
    ("pipeline", "startup"),
    ("pipeline", "subjects"),
    ("pipeline", "teamwork"),
    ("signals", "assembly"),
    ("signals", "distillers"),
    ("signals", "runs"),
    ("subjects", "runs"),
}

_ENTRY = re.compile(r"(kd_keras(?:\.\w+)+)(?::\w+)?")


def source_files():
    files = [*ROOT.glob("kd_keras/**/*.py"), *ROOT.glob("flags/**/*.py"), ROOT / "main.py"]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}


def imported_modules(source):
    """Dotted names: of import statements, and of the strings that name a module of the project."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _ENTRY.fullmatch(node.value)
            yield from [match[1]] if match else []


def unit(dotted):
    """The unit of the table that a dotted name belongs to, or None outside the project.

    The bare package, from which `__version__` may be taken, is no unit.
    """
    first, _, rest = dotted.partition(".")
    if first in ("flags", "main"):
        return first
    name = rest.partition(".")[0] if first == "kd_keras" else ""
    return None if name in ("", "__version__") else name


def unit_of_file(path):
    return unit(path.removesuffix(".py").replace("/", "."))


def allowed(importer, imported):
    if importer == imported or (importer, imported) in WITHIN_A_LEVEL:
        return True
    return LEVELS[imported] < LEVELS[importer]


def violations(path, source):
    importer = unit_of_file(path)
    if importer in (None, "__init__"):
        return
    for dotted in imported_modules(source):
        if dotted.startswith("."):
            yield f"{path} imports {dotted}, which is relative"
        imported = unit(dotted)
        if imported is not None and not allowed(importer, imported):
            yield f"{path} imports {dotted}"


def test_every_file_is_in_the_table():
    units = {unit_of_file(path) for path in source_files()} - {"__init__"}
    assert units == set(LEVELS)


def test_imports_go_down():
    files = source_files()
    assert len(files) > 50
    assert [line for path, source in files.items() for line in violations(path, source)] == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("kd_keras/losses/base.py", "from kd_keras import models"),
        ("kd_keras/losses/base.py", "import kd_keras.models.layers"),
        ("kd_keras/losses/base.py", "from kd_keras.models import layers"),
        ("kd_keras/losses/base.py", "from . import base"),
        ("kd_keras/losses/__init__.py", "TABLE = {'a': 'kd_keras.models.layers:linear'}"),
        ("kd_keras/training/loop.py", "def f():\n    from kd_keras import distillation"),
        ("kd_keras/registry.py", "from kd_keras import config"),
        ("kd_keras/assembly.py", "from kd_keras import pipeline"),
        ("kd_keras/pipeline.py", "import flags"),
        ("flags/data.py", "from kd_keras import pipeline"),
    ],
)
def test_an_import_that_goes_up_is_seen(path, source):
    assert len(list(violations(path, source))) == 1


def test_the_library_knows_nothing_of_the_command_line():
    for path, source in source_files().items():
        if path.startswith("kd_keras/"):
            roots = {dotted.partition(".")[0] for dotted in imported_modules(source)}
            assert not roots & {"absl", "flags", "main"}, path


def test_level_zero_needs_the_standard_library_alone():
    lowest = [(p, s) for p, s in source_files().items() if LEVELS.get(unit_of_file(p)) == 0]
    assert len(lowest) > 10
    for path, source in lowest:
        roots = {dotted.partition(".")[0] for dotted in imported_modules(source)}
        assert roots <= {*sys.stdlib_module_names, "kd_keras"}, path


def test_flags_take_from_the_tables_only_the_names():
    used = set()
    for path, source in source_files().items():
        if not path.startswith("flags/"):
            continue
        tables = {
            dotted.rpartition(".")[2]
            for dotted in imported_modules(source)
            if LEVELS.get(unit(dotted), 0) in (1, 2)
        }
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in tables:
                used.add((node.value.id, node.attr))
        for table in tables:
            assert (table, "names") in used, path
    assert used == {(table, "names") for table in ("data", "export", "games", "losses", "models")}


def package_names():
    files = [*sorted(ROOT.glob("kd_keras/**/__init__.py")), ROOT / "flags/__init__.py"]
    return [".".join(path.parent.relative_to(ROOT).parts) for path in files]


def test_importing_a_package_loads_neither_tensorflow_nor_keras():
    names = package_names()
    assert len(names) > 8
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "    loaded = {m.partition('.')[0] for m in sys.modules}\n"
        "    assert not loaded & {'tensorflow', 'keras'}, name\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
