"""What a search is to try, and where it lies; whether all of it is possible. Without TensorFlow."""

import dataclasses
import math
import pathlib

from kd_keras import models, registry, runs, search, training
from kd_keras.config import Compare, Search
from kd_keras.losses import games
from kd_keras.search import rungs, space

__all__ = ["DEFAULT_AXES", "Plan", "identity_of", "plan"]

DEFAULT_AXES = ("student.depth=10,16,22", "student.width=1,2,4")

_OF_A_NETWORK = ("network", "depth", "width", "dropout", "option")
# The fields that what is kept of the teacher depends on.
_HEARD = ("signal.", "data.", "training.epochs")
_MOST_CACHES = 20
# The datasets that come without a split of validation images.
_WITHOUT_VALIDATION = ("cifar10", "cifar100", "digits", "fashion_mnist", "imagenet32", "synthetic")


@dataclasses.dataclass(frozen=True)
class Plan:
    """A planned search.

    Attributes:
        name: Its folder's name.
        path: Its folder.
        config: The `Config` that all candidates share, without a run's name.
        section: What the search is told: the `config.Search`.
        axes: Its `search.Axis`es.
        num_candidates: How many there are; None where they cannot be counted.
    """

    name: str
    path: pathlib.Path
    config: object
    section: Search
    axes: tuple
    num_candidates: int | None

    @property
    def limits(self):
        """By quantity, what a student may cost at the most."""
        return self.config.budget.limits

    @property
    def goes_on(self):
        """Whether hyperband's longer trials go on where the shorter ones of the student ended.

        They do where the learning rate does not depend on how many epochs there are to be: then
        a longer run begins with the very steps of the shorter one.
        """
        recipe = self.config.training
        varied = {axis.field for axis in self.axes}
        if varied & {"training.schedule", "training.learning_rate_drops", "data.views"}:
            return False
        falls_by_share = recipe.schedule == "step" and not recipe.learning_rate_drops
        return recipe.schedule != "cosine" and not falls_by_share

    def make_config(self, name, values, epochs=None):
        """The `Config` of a trial, for the command `distill`.

        Args:
            name: The trial's.
            values: By field.
            epochs: Where the oracle says how many.

        Raises:
            ValueError: If there is no such candidate.
        """
        config = space.apply(self.config, values)
        run = dataclasses.replace(config.run, name=f"{self.name}/{name}")
        config = dataclasses.replace(config, run=run)
        if epochs is None:
            return config
        recipe = dataclasses.replace(config.training, epochs=epochs)
        return dataclasses.replace(config, training=recipe)

    def folder(self, name):
        """The `RunFolder` of a trial."""
        return training.RunFolder(self.path / name)

    def heard_configs(self):
        """The `Config`s of candidates that hear the teacher differently, as far as listed."""
        axes = [axis for axis in self.axes if axis.field.startswith(_HEARD) and axis.values]
        fields = {axis.field for axis in axes}
        alone = [axis for axis in axes if not axis.parent or axis.parent in fields]
        if (space.count(alone, _MOST_CACHES) or math.inf) > _MOST_CACHES:
            alone = []
        return [space.apply(self.config, values) for values in space.enumerate_all(alone)]


def plan(config):
    """Plan the search that a configuration asks for, and see that every candidate is possible.

    Args:
        config: The `Config`. Without axes they are `DEFAULT_AXES`.

    Returns:
        The `Plan`.

    Raises:
        ValueError: If an axis is not understood, a candidate is not possible, or the settings do
            not fit a search.
    """
    section = config.search
    axes = search.parse_all(section.axes or DEFAULT_AXES)
    _require_fit(config, axes)
    _require_validation(config.data)
    name = config.run.name or f"{config.data.dataset}-search"
    base = dataclasses.replace(
        config,
        compare=Compare(),
        search=Search(),
        run=dataclasses.replace(config.run, name=""),
    )
    for candidate in space.check(base, axes, seed=config.run.seed):
        _require_names(candidate)
    num_candidates = space.count(axes)
    if section.oracle == "hyperband":
        _require_rungs(section, config.training, num_candidates)
    path = pathlib.Path(config.run.output_directory) / name
    return Plan(name, path, base, section, axes, num_candidates)


def _require_names(config):
    """The tables have what a candidate names; their arguments are seen when it is built."""
    if not config.student.path:
        known = models.names(applications=True)
        if config.student.network not in known:
            raise registry.unknown_name("network", known, config.student.network)
    if config.discriminator.game not in games.names():
        raise registry.unknown_name("game", games.names(), config.discriminator.game)


def _require_fit(config, axes):
    fields = {axis.field for axis in axes}
    of_a_network = sorted(fields & {f"student.{name}" for name in _OF_A_NETWORK})
    if config.student.path and of_a_network:
        raise ValueError(
            f"{config.student.path} is a network of its own size, and the search varies "
            f"{', '.join(of_a_network)}. Leave out --student_path, or search other fields: "
            "--search_axis=training.learning_rate=0.01..0.3,log"
        )
    if config.search.oracle == "hyperband" and "training.epochs" in fields:
        raise ValueError(
            "hyperband chooses the epochs itself. Expected no axis training.epochs. Leave it out, "
            "or choose another --oracle."
        )


def _require_validation(section):
    """Refuse what is known, without reading images, to have none to choose a student by."""
    without = section.dataset in _WITHOUT_VALIDATION
    if section.dataset == "image_folder":
        root = pathlib.Path(section.data_directory).expanduser()
        without = (root / "train").is_dir() and not (root / "validation").is_dir()
    if without and not section.validation_fraction:
        raise ValueError(
            f"A search chooses by validation images, and {section.dataset} has none. Expected "
            "--validation_fraction above 0. Received: 0."
        )


def _require_rungs(section, recipe, num_candidates):
    """See that hyperband has trials for two rungs, and epochs enough in the first."""
    factor = section.hyperband_factor
    words = {"factor": factor, "most_rungs": rungs.count_rungs(recipe.epochs, factor)}
    possible, _ = rungs.fit(2 * factor, num_candidates, **words)
    num_rungs, _ = rungs.fit(section.trials, num_candidates, **words)
    if num_rungs == 1 < possible:
        first, _ = rungs.epochs_of_rungs(recipe.epochs, factor, 2)
        raise ValueError(
            f"hyperband has too few trials for a second rung: one student in {factor} goes on from "
            f"{first} epochs to {recipe.epochs}. Expected --trials of {factor + 1} or more. "
            f"Received: {section.trials}. Ask for more, or choose another --oracle."
        )
    first = rungs.epochs_of_rungs(recipe.epochs, factor, num_rungs)[0]
    if recipe.warmup_epochs > first:
        raise ValueError(
            f"hyperband's first rung has {first} epoch{'s' * (first > 1)}, and the learning rate "
            f"rises for {recipe.warmup_epochs}. Lower --warmup_epochs, or choose another --oracle."
        )


def identity_of(planned):
    """What makes a search this search, plain values by name: what may not change later.

    How many trials there are and how many run at once may.
    """
    settings = runs.settings_with_effect(planned.config, (*runs.OF_A_STUDENT, "teacher", "budget"))
    return {
        "command": "search",
        **settings,
        "search.axes": {axis.name: axis.text for axis in planned.axes},
        "search.oracle": planned.section.oracle,
        "search.hyperband_factor": planned.section.hyperband_factor,
        "search.latency_threads": planned.section.latency_threads,
    }
