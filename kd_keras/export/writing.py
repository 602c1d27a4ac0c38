"""Writing a finished network in several formats at once, all of them or none."""

import contextlib
import importlib.metadata
import json
import os
import pathlib
import shutil
import tempfile

import kd_keras
from kd_keras import export, registry
from kd_keras.export import files

__all__ = ["write"]

_PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "numpy")


def write(model, directory, formats=("saved_model", "tflite_float32"), *, left_out=None, **options):
    """Write a network in each of the formats, and a record `export.json` beside them.

    Everything is written under another name first and moved into place at the end, so that an
    error leaves the folder as it was. The files of an earlier export in the same folder are
    replaced, also those whose format is not asked for now: they would be of another model.

    Args:
        model: A functional `keras.Model` from images to logits or probabilities. Nothing but it
            and the options goes into the files.
        directory: The folder to write to; it is made if there is none.
        formats: Some of `kd_keras.export.names()`.
        left_out: A dictionary that receives why a format cannot hold this model, a sentence by
            the format's name; the others are written. None: that is an error.
        **options: Of `Contents`: `class_names`, `include_preprocessing`, `batch_size`,
            `representative_images`, `activation_ranges` and `metadata`.

    Returns:
        A dictionary from the format to its file or folder, a `pathlib.Path`.

    Raises:
        TypeError: If the model is not functional, or there is no such option.
        ValueError: If a format is not known, or cannot hold this model; with `left_out` if none
            can.

    Example:
        >>> import keras
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(image)))
        >>> paths = write(model, tempfile.mkdtemp())
        >>> {name: path.name for name, path in paths.items()}
        {'saved_model': 'saved_model', 'tflite_float32': 'tflite_float32.tflite'}
    """
    writers = {name: registry.locate("format", export.TABLE, name) for name in formats}
    options["class_names"] = tuple(options.get("class_names", ()))
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".writing-") as temporary:
        temporary = pathlib.Path(temporary)
        written = _write_each(model, temporary, writers, options, left_out)
        record_path = temporary / files.RECORD_NAME
        record = _record(written, export.Contents(**options), left_out)
        record_path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
        _move_into_place([*written.values(), record_path], directory)
    return {name: directory / path.name for name, path in written.items()}


def _write_each(model, directory, writers, options, left_out):
    written = {}
    for name, write_one in writers.items():
        try:
            written[name] = write_one(model, directory / name, **options)
        except ValueError as error:
            if left_out is None:
                raise
            left_out[name] = str(error)
    if not written and left_out:
        raise ValueError(next(iter(left_out.values())))
    return written


def _record(written, contents, left_out):
    return {
        "formats": {name: files.describe_file(path) for name, path in written.items()},
        **({"left_out": left_out} if left_out else {}),
        "class_names": list(contents.class_names),
        "include_preprocessing": contents.include_preprocessing,
        "metadata": contents.metadata,
        "versions": {"kd_keras": kd_keras.__version__} | dict(_versions()),
    }


def _versions():
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield package, importlib.metadata.version(package)


def _move_into_place(paths, directory):
    """Move new files in and those of an earlier export out, which goes with their folder."""
    replaced = paths[0].parent / "replaced"
    replaced.mkdir()
    names = {path.name for path in paths} | _earlier(directory)
    for name in sorted(names):
        if (directory / name).exists():
            os.replace(directory / name, replaced / name)
    try:
        for path in paths:
            os.replace(path, directory / path.name)
    except OSError:
        for path in replaced.iterdir():
            shutil.rmtree(directory / path.name, ignore_errors=True)
            os.replace(path, directory / path.name)
        raise


def _earlier(directory):
    """Names that the record of an earlier export lists; nothing outside the folder."""
    try:
        record = json.loads((directory / files.RECORD_NAME).read_text("utf-8"))
        names = {entry["file"] for entry in record["formats"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {name for name in names if name == pathlib.PurePath(name).name}
