"""What each command does, as one straight story per command.

The commands that train are in `learning`; how the parts of a story are built from the configuration
is in `assembly` and `distillers`; where runs live is in `runs`, which model is looked at in
`subjects`; how a trained network is judged is in `judging`; everything else is a library that knows
nothing of commands.
"""

import contextlib
import dataclasses
import typing

from kd_keras import (
    assembly,
    choosing,
    commands,
    comparison,
    delivery,
    files,
    gathering,
    judging,
    learning,
    models,
    prediction,
    runs,
    searching,
    signals,
    startup,
    subjects,
    teamwork,
)
from kd_keras import export as exporting
from kd_keras import report as reporting

__all__ = [
    "COMMANDS",
    "Command",
    "cache",
    "choose",
    "compare",
    "convert",
    "evaluate",
    "export",
    "predict",
    "quickstart",
    "report",
    "search",
]


def quickstart(config):
    """Train a teacher and the same student three ways, and export the adversarial student."""
    if config.run.name:
        raise ValueError(
            "quickstart makes several runs. Expected no --run_name. "
            f"Received: {config.run.name}. Set --output_directory instead."
        )
    config = _replace(config, "compare", methods=(), seeds=(config.run.seed,))
    planned = comparison.plan(config, suffix="quickstart")
    steps = len(planned.rows) + 2
    with comparison.claim(planned):
        if config.teacher.path:
            print(f"1/{steps}  The teacher has learned already.")
        else:
            print(f"1/{steps}  The teacher learns from the labels.")
            # One for all seeds, so that quickstarts with other seeds compare students alone.
            learning.train_teacher(_replace(config, "run", seed=0))
        teacher_path = comparison.find_teacher(planned)
        comparison.claim_teacher(planned, teacher_path)
        for number, row in enumerate(planned.rows, start=2):
            print(f"\n{number}/{steps}  The student learns: {row.label}.")
            learning.distill(row.config)
        print(f"\n{steps}/{steps}  The adversarial student becomes files.")
        adversarial = planned.rows[-1].folder.path
        status = export(_replace(config, "evaluation", run=str(adversarial)))
        print("\n" + comparison.write(planned, teacher_path, failures={}))
    return status


def cache(config):
    """Build, list, verify or remove the stored logits of teachers."""
    scope = contextlib.nullcontext()
    if signals.asks_teacher(config):
        config, strategy = learning.prepare(config)
        scope = strategy.scope()
    with scope:
        print(signals.ACTIONS[config.cache.action](config))
    return 0


def compare(config):
    """Train several students with several seeds on one teacher, and tell how sure a gain is."""
    planned = comparison.plan(config)
    comparison.require_possible(planned)
    with comparison.claim(planned):
        teacher_path = comparison.find_teacher(planned)
        comparison.claim_teacher(planned, teacher_path)
        planned = comparison.adopt_finished(planned)
        comparison.build_caches(planned)
        failures = comparison.run_rows(
            planned,
            jobs=config.processes.jobs,
            after_row=lambda so_far: comparison.write(planned, teacher_path, so_far),
        )
        print("\n" + comparison.write(planned, teacher_path, failures))
    print(f"written to {planned.path}")
    return 1 if failures else 0


def search(config):
    """Train students of many kinds, time their files, and tell which are beaten by none."""
    planned = searching.plan(config)
    with searching.claim(planned) as role:
        searching.start(planned)
        print(searching.describe_plan(planned))
        teacher_path = searching.prepare(planned, role)
        searching.run_trials(planned, teacher_path, role=role, jobs=config.processes.jobs)
        if role == "worker":
            return 0
        text, found = searching.finish(planned, teacher_path)
    print(f"\n{text}\nwritten to {planned.path}")
    return 0 if found else 1


def evaluate(config):
    """Run a finished model over a split, print its figures and write them beside it."""
    subject = subjects.find_subject(config)
    splits = assembly.load_splits(subject.config)
    figures = judging.evaluate_file(subject, splits, config.evaluation.split)
    target = subject.path.with_name(f"{subject.path.name}.{config.evaluation.split}.json")
    files.write_json(target, figures)
    print(f"written to {target}")
    return 0


def export(config):
    """Write the files of a student, run each over a split, and give a verdict."""
    subject = subjects.find_subject(config)
    splits = assembly.load_splits(subject.config)
    judging.choose_split(splits, config.evaluation.split)  # An empty one is told before the work.
    model = assembly.load_model(subject.path)
    directory = subject.path.parent / "exports"
    contents = delivery.gather_contents(config, subject, model, splits)
    contents["activation_ranges"] = exporting.read_ranges(subject.path)
    written = delivery.write_files(config.export, model, directory, contents)
    verdicts = delivery.judge(config, model, written, splits)
    files.write_json(directory / "verdicts.json", [v.to_dictionary() for v in verdicts])
    with files.open_atomically(directory / "MODEL_CARD.md") as file:
        file.write(delivery.describe(config, subject, splits, verdicts))
    delivery.print_verdicts(config, verdicts)
    print(f"written to {directory}")
    return 0 if all(verdict.passed for verdict in verdicts) else 1


def predict(config):
    """Name the likeliest classes of pictures with a finished model, in any form."""
    output = config.predict.output
    if output:
        prediction.check_output(output)
    predictions = prediction.predict_pictures(config, subjects.find_subject(config))
    if output:
        prediction.write_predictions(predictions, output)
        print(f"written to {output}")
    else:
        print(prediction.format_predictions(predictions))
    return 0


def choose(config):
    """Name the student to take under a budget: before any training, or after a search."""
    name_student = choosing.choose_untrained
    if config.evaluation.run:
        name_student = choosing.choose_trained
    text, fits = name_student(config)
    print(text)
    return 0 if fits else 1


def convert(config):
    """Make a teacher of a wide residual network of RepDistiller, a .pth file of PyTorch."""
    if not config.evaluation.model.endswith(".pth"):
        raise ValueError(
            "Nothing to convert. Expected --model=FILE.pth, a teacher of RepDistiller. "
            f"Received: {config.evaluation.model or 'none'}."
        )
    network = models.read_rep_distiller(config.evaluation.model)
    path = runs.converted_folder(config, network) / "teacher.keras"
    files.save_model(network, path)
    print(f"{network.name}, {network.output_shape[-1]} classes, written to {path}")
    learn = commands.format_command("distill", dataset="cifar100", teacher_path=path.parent)
    print(f"Learn from it: {learn}")
    return 0


def report(config):
    """Make a page of a run, a comparison or a search, for a browser and in Markdown."""
    content = gathering.gather(config)
    for sentence in content.missing:
        print(f"  missing: {sentence}")
    for path in reporting.write_page(content, config.evaluation.run):
        print(f"written to {path}")
    return 0


def _replace(config, section, **values):
    changed = dataclasses.replace(getattr(config, section), **values)
    return dataclasses.replace(config, **{section: changed})


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: what it runs, which sections of the configuration it reads, its preset.

    Attributes:
        function: From a `Config` to the exit status.
        sections: Names of sections of `Config`.
        preset: Name of the preset whose flags it starts from, or "".
        uses_tensorflow: Whether it computes in this process.
        several_hosts: Whether the hosts of TF_CONFIG run it together.
    """

    function: typing.Callable
    sections: tuple[str, ...]
    preset: str = ""
    uses_tensorflow: bool = True
    several_hosts: bool = False

    @property
    def summary(self):
        """The first line of the function's docstring."""
        return self.function.__doc__.splitlines()[0]

    def run(self, config):
        """Run it, TensorFlow started before; returns the exit status."""
        with teamwork.together(self.function.__name__, several=self.several_hosts):
            if self.uses_tensorflow:
                startup.start_tensorflow()
            return self.function(config)


_LEARN = ("run", "data", "teacher", "training")
_DISTILL = (*_LEARN, "student", "signal", "distillation", "discriminator")
_REFINE = ("run", "data", "teacher", "evaluation", "refinement")

COMMANDS = {
    "quickstart": Command(quickstart, (*_DISTILL, "export"), preset="quickstart"),
    "train_teacher": Command(learning.train_teacher, _LEARN, several_hosts=True),
    "distill": Command(learning.distill, _DISTILL, several_hosts=True),
    "compare": Command(
        compare, (*_DISTILL, "compare", "processes"), preset="compare", uses_tensorflow=False
    ),
    "prune": Command(learning.prune, (*_REFINE, "pruning", "budget")),
    "quantize": Command(learning.quantize, _REFINE),
    "search": Command(
        search,
        (*_DISTILL, "search", "budget", "processes"),
        preset="search",
        uses_tensorflow=False,
    ),
    "evaluate": Command(evaluate, ("run", "data", "teacher", "evaluation")),
    "export": Command(export, ("run", "data", "evaluation", "export")),
    "predict": Command(predict, ("run", "data", "evaluation", "predict")),
    "cache": Command(cache, (*_LEARN, "signal", "cache")),
    "choose": Command(
        choose, ("run", "data", "student", "evaluation", "budget", "choose"), uses_tensorflow=False
    ),
    "convert": Command(convert, ("run", "evaluation")),
    "report": Command(report, ("run", "data", "teacher", "evaluation", "report")),
}
