"""Writes docs/methods.md from the docstrings of the losses, the games and the networks.

python docs/write_methods.py
"""

import inspect
import pathlib
import re

from kd_keras import losses, models, registry
from kd_keras.losses import games

TARGET = pathlib.Path(__file__).with_name("methods.md")

_INTRODUCTION = """\
# Methods

Made from the docstrings by `python docs/write_methods.py`; do not edit it here.

A student's objective is `--supervised_weight` times the cross-entropy with the labels, plus the
losses of `--loss=NAME` or `--loss=NAME:WEIGHT`, any number of them with commas between, plus
`--adversarial_weight` times the learned loss. A loss without a weight has the published one of the
table, which belongs to a cross-entropy of weight 1 unless it says otherwise.

    python main.py distill --loss=attention_transfer,soft_target:0.9
    python main.py distill --loss=neuron_selectivity --loss_option=neuron_selectivity.kernel=linear

`--loss_option=NAME.ARGUMENT=VALUE` sets an argument of a loss, any number of them with commas
between; several layers in one value have `+` between. `--temperature` and `--reduction` are those
of every loss that has such an argument, unless an option says otherwise.

Losses on inner layers compare layers of the same name in teacher and student: `stem`, `group1`,
`group2`, `group3` (before the rectifier that follows: sums of residual blocks, or a normalised
convolution) and `pooled` in this project's networks. For other networks give the layers' names, of
which `model/layer` is one inside a model:

    --loss_option=hint.taps=conv3,hint.teacher_taps=backbone/block4

Maps, (height, width, channels), are compared as the loss says; where the sizes differ, most average
the larger down to the smaller. Adapters are trained with the student and are no part of it. Losses
on inner layers need the teacher itself, `--teacher_signal=live`. A relation between examples is
taken within the batch of one device.
"""

_NETWORKS = """\
## Networks

`--teacher=NAME` and `--student=NAME`. `--student_depth`, `--student_width` and `--student_dropout`
set the arguments of these names, `--student_option=ARGUMENT=VALUE` the others, any number of them
with commas between; for the teacher likewise.

    python main.py distill --student=mobile_net --student_depth=28 --student_width=2
    python main.py train_teacher --teacher=resnet --teacher_depth=18 --teacher_option=stem=large

`--student=applications/MobileNetV2`, and so on, is a network of `keras.applications` from random
weights, for which `--student_option` has that function's own arguments, such as `alpha=0.5`, and
`image_size=64`, with which the network itself scales smaller images. A network of your own is a
`.keras` file: `--teacher_path`, `--student_path`. A wide residual network of RepDistiller, a `.pth`
file of PyTorch, becomes a teacher by `python main.py convert --model=FILE.pth`.
"""

_SCHEMES = """\
## Training in stages

`--weight_schedule=TERM=POINTS` lets the weight of a term follow the epochs, any number of terms
with commas between. Points are `EPOCH:VALUE`, epochs counted from 1; `+` before one is a step, `~`
a straight line. Terms are `supervised`, the losses of `--loss` and `adversarial`;
`soft_target.temperature` is the temperature of that loss. Before the first point a weight is what
it would be without.

FitNets: ten epochs of the hint alone, then soft targets whose weight falls from 4 to 1.

    python main.py distill --loss=hint,soft_target --temperature=3 --adversarial_weight=0 \\
        --weight_schedule=hint=1:100+11:0,supervised=1:0+11:1,soft_target=1:0+11:4~30:1

The flow of the solution procedure: five epochs of it alone, then labels alone.

    python main.py distill --loss=solution_flow --adversarial_weight=0 \\
        --weight_schedule=solution_flow=1:1+6:0,supervised=1:0+6:1

What the published first stages leave alone, the layers behind the deepest tap, has no gradient
then; weight decay still acts on it. A run that is broken off goes on in the stage where it was.

A teacher assistant is a student that becomes a teacher: any run's folder is a `--teacher_path`.

    python main.py train_teacher --teacher_depth=40 --teacher_width=2
    python main.py distill --teacher_depth=40 --teacher_width=2 \\
        --student_depth=22 --student_width=2 --run_name=assistant
    python main.py distill --teacher_path=saved_models/assistant --student_depth=10

Source: Mirzadeh, Farajtabar, Li, Levine, Matsukawa, Ghasemzadeh, "Improved Knowledge Distillation
via Teacher Assistant", 2020.

## Two networks at once

With `--joint` there is no teacher that was trained before: a second network, made of the
`--teacher` flags, learns along from scratch, with the student's recipe and an optimiser of its
own. The weights of the terms hold for both. The run's folder has it as `teacher.keras`, as its
last epoch left it, and its error in `metrics.json` as `peer`. There is no discriminator, and
nothing to cache: `--adversarial_weight=0 --teacher_signal=live`.

Deep mutual learning: each learns from the other, whose probabilities are constants.

```text
student: CE(label, student) + KL(peer || student)
peer:    CE(label, peer)    + KL(student || peer)
```

    python main.py distill --joint=mutual --loss=soft_target --temperature=1 \\
        --adversarial_weight=0 --teacher_depth=16 --student_depth=10

Rocket launching: the student is the light network, the second one its booster. With the gradient
block the hint reaches the light network alone; `--joint_gradient_block=false` takes the block away.

```text
CE(label, light) + CE(label, booster) + 0.03 * sum_C (booster - light)^2, logits, mean over B
```

    python main.py distill --joint=rocket --loss=logit_regression:0.03 --adversarial_weight=0 \\
        --teacher_depth=40 --teacher_width=1 --student_depth=16 --student_width=1 \\
        --joint_share=interval

`--joint_share` gives both networks the same convolutions; normalisation and linear layers stay each
network's own. `interval`: the light network's blocks are the first ones of each of the booster's
groups. `bottom`: its convolutions are the booster's first ones, as of `--student_option=groups=2`
with the depth and width of the booster. What is shared is updated once, by both gradients.

Any losses on logits take their place; losses on inner layers where the student alone learns from
the other. Both networks are updated from the same outputs. The published algorithm of mutual
learning makes the first one's predictions anew before the second is updated; public code does as
here. The code of rocket launching blocks the gradient whatever its flag says where there is a
further teacher; here the flag counts.

Source: Zhang, Xiang, Hospedales, Lu, "Deep Mutual Learning", 2018; Zhou, Fan, Cui, Bian, Zhu,
Gai, "Rocket Launching: A Universal and Efficient Framework for Training Well-performing Light
Net", 2018.
"""

_ARGUMENT = re.compile(r"^(\w+): ((?:.*\n)(?:    .*\n)*)", re.MULTILINE)
_SECTION = re.compile(r"^([A-Z][a-z ]+):\n", re.MULTILINE)


def read_sections(entry):
    """The parts of a class's docstring by their headings; the first is `Summary`."""
    parts = _SECTION.split(inspect.getdoc(entry))
    headings = ["Summary", *parts[1::2]]
    return {name: text.strip("\n") for name, text in zip(headings, parts[::2], strict=True)}


def _dedent(text):
    return inspect.cleandoc("\n" + text)


def _describe_needs(loss):
    needs = [f"layers {', '.join(f'`{tap}`' for tap in loss.taps)}" if loss.taps else "logits"]
    needs += ["labels"] if loss.needs_labels else []
    needs += ["the batch"] if loss.relates_examples else []
    needs += ["the images' numbers"] if loss.needs_examples else []
    return ", ".join(needs)


def _describe_arguments(entry, sections):
    """A line for each argument but the layer's name, with its default as a command line has it."""
    words = dict(_ARGUMENT.findall(_dedent(sections.get("Args", "")) + "\n"))
    lines = []
    for name, parameter in inspect.signature(entry).parameters.items():
        default = parameter.default
        if name != "name" and default not in (None, parameter.empty):
            text = "+".join(default) if isinstance(default, tuple) else str(default)
            text = text.lower() if isinstance(default, bool) else text
            lines.append(f"- `{name}={text}` {_join(words[name])}")
    return "\n".join(lines)


def _title(sections):
    return sections["Summary"].splitlines()[0].rstrip(".")


def _write_table():
    rows = ["| `--loss` | | reads | weight | the weight is from |", "|---|---|---|---|---|"]
    for name in losses.names():
        loss = losses.get(name)
        rows.append(
            f"| [`{name}`](#{name}) | {_title(read_sections(type(loss)))} | "
            f"{_describe_needs(loss)} | {loss.default_weight:g} | "
            f"{loss.default_weight_source} |"
        )
    return "\n".join(rows)


def _write_formula(sections):
    """The summary after its first line, formulas and words as they stand."""
    text = _dedent(sections["Summary"].partition("\n")[2])
    return f"```text\n{text}\n```"


def _write_entry(name, entry, facts=()):
    sections = read_sections(entry)
    parts = [f"### {name}", f"{_title(sections)}.", _write_formula(sections), *facts]
    parts.append(_describe_arguments(entry, sections))
    if "Public code" in sections:
        parts.append(f"Public code and other forms: {_join(sections['Public code'])}")
    parts.append(f"Source: {_join(sections['Reference'])}")
    return "\n\n".join(part for part in parts if part)


def _join(text):
    return " ".join(_dedent(text).split())


def _write_loss(name):
    entry = registry.locate("loss", losses.TABLE, name)
    facts = [
        f"Reads {_describe_needs(entry())}. "
        f"Weight {entry.default_weight:g}: {entry.default_weight_source}."
    ]
    return _write_entry(name, entry, facts)


def write():
    """The text of the page."""
    parts = [_INTRODUCTION, "## Losses\n", _write_table() + "\n"]
    parts += [_write_loss(name) + "\n" for name in losses.names()]
    parts.append(
        "## Adversarial games\n\nWhat takes the place of L_A in the learned loss, "
        "`--game=NAME`. A score is the discriminator's log-odds of Real.\n"
    )
    for name in games.names():
        parts.append(_write_entry(name, registry.locate("game", games.TABLE, name)) + "\n")
    parts += [_SCHEMES, _NETWORKS]
    for name in models.names():
        parts.append(_write_entry(name, registry.locate("network", models.NETWORKS, name)) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(write(), encoding="utf-8")
    print(f"written to {TARGET}")
