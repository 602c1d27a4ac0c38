"""A run that is struck at any moment and started again ends as one that never was, to the bit.

The processes are real, and so are the signals. `kill_driver` says what a moment is.
"""

import random
import signal
import time

import keras
import pytest

from kd_keras import data
from tests.conformance import runs_compared
from tests.conformance.kill_matrix import EVERY_EPOCH, EVERY_STEP, MATRIX

SHAPE = data.load("synthetic").image_shape
KILLED = -signal.SIGKILL

# Nine steps an epoch, each saved, and two batches of validation; the student and the
# discriminator draw dropout, the images are cut and mirrored.
RECIPE = (
    "--dataset=synthetic",
    "--flip=yes",
    "--batch_size=24",
    "--epochs=3",
    "--learning_rate=0.05",
    "--precision=float32",
    "--deterministic",
    "--run_name=run",
)


def save_network(path, filters, *, seed):
    """A network with what a checkpoint must carry over, and a dropout without a seed."""
    keras.utils.set_random_seed(seed)
    image = keras.Input(SHAPE)
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(filters, 3, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dropout(0.3)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    keras.Model(image, keras.layers.Dense(4)(x)).save(path)


class Runs:
    """Runs of one command under one folder, and the one that was never struck."""

    def __init__(self, folder, *words):
        self._folder, self._words, self._count = folder, words, 0
        self._whole = None
        self.seconds = 0.0

    def words(self, name, *more):
        """The words of the command line for a run with an output directory of its own."""
        folders = (f"--{kind}_directory={self._folder / name}" for kind in ("output", "cache"))
        return [*self._words, *RECIPE, *folders, *more]

    def path(self, name):
        """The folder of that run."""
        return self._folder / name / "run"

    @property
    def whole(self):
        """What the run that was never struck left."""
        if self._whole is None:
            started = time.monotonic()
            status, _, err = runs_compared.run("none", self.words("whole", EVERY_EPOCH))
            self.seconds = time.monotonic() - started
            assert (status, err) == (0, "")
            self._whole = runs_compared.contents(self.path("whole"))
        return self._whole

    def live(self, moments, *more, name=None):
        """One process for every moment, then one to the end.

        Returns:
            The name of the run, and the exit status and the standard error of every process.
        """
        self._count += 1
        name = name or f"run{self._count}"
        lives = []
        for moment in [*moments, "none"]:
            status, _, err = runs_compared.run(moment, self.words(name, *more))
            lives.append((status, err))
        return name, lives

    def differences(self, name):
        """What the run left otherwise than the one that was never struck."""
        return runs_compared.differences(self.whole, runs_compared.contents(self.path(name)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The `Runs` of a command, the same for all tests."""
    folder = tmp_path_factory.mktemp("networks")
    save_network(folder / "teacher.keras", 6, seed=1)
    save_network(folder / "student.keras", 4, seed=2)
    teacher = f"--teacher_path={folder / 'teacher.keras'}"
    student = f"--student_path={folder / 'student.keras'}"
    return {
        "train_teacher": Runs(tmp_path_factory.mktemp("teacher"), "train_teacher", teacher),
        "distill": Runs(tmp_path_factory.mktemp("student"), "distill", teacher, student),
        "distill from views": Runs(
            tmp_path_factory.mktemp("views"),
            *("distill", teacher, student, "--teacher_signal=views", "--teacher_active_dropout"),
        ),
    }


@pytest.mark.slow
def test_a_run_that_was_killed_twice_ends_as_one_that_never_was(runs):
    """In a step, and while its figures are written; in one process it is in `loop_test`."""
    name, lives = runs["distill"].live(("kill@step:4", "kill@half:metrics.json:1"), EVERY_STEP)
    assert lives == [(KILLED, ""), (KILLED, ""), (0, "")]
    assert runs["distill"].differences(name) == []
    arrays, parts = runs_compared.count_compared(runs["distill"].whole)
    # Weights and momentum of two networks, statistics, generators, best, last and models.
    assert arrays > 60
    assert parts >= 10


@pytest.mark.slow
def test_a_run_that_was_struck_again_and_again_ends_as_one_that_never_was(runs):
    """In a step, while a state is written, by signals, by a full disk, at its end."""
    moments = (
        "kill@step:4",
        "interrupt@step:3",
        "fill@open:last.npz:2",
        "kill@half:metrics.json:1",
    )
    name, lives = runs["distill"].live(moments, EVERY_STEP)
    assert [status for status, _ in lives] == [KILLED, 130, 2, KILLED, 0]
    path = runs["distill"].path(name) / "checkpoints/last.npz"
    assert [err for _, err in lives] == [
        "",
        "\nStopped after step 6 of epoch 1. The same command goes on from there.\n",
        f"main.py: Cannot read or write {path}: File too large. What was complete is still "
        "there; the same command goes on where it was.\n",
        "",
        "",
    ]
    assert runs["distill"].differences(name) == []


STATUS = {"kill": KILLED, "interrupt": 130, "terminate": 143, "fill": 2}
SENTENCE = {
    "kill": "",
    "interrupt": "Stopped",
    "terminate": "Stopped after ",
    "fill": "main.py: Cannot read or write ",
}


def judge(runs, moments, lives, name):
    """What is wrong with a row, as short texts."""
    wrong = []
    for moment, (status, err) in zip(moments, lives, strict=False):
        action = moment.partition("@")[0]
        if status != STATUS[action]:
            wrong.append(f"{moment}: status {status}, {err.strip()[-200:]}")
        if not err.strip().startswith(SENTENCE[action]) or err.strip().count("\n"):
            wrong.append(f"{moment}: said {err.strip()[-200:]}")
    if lives[-1] != (0, ""):
        wrong.append(f"the last process: {lives[-1]}")
        return wrong
    return wrong + runs.differences(name)


def print_table(capsys, title, rows, whole):
    arrays, parts = runs_compared.count_compared(whole)
    lines = [f"\n{title}: {parts} parts with {arrays} arrays compared in every row"]
    lines += [f"  {'; '.join(wrong) or 'equal':7} {what}" for what, wrong in rows]
    with capsys.disabled():
        print("\n".join(lines), flush=True)


def sweep(capsys, runs, command, rows):
    """Run every row and print the table."""
    results = []
    for moments, minutes in rows:
        name, lives = runs[command].live(moments, minutes)
        wrong = judge(runs[command], moments, lives, name)
        results.append((f"{', '.join(moments)}  {minutes.removeprefix('--')}", wrong))
    print_table(capsys, command, results, runs[command].whole)
    assert [row for row in results if row[1]] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(MATRIX))
def test_the_matrix_of_moments(runs, capsys, command):
    assert len(MATRIX[command]) > 10
    sweep(capsys, runs, command, MATRIX[command])


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(MATRIX))
def test_random_moments(runs, capsys, command):
    """Killed from outside again and again, whatever the process is doing."""
    seed = random.SystemRandom().randrange(2**31)
    moments = random.Random(seed)
    assert runs[command].whole
    rows = []
    for trial in range(3):
        name, kills = f"random{trial}", []
        while not (runs[command].path(name) / "metrics.json").is_file() and len(kills) < 4:
            kills.append(moments.uniform(0.0, runs[command].seconds))
            runs_compared.kill_after(kills[-1], runs[command].words(name, EVERY_STEP))
        _, lives = runs[command].live([], EVERY_STEP, name=name)
        after = ", ".join(f"{seconds:.1f}" for seconds in kills)
        wrong = judge(runs[command], [], lives, name)
        rows.append((f"killed after {after} s of {runs[command].seconds:.1f} s", wrong))
    print_table(capsys, f"{command}, random moments, seed {seed}", rows, runs[command].whole)
    assert [row for row in rows if row[1]] == []
