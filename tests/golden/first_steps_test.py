"""The first ten steps of a tiny adversarial run, term by term.

They change only with the mathematics, the order of the data, the initialisation or the
augmentation, so a change of `first_steps.json` belongs in a commit that says which and why.
`python -m tests.golden.first_steps_test` writes it anew.
"""

import json
import pathlib

import pytest

from kd_keras import data, distillation, losses, models, training

GOLDEN = pathlib.Path(__file__).with_name("first_steps.json")
STEPS = 10
# Processors add up in other orders; ten steps of training carry such differences on.
TOLERANCE = 2e-3


def run():
    splits = data.load("synthetic")
    network = {
        "image_shape": splits.image_shape,
        "num_classes": splits.num_classes,
        "mean": splits.mean,
        "standard_deviation": splits.standard_deviation,
        "depth": 10,
        "width": 1,
    }
    student = models.get("wide_resnet", dropout=0.3, seed=1, **network)
    teacher = models.get("wide_resnet", seed=2, **network)
    discriminator = models.get("discriminator", num_classes=splits.num_classes, seed=3)
    distiller = distillation.Distiller(
        student,
        teacher,
        matching=[(losses.LogitL1(), 1.0), (losses.SoftTarget(temperature=4.0), 0.5)],
        adversary=distillation.Adversary(discriminator),
    )
    rate = training.EpochSchedule(0.05, "step", epochs=4, steps_per_epoch=4, drops=(3,))
    distiller.compile(
        training.CoupledSGD(rate, momentum=0.9, coupled_weight_decay=1e-4),
        training.CoupledSGD(1e-2, momentum=0.9, coupled_weight_decay=1e-4),
    )
    batches = data.training_batches(
        splits.train,
        batch_size=32,
        augmentation=data.Augmentation.resolve(splits),
        seed=4,
    )
    steps = []
    for features, labels in batches.take(STEPS):
        distiller.reset_metrics()
        logs = distiller.train_on_batch(features, labels, return_dict=True)
        steps.append({name: float(value) for name, value in sorted(logs.items())})
    return steps


def test_the_first_ten_steps_are_as_they_were():
    golden = json.loads(GOLDEN.read_text())
    steps = run()
    assert len(golden) == len(steps) == STEPS
    for number, (expected, step) in enumerate(zip(golden, steps, strict=True)):
        assert set(step) == set(expected)
        for name, value in expected.items():
            # A rate jumps by a whole image where a difference changes one verdict.
            images = 1.5 / 32 if "accuracy" in name or name == "agreement" else 0.0
            close = pytest.approx(value, rel=TOLERANCE, abs=max(TOLERANCE, images))
            assert step[name] == close, f"step {number}, {name}"


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(run(), indent=1) + "\n")
