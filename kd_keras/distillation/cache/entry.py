"""One entry on disk: its manifest, its ledger, and where its rows lie.

Rows follow each other by view, then by sample, then by image. A file, a shard, holds the rows of
consecutive whole views. The manifest never changes; the ledger says how many rows are complete,
and is replaced whole.
"""

import dataclasses
import datetime
import pathlib
import shlex

from kd_keras import files

__all__ = ["Entry", "Ledger", "Manifest", "damaged"]

_SHARD_BYTES = 512 * 10**6  # a shard holds as many whole views as fit, and one at least


def damaged(folder, reason):
    """The error for an entry that cannot be used.

    Args:
        folder: The entry's.
        reason: Sentences: what is wrong, what was expected, what came.

    Returns:
        A `ValueError` to raise, with the command after which it is built anew.
    """
    folder = pathlib.Path(folder)
    return ValueError(
        f"The teacher cache {folder} cannot be used. {reason} Remove it, and the next run builds "
        f"it anew: python main.py cache --cache_action=remove --cache_entry={folder.name} "
        f"--cache_directory={shlex.quote(str(folder.parent.parent))}"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an entry holds, whatever the number of its views.

    Attributes:
        identity: The `Request.identity` that it answers.
        images: Of the split.
        classes: Of the teacher.
        samples: Answers to each view.
        kept: What is kept of the logits, for people.
        record_bytes: Of one row.
        views_per_shard: Whole views in one file.
        batch_size: Images that the teacher is asked about at once.
        created: When, ISO 8601.
    """

    identity: dict
    images: int
    classes: int
    samples: int
    kept: str
    record_bytes: int
    views_per_shard: int
    batch_size: int
    created: str

    def __post_init__(self):
        numbers = (self.images, self.samples, self.record_bytes, self.views_per_shard)
        if min(*numbers, self.batch_size) < 1:
            raise ValueError("Expected numbers above 0.")

    @classmethod
    def of(cls, request):
        """The manifest of a new entry for a `Request`."""
        record_bytes = request.record.size_bytes
        view_bytes = len(request.split) * request.samples * record_bytes
        return cls(
            identity=request.identity,
            images=len(request.split),
            classes=request.num_classes,
            samples=request.samples,
            kept=request.record.words,
            record_bytes=record_bytes,
            views_per_shard=max(1, _SHARD_BYTES // view_bytes),
            batch_size=request.batch_size,
            created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ledger:
    """How far an entry is complete.

    Attributes:
        rows: How many are complete, from the first on.
        checksums: CRC-32 of the complete rows of each shard.
        seconds: That asking for these rows took.
    """

    rows: int = 0
    checksums: list = dataclasses.field(default_factory=list)
    seconds: float = 0.0

    def __post_init__(self):
        if self.rows < 0:
            raise ValueError("Expected 0 rows or more.")


def _read(kind, path):
    """Read a manifest or a ledger and see that it is one."""
    try:
        values = kind(**files.read_json(path))
    except (FileNotFoundError, TypeError, ValueError) as error:
        raise damaged(path.parent, f"Its {path.name} is missing or damaged. {error}") from None
    for field in dataclasses.fields(kind):
        value = getattr(values, field.name)
        if not isinstance(value, field.type):
            raise damaged(
                path.parent,
                f"Its {path.name} is damaged. Expected {field.type.__name__} for {field.name}. "
                f"Received: {value!r}.",
            )
    return values


class Entry:
    """A folder with the logits of one teacher for the views of one split.

    Args:
        folder: Where its manifest is.

    Attributes:
        folder: The folder.
        manifest: The `Manifest`.

    Raises:
        ValueError: If its manifest is missing or damaged.
    """

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.manifest = _read(Manifest, self.folder / "manifest.json")

    @classmethod
    def create(cls, folder, request):
        """Make the folder of a new entry without rows.

        Raises:
            OSError: If the folder cannot be written.
        """
        files.write_json(folder / "manifest.json", dataclasses.asdict(Manifest.of(request)))
        return cls(folder)

    @property
    def name(self):
        """The folder's name."""
        return self.folder.name

    @property
    def rows_per_view(self):
        """Rows of one view, those of all samples together."""
        return self.manifest.images * self.manifest.samples

    def read_ledger(self):
        """The `Ledger`; an empty one where nothing is complete yet.

        Raises:
            ValueError: If it is damaged.
        """
        path = self.folder / "ledger.json"
        return _read(Ledger, path) if path.exists() else Ledger()

    def write_ledger(self, ledger):
        """Replace the ledger."""
        files.write_json(self.folder / "ledger.json", dataclasses.asdict(ledger))

    def shard_path(self, shard):
        """The file of a shard, from 0."""
        return self.folder / f"views-{shard:04d}.bin"

    def shard_of_row(self, row):
        """The shard that holds a row, and the row's number in it."""
        return divmod(row, self.manifest.views_per_shard * self.rows_per_view)

    def rows_by_shard(self, rows):
        """How many of the first `rows` rows each shard holds."""
        size = self.manifest.views_per_shard * self.rows_per_view
        return [min(size, rows - start) for start in range(0, rows, size)]

    def count_views(self, ledger):
        """How many whole views are complete."""
        return ledger.rows // self.rows_per_view

    def require(self, request):
        """See that the entry answers a request.

        Raises:
            ValueError: If it was built from something else; the message names what differs.
        """
        there, here = self.manifest.identity, request.identity
        names = sorted(there.keys() | here.keys())
        differing = [name for name in names if there.get(name) != here.get(name)]
        expected = dataclasses.asdict(Manifest.of(request))
        for name in ("images", "classes", "samples", "record_bytes", "views_per_shard"):
            if getattr(self.manifest, name) != expected[name]:
                differing.append(f"manifest.{name}")
        if differing:
            raise damaged(
                self.folder,
                f"It was built from something else. Different: {', '.join(differing)}.",
            )
