"""What a page is made of: plain data, gathered elsewhere.

Nothing here reads a file or runs a network.
"""

import dataclasses

import numpy as np

from kd_keras.report.tried import Searched

__all__ = ["Alternative", "Contender", "Content", "Judged", "Opinion", "Picture"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Contender:
    """A teacher, or one way to train a student, with its runs.

    Attributes:
        label: Its name on the page, which no other has.
        role: `"teacher"`, `"control"` (the student trained on labels alone) or `"student"`.
        network: Name of the network, such as `"wide_resnet-10-2"`.
        method: What it is trained on, in a word or several.
        recipe: Everything that it is trained by, whatever the network. Networks of one recipe are
            one line in the figure of sizes.
        histories: Of each run that has one: a tuple of epochs, each a dictionary of numbers.
        figures: `metrics.json` of its run; of several runs, of the one that stands for them; or
            None.
        errors_percent: The error of the kept network of each finished run, in percent.
        latency_milliseconds: Time for one image, or None.
        game: The adversarial game it was trained in, or "".
        label_weight: Factor of the label part in the discriminator's loss.
    """

    label: str
    role: str
    network: str
    method: str = ""
    recipe: str = ""
    histories: tuple = ()
    figures: dict | None = None
    errors_percent: tuple = ()
    latency_milliseconds: float | None = None
    game: str = ""
    label_weight: float = 1.0

    def size(self, name):
        """`"parameters"`, `"multiply_adds"` or `"size_bytes"`, or None where it is not known."""
        return (self.figures or {}).get(name)

    @property
    def discriminator_history(self):
        """The first history that tells of a discriminator, or an empty one."""
        return next((h for h in self.histories if h and "discriminator_loss" in h[0]), ())


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Opinion:
    """What one contender's network says of the judged images.

    Attributes:
        label: The contender's.
        logits: Shape (images, classes).
    """

    label: str
    logits: np.ndarray

    @property
    def predictions(self):
        """The class with the highest logit, shape (images,)."""
        return self.logits.argmax(axis=1)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """The images that networks were judged on, and what these said.

    Attributes:
        split: Name of the split.
        labels: Class indices, shape (images,).
        opinions: Of the control, the subject of the page and the teacher, those that there are.
    """

    split: str
    labels: np.ndarray
    opinions: tuple

    def opinion_of(self, label):
        """The `Opinion` of that label, or None."""
        return next((opinion for opinion in self.opinions if opinion.label == label), None)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A judged image: its index in the split and its pixels, uint8 (height, width, channels)."""

    index: int
    pixels: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Alternative:
    """An exported file among those of several runs.

    Attributes:
        run: Name of its run's folder, with those above it where another run's is called the same.
        kind: What its network is, such as `"distilled student"` or `"pruned network"`.
        file: Its name.
        error_percent: Of the file.
        size_bytes: Of the file.
        passed: Whether it passed its verification.
        median_milliseconds: Half of the calls with one image were quicker, in the quickest of
            some rounds.
        percentile95_milliseconds: 95 of 100 calls of all rounds were quicker.
        is_own: Whether it is of the run that the page is about.
    """

    run: str
    kind: str
    file: str
    error_percent: float
    size_bytes: int
    passed: bool
    median_milliseconds: float
    percentile95_milliseconds: float
    is_own: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """Everything that a page shows.

    Attributes:
        title: Of the page.
        kind: `"run"`, `"comparison"` or `"search"`.
        contenders: `Contender`s, in the order of the tables.
        subject: Label of the contender that the page is about; of a comparison, of the student
            with the lowest error.
        control: Label of the subject's control, or "".
        class_names: One per class.
        missing: Sentences about what is not there, and how to make it.
        comparison: `comparison.json` of a comparison, else None.
        search: `Searched` of a search, else None.
        judged: `Judged`, or None where no network could be run.
        class_index: Class of the histograms of logits.
        class_reason: Why it is that one: the end of a sentence.
        pictures: `Picture`s that teacher and student disagree on.
        timing: A sentence about how the latency was measured, or "".
        verdicts: Of exported files, as `verdicts.json` has them.
        card: What the exported files say of themselves: `"licence"`, and `"limits"`, sentences on
            what they are not for.
        alternatives: `Alternative`s, the fastest first, where other runs stand beside this one.
        commands: Pairs of what a command made and the command.
        identities: By label, what makes the contender's run this run: settings, named
            `"section.field"`, and fingerprints.
        versions: Of the libraries that trained the subject, by name.
    """

    title: str
    kind: str
    contenders: tuple
    subject: str
    control: str
    class_names: tuple
    missing: tuple = ()
    comparison: dict | None = None
    search: Searched | None = None
    judged: Judged | None = None
    class_index: int = 0
    class_reason: str = ""
    pictures: tuple = ()
    timing: str = ""
    verdicts: tuple = ()
    card: dict = dataclasses.field(default_factory=dict)
    alternatives: tuple = ()
    commands: tuple = ()
    identities: dict = dataclasses.field(default_factory=dict)
    versions: dict = dataclasses.field(default_factory=dict)

    def name(self, label):
        """What a contender is called within a sentence."""
        return label if self.comparison else f"the {label}"

    def contender(self, *, label=None, role=None):
        """The first contender of that label or of that role, or None."""
        return next((c for c in self.contenders if label == c.label or role == c.role), None)

    def opinion(self, *, label=None, role=None):
        """What the contender of that label or role says of the judged images, or None."""
        contender = self.contender(label=label, role=role)
        return self.judged and contender and self.judged.opinion_of(contender.label)
