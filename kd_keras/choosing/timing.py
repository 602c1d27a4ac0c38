"""How long students take on this machine: measured untrained, side by side, and kept in a file.

Weights make a network neither slower nor quicker, so that it need not be trained to be timed.
"""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import math
import pathlib
import tempfile

from kd_keras import assembly, export, files, machine, processor, startup

__all__ = ["Entry", "Table", "open_table"]

_FORMAT = "tflite_float32"
_FORMAT_VERSION = 1
_RUNTIMES = ("ai-edge-litert", "tensorflow")  # the first that is installed runs the files
_ROUNDS = 7
_REPEATS = 20  # calls of each file in a round


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """An untrained student that has been measured.

    Attributes:
        label: Its network and size, as `config.Student.label`.
        depth, width: Its size.
        parameters: Learned numbers.
        multiply_adds: For one image.
        size_bytes: Of its TensorFlow Lite file.
        latency: As in a `search.Trial`, and the `round_medians_milliseconds`.
        peak_memory_bytes: Of running the file, or None where it was not asked for.
        measured: When; the same for all that were measured side by side.
    """

    label: str
    depth: int
    width: int
    parameters: int
    multiply_adds: int
    size_bytes: int
    latency: dict
    peak_memory_bytes: int | None
    measured: str

    def quantity(self, name):
        """What it costs: one of `search.QUANTITIES`."""
        if name == "latency_milliseconds":
            return self.latency["median_milliseconds"]
        return getattr(self, name)


@dataclasses.dataclass(frozen=True)
class Table:
    """The file of what has been measured for one kind of images, on one machine.

    Attributes:
        path: The file.
        images: The `images.Images`.
        conditions: What the times hold for: processor, cores, runtime, threads, image shape.
    """

    path: pathlib.Path
    images: object
    conditions: dict

    def obtain(self, students, *, memory=False, again=False):
        """The figures of students, from the file where it has them all from one measurement.

        Otherwise all are exported and timed side by side, which takes some seconds for each, and
        kept.

        Args:
            students: `config.Student`s.
            memory: Whether their peak memory is asked for, too.
            again: Whether to measure whatever is in the file.

        Returns:
            A list of `Entry`, in the order of the students.

        Raises:
            ValueError: If a student cannot be built or exported, the file is damaged, or the
                operating system does not tell a process's memory.
        """
        known = {} if again else self._read()
        found = [known.get(student.label) for student in students]
        if _are_complete(found, memory):
            return found
        startup.start_tensorflow()
        with tempfile.TemporaryDirectory() as folder:
            measured = self._measure(students, pathlib.Path(folder), memory)
        known |= {entry.label: entry for entry in measured}
        content = {
            "format_version": _FORMAT_VERSION,
            "conditions": self.conditions,
            "entries": [dataclasses.asdict(entry) for entry in known.values()],
        }
        files.write_json(self.path, content)
        return measured

    def _measure(self, students, folder, memory):
        print(f"  {len(students)} untrained students are timed side by side:", flush=True)
        paths, parameters = {}, {}
        for student in students:
            print(f"    {student.label}", flush=True)
            model = assembly.build_network(student, self.images, seed=0)
            parameters[student.label] = sum(math.prod(w.shape) for w in model.trainable_weights)
            paths[student.label] = export.write(model, folder / student.label, [_FORMAT])[_FORMAT]
        timings = export.measure_in_turn(
            paths.values(), num_threads=self._threads, rounds=_ROUNDS, repeats=_REPEATS
        )
        now = datetime.datetime.now().isoformat(sep=" ", timespec="seconds")
        return [
            Entry(
                label=student.label,
                depth=student.depth,
                width=student.width,
                parameters=parameters[student.label],
                latency=_describe(timings[paths[student.label]]),
                measured=now,
                **self._weigh(paths[student.label], memory),
            )
            for student in students
        ]

    def _weigh(self, path, memory):
        size = export.measure_complexity(path)
        peak = export.measure_peak_memory(path, num_threads=self._threads) if memory else None
        if memory and peak is None:
            raise ValueError(
                "The peak memory of a student cannot be measured: this operating system does not "
                "tell it. Leave --max_peak_memory_megabytes out."
            )
        return {
            "multiply_adds": size.multiply_adds,
            "size_bytes": size.size_bytes,
            "peak_memory_bytes": peak,
        }

    @property
    def _threads(self):
        return self.conditions["threads"]

    def _read(self):
        if not self.path.is_file():
            return {}
        advice = "Set --measure_again."
        content = files.read_json(self.path, advice)
        try:
            if content["format_version"] != _FORMAT_VERSION:
                return {}  # of another version of this program; measured anew
            return {entry["label"]: Entry(**entry) for entry in content["entries"]}
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"Damaged file {self.path}. Expected the times of students. Received: one "
                f"without {error}. {advice}"
            ) from None


def open_table(directory, images, *, threads=1):
    """The table for some images, this machine and a number of threads.

    Args:
        directory: The folder of all tables.
        images: The `images.Images`.
        threads: Of the runtime.

    Returns:
        The `Table`; its file need not exist.
    """
    conditions = {
        "processor": processor.name(),
        "cores": machine.count_processors(),
        "runtime": _name_runtime(),
        "format": _FORMAT,
        "threads": threads,
        "image_shape": list(images.image_shape),
        "num_classes": images.num_classes,
    }
    digest = hashlib.sha256(json.dumps(conditions, sort_keys=True).encode()).hexdigest()
    return Table(pathlib.Path(directory) / f"{digest[:16]}.json", images, conditions)


def _are_complete(entries, memory):
    if None in entries or len({entry.measured for entry in entries}) > 1:
        return False
    return not memory or all(entry.peak_memory_bytes is not None for entry in entries)


def _name_runtime():
    for package in _RUNTIMES:
        try:
            return f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return "unknown"


def _describe(timing):
    return {
        "format": _FORMAT,
        "threads": timing.num_threads,
        "batch": 1,
        "median_milliseconds": timing.median_milliseconds,
        "p95_milliseconds": timing.percentile95_milliseconds,
        "upper_milliseconds": timing.upper_milliseconds,
        "runs": timing.runs,
        "round_medians_milliseconds": list(timing.round_medians_milliseconds),
    }
