"""What a finished model says of pictures that nobody has labelled."""

import csv
import io
import pathlib

import lazy_loader

from kd_keras import data, export, files, report

# They take seconds to import, and --help must not wait for them.
np = lazy_loader.load("numpy")

__all__ = [
    "check_output",
    "find_pictures",
    "format_predictions",
    "predict_pictures",
    "write_predictions",
]

_BATCH_SIZE = 256


def find_pictures(entries):
    """The pictures that words on the command line stand for.

    Args:
        entries: Files, and folders whose pictures are meant, also those in folders below. What
            is hidden in a folder, its name beginning with a dot, is left out.

    Returns:
        Paths as text, those of a folder sorted by name.

    Raises:
        FileNotFoundError: If there is nothing at a path.
        ValueError: If nothing is given, or there are no pictures in a folder.
    """
    if not entries:
        raise ValueError(
            "No pictures to look at. Expected --images=FOLDER or --images=FILE,FILE. "
            "Received: none."
        )
    found = []
    for entry in map(pathlib.Path, entries):
        if entry.is_file():
            found.append(str(entry))
            continue
        if not entry.is_dir():
            raise FileNotFoundError(f"No picture and no folder at {entry}.")
        inside = sorted(path for path in entry.rglob("*") if _is_picture(path, entry))
        if not inside:
            raise ValueError(
                f"No pictures in {entry}. Expected files that end in "
                f"{', '.join(data.pictures.EXTENSIONS)}."
            )
        found += map(str, inside)
    return found


def _is_picture(path, folder):
    """Whether what was found below a folder is a picture file, and neither it nor a part hidden."""
    if any(part.startswith(".") for part in path.relative_to(folder).parts):
        return False
    return path.suffix.lower() in data.pictures.EXTENSIONS and path.is_file()


def predict_pictures(config, subject):
    """Classify pictures with a finished model.

    Args:
        config: The configuration: which pictures, how many classes of each, whether to scale.
        subject: The `subjects.Subject`.

    Returns:
        A list with a dictionary for each picture: its `file`, and `classes`, dictionaries of a
        `class` and its `probability`, the likeliest first.

    Raises:
        FileNotFoundError: If there is no such picture.
        ValueError: If the model or a picture cannot be read, or a picture has another size than
            the model takes and is not to be scaled.
    """
    paths = find_pictures(config.predict.images)
    predictor = export.load_predictor(subject.path)
    size = _image_size(predictor, config.data)
    names = _class_names(predictor, subject)
    predictions = []
    pieces = data.pictures.pieces(
        paths, np.zeros(len(paths), np.int32), size=size, resize=config.data.resize
    )
    for images, _ in pieces:
        logits = predictor.predict(_prepare(images, predictor), batch_size=_BATCH_SIZE)
        for row in _probabilities(logits):
            classes = np.argsort(-row, kind="stable")[: config.predict.top_k]
            predictions.append(
                {
                    "file": paths[len(predictions)],
                    "classes": [
                        {"class": names[index], "probability": float(row[index])}
                        for index in classes
                    ],
                }
            )
    return predictions


def _image_size(predictor, section):
    height, width, channels = predictor.input_shape
    if channels not in (1, 3):
        raise ValueError(
            f"Cannot give pictures to {predictor.path}. Expected a model of images with 1 or 3 "
            f"channels. Received: {channels} channels."
        )
    asked = section.image_size
    if asked and asked not in (height, None):
        raise ValueError(
            f"{predictor.path} takes images of {height} x {width} pixels. "
            f"Received: --image_size={asked}. Set --image_size={height}."
        )
    if not (asked or height):
        raise ValueError(
            f"{predictor.path} takes images of any size. Expected --image_size, the side in "
            "pixels that the pictures have. Received: 0."
        )
    return (height or asked, width or asked)


def _class_names(predictor, subject):
    names = predictor.class_names or tuple(subject.record.get("class_names", ()))
    if not names:
        return tuple(map(str, range(predictor.num_classes)))
    if len(names) != predictor.num_classes:
        raise ValueError(
            f"{predictor.path} has {predictor.num_classes} classes. Expected as many names. "
            f"Received: {len(names)} names."
        )
    return names


def _prepare(images, predictor):
    """From decoded pictures, which have three channels, to what the file takes."""
    if predictor.input_shape[2] == 1:
        # The luma of television, as every reader of grey pictures takes it.
        images = np.rint(images @ np.array([[0.299], [0.587], [0.114]])).astype(np.uint8)
    return export.standardize(images, predictor)


def _probabilities(logits):
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def format_predictions(predictions):
    """A table of predictions for the screen.

    Example:
        >>> print(format_predictions(
        ...     [{"file": "a.png", "classes": [{"class": "cat", "probability": 0.9}]}]))
        file   class  probability
        a.png  cat           0.90
    """
    rows = [
        {"file": prediction["file"] if rank == 0 else "", **entry}
        for prediction in predictions
        for rank, entry in enumerate(prediction["classes"])
    ]
    return report.format_table(rows)


def check_output(path):
    """Refuse a file to write to that is neither CSV nor JSON.

    Raises:
        ValueError: If the path has another suffix.
    """
    if pathlib.Path(path).suffix not in (".csv", ".json"):
        raise ValueError(
            "Invalid value for output. Expected a file that ends in .csv or .json. "
            f"Received: {path}."
        )


def write_predictions(predictions, path):
    """Write predictions as CSV or JSON, by the path's suffix, atomically.

    A line of the CSV is a picture: `file`, `class_1`, `probability_1`, `class_2` and so on.

    Raises:
        ValueError: If the path has another suffix.
    """
    check_output(path)
    path = pathlib.Path(path)
    if path.suffix == ".json":
        files.write_json(path, predictions)
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ranks = range(1, 1 + max((len(p["classes"]) for p in predictions), default=0))
    writer.writerow(["file", *(f"{what}_{r}" for r in ranks for what in ("class", "probability"))])
    for prediction in predictions:
        cells = [entry[key] for entry in prediction["classes"] for key in ("class", "probability")]
        writer.writerow([prediction["file"], *cells])
    with files.open_atomically(path) as file:
        file.write(text.getvalue())
