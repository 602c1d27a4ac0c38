import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Small modules that speak on standard error as TensorFlow's libraries do: past Python.
SPEAKING = "import os\nos.write(2, b'{name} speaks\\n')\n"
TENSORFLOW = """
class config:
    def list_physical_devices():
        os.write(2, b'no device\\n')
"""


def run(folder, script):
    (folder / "keras.py").write_text(SPEAKING.format(name="keras"))
    (folder / "tensorflow.py").write_text(SPEAKING.format(name="tensorflow") + TENSORFLOW)
    path = f"import sys\nsys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n"
    return subprocess.run(
        [sys.executable, "-c", path + script], capture_output=True, text=True, check=False
    )


def test_what_the_libraries_say_on_loading_is_held_back(tmp_path):
    script = (
        "from kd_keras import startup\n"
        "print('before', file=sys.stderr)\n"
        "startup.start_tensorflow()\n"
        "assert {'keras', 'tensorflow'} <= set(sys.modules)\n"
        "print('after', file=sys.stderr)\n"
    )
    result = run(tmp_path, script)
    assert (result.returncode, result.stderr) == (0, "before\nafter\n")


def test_it_really_loads_what_was_to_be_loaded_on_first_use(tmp_path):
    script = (
        "import lazy_loader\n"
        "keras, tf = lazy_loader.load('keras'), lazy_loader.load('tensorflow')\n"
        "from kd_keras import startup\n"
        "startup.start_tensorflow()\n"
        "keras.os, tf.config\n"
    )
    result = run(tmp_path, script)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("module", ["keras", "tensorflow"])
def test_the_lines_are_shown_if_loading_fails(tmp_path, module):
    script = (
        f"import pathlib\npath = pathlib.Path({str(tmp_path / f'{module}.py')!r})\n"
        "path.write_text(path.read_text() + \"raise ImportError('a part is missing')\")\n"
        "from kd_keras import startup\n"
        "try:\n"
        "    startup.start_tensorflow()\n"
        "except ImportError as error:\n"
        "    print(error, file=sys.stderr)\n"
    )
    lines = run(tmp_path, script).stderr.split("\n")
    assert f"{module} speaks" in lines
    assert lines[-2:] == ["a part is missing", ""]


def test_tensorflow_itself_starts_in_silence():
    script = (
        "from kd_keras import startup\n"
        "startup.start_tensorflow()\n"
        "import keras, tensorflow as tf\n"
        "assert float(keras.ops.add(tf.ones([]), 1.0)) == 2.0\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
