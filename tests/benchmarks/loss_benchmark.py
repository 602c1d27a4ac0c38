"""What each term of the objective costs: `python -m tests.benchmarks.loss_benchmark`.

The losses on logits, and the discriminator, from a teacher's stored logits; the losses on inner
layers with a teacher that is asked in every step, whose own cost is in the line `soft_target,
teacher asked`. Everything is timed in turn.
"""

from kd_keras import losses, report
from tests.benchmarks import setting, turns


def make_loss(name, labels):
    loss = losses.get(name)
    if loss.needs_examples:
        loss.set_examples(labels)
    return loss


def time_step(arguments, loss=None, *, teacher=None, **parts):
    """The function that times steps of a distiller with these parts."""
    features, labels = setting.make_batch(arguments.batch_size)
    if isinstance(loss, str):
        loss = make_loss(loss, labels)
    if loss is None and not parts:
        features = features["image"]
    student = setting.make_network(arguments.student, precision=arguments.precision)
    distiller = setting.make_distiller(student, teacher=teacher, loss=loss, **parts)
    if teacher is not None:
        del features["teacher_logits"]
    return setting.time_fit(distiller, setting.repeat_batch(features, labels))


def make_variants(arguments):
    """The functions that time a step, by the name of what it learns from."""
    variants = {
        "labels alone": time_step(arguments),
        "adversary": time_step(arguments, adversary=True),
        "adversary, logit_l1": time_step(arguments, "logit_l1", adversary=True),
        "that and gradient shares": time_step(arguments, "logit_l1", adversary=True, shares=True),
    }
    chosen = arguments.losses.split(",") if arguments.losses else losses.names()
    on_taps = {name: bool(losses.get(name).taps) for name in chosen}
    variants |= {name: time_step(arguments, name) for name in chosen if not on_taps[name]}
    if any(on_taps.values()):
        teacher = setting.make_network(arguments.teacher, precision=arguments.precision)
        asked = {name: name for name in chosen if on_taps[name]}
        asked = {"soft_target, teacher asked": "soft_target", **asked}
        variants |= {
            label: time_step(arguments, name, teacher=teacher) for label, name in asked.items()
        }
    return variants


def main():
    """Print the table."""
    parser = setting.make_parser(__doc__, rounds=5, steps=3)
    parser.add_argument("--student", default="10-2", help="depth-width")
    parser.add_argument("--teacher", default="16-2", help="depth-width")
    parser.add_argument("--losses", default="", help="names with commas; by default all")
    arguments = parser.parse_args()
    arguments.precision = setting.print_choices()
    variants = make_variants(arguments)
    seconds = turns.measure(variants, rounds=arguments.rounds, count=arguments.steps)
    print(report.format_table(turns.compare(seconds, "labels alone", label="learns from")))


if __name__ == "__main__":
    main()
