"""Who is on the page: the contenders, their files, and what is missing of them."""

import dataclasses

__all__ = ["Cast"]


@dataclasses.dataclass(kw_only=True, eq=False)
class Cast:
    """The contenders of a page before any network has been run.

    Attributes:
        title: Of the page.
        contenders: `report.Contender`s by label, in the order of the tables.
        subject: Label of the one that the page is about, or "".
        control: Label of its control, or "".
        records: By label, the `Record` of the run that stands for a contender.
        models: By label, the file of its network.
        missing: Sentences about what is not there.
        comparison: `comparison.json`, or None.
    """

    title: str
    contenders: dict = dataclasses.field(default_factory=dict)
    subject: str = ""
    control: str = ""
    records: dict = dataclasses.field(default_factory=dict)
    models: dict = dataclasses.field(default_factory=dict)
    missing: list = dataclasses.field(default_factory=list)
    comparison: dict | None = None

    def add(self, contender, record=None, model_path=None):
        """Put a contender on the page.

        Args:
            contender: A `report.Contender`.
            record: The `Record` of the run that stands for it, or None.
            model_path: The file of its network, if that is not the record's.
        """
        self.contenders[contender.label] = contender
        if record is not None:
            self.records[contender.label] = record
            model_path = model_path or record.model_path
        if model_path is not None:
            self.models[contender.label] = model_path

    @property
    def teacher(self):
        """Label of the teacher, or ""."""
        return next((c.label for c in self.contenders.values() if c.role == "teacher"), "")

    @property
    def judged_labels(self):
        """Who is asked about the images: control, subject and teacher, each once."""
        labels = dict.fromkeys((self.control, self.subject, self.teacher))
        return [label for label in labels if label in self.models]

    def change(self, label, **values):
        """Give a contender other values."""
        self.contenders[label] = dataclasses.replace(self.contenders[label], **values)
