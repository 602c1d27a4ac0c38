"""What a file of a finished model is, how large it is, and the record that lies beside it."""

import hashlib
import json
import pathlib

__all__ = [
    "RECORD_NAME",
    "damaged",
    "describe_file",
    "kind_of",
    "read_record",
    "require_unchanged",
    "size_in_bytes",
]

RECORD_NAME = "export.json"

_KINDS = {".keras": "keras", ".onnx": "onnx", ".tflite": "tflite"}
_EXPECTED = "a .keras file, a SavedModel folder, a .tflite file or an .onnx file"


def kind_of(path):
    """Tell the kinds of file apart: by the suffix, and a SavedModel by being a folder.

    Args:
        path: Of the file or folder.

    Returns:
        `"keras"`, `"onnx"`, `"saved_model"` or `"tflite"`.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If it is none of them.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No model at {path}. Expected {_EXPECTED}.")
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return "saved_model"
        found = sorted(entry.name for entry in path.iterdir())[:5]
        raise ValueError(
            f"No SavedModel in the folder {path}. Expected a file saved_model.pb. "
            f"Received: {', '.join(found) or 'an empty folder'}."
        )
    if path.suffix not in _KINDS:
        raise ValueError(
            f"Unknown kind of model at {path}. Expected {_EXPECTED}. "
            f"Received: {path.suffix or 'no'} suffix."
        )
    return _KINDS[path.suffix]


def size_in_bytes(path):
    """Size of a file, or of all files in a folder.

    Args:
        path: Of the file or folder.

    Returns:
        Bytes.
    """
    path = pathlib.Path(path)
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def describe_file(path):
    """What the record says of a file.

    Args:
        path: Of the file or folder.

    Returns:
        A dictionary of its name, its size, and of a file its SHA-256.
    """
    described = {"file": path.name, "size_bytes": size_in_bytes(path)}
    return described | ({"sha256": _digest(path)} if path.is_file() else {})


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_unchanged(path):
    """Refuse a file that is not the one that `export.json` beside it was written with.

    TensorFlow Lite runs a file with other weights in it without a word. A SavedModel has checksums
    of its own.

    Args:
        path: Of the file or folder.

    Raises:
        ValueError: If it has changed, or the record cannot be read.
    """
    path = pathlib.Path(path)
    entries = read_record(path).get("formats", {}).values() if path.is_file() else ()
    digest = next((one.get("sha256") for one in entries if one["file"] == path.name), None)
    if digest and digest != _digest(path):
        raise damaged(path, f"It has changed since it was written, by its SHA-256 in {RECORD_NAME}")


def damaged(path, error):
    """The error for a file that cannot be read.

    Args:
        path: Of the file or folder.
        error: What went wrong: an exception or a sentence.

    Returns:
        A `ValueError` to raise.
    """
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return ValueError(f"Cannot read the model at {path}. {reason}. Write the file again.")


def read_record(path):
    """What `export.write` noted about a file of its own.

    Args:
        path: Of the file or folder.

    Returns:
        The dictionary from `export.json` beside it, or an empty one where it is not listed.

    Raises:
        ValueError: If the record cannot be read.
    """
    path = pathlib.Path(path)
    record_path = path.parent / RECORD_NAME
    if not record_path.is_file():
        return {}
    try:
        record = json.loads(record_path.read_text("utf-8"))
        files = [entry["file"] for entry in record["formats"].values()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(record_path, error) from error
    return record if path.name in files else {}
