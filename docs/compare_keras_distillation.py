"""Trains one student with keras.distillation and with kd_keras, and prints who learned what.

python docs/compare_keras_distillation.py

Scikit-learn's digits, one teacher, the same start, order of batches and optimiser for every row.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from kd_keras import data, distillation, losses, models

TEMPERATURE = 3.0  # the default of LogitsDistillation
BATCH = 64


def exact_divergence(teacher_logits, student_logits, temperature=TEMPERATURE):
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), its mean over the batch, in float64."""

    def log_softmax(logits):
        scaled = np.asarray(logits, np.float64) / temperature
        scaled = scaled - scaled.max(-1, keepdims=True)
        return scaled - np.log(np.exp(scaled).sum(-1, keepdims=True))

    teacher, student = log_softmax(teacher_logits), log_softmax(student_logits)
    return temperature**2 * (np.exp(teacher) * (teacher - student)).sum(-1).mean()


def make_losses():
    """By the name of the row: the stock loss as it comes, as it can be mended, and ours."""
    return {
        "`LogitsDistillation()`": keras.distillation.LogitsDistillation(),
        "`LogitsDistillation(loss=keras.losses.KLDivergence())`": (
            keras.distillation.LogitsDistillation(loss=keras.losses.KLDivergence())
        ),
        "`kd_keras.losses.SoftTarget(temperature=3)`": losses.SoftTarget(temperature=TEMPERATURE),
    }


def compare_values():
    """What the losses say of logits that were drawn, and of a student that is sure and wrong."""
    generator = np.random.default_rng(0)
    drawn = [generator.normal(scale=3.0, size=(64, 10)).astype(np.float32) for _ in range(2)]
    wrong = [np.float32([[180.0, 0.0]]), np.float32([[0.0, 180.0]])]
    rows = [["exact", *(f"{exact_divergence(*pair):.2f}" for pair in (drawn, wrong)), "1"]]
    for name, loss in make_losses().items():
        values = [f"{float(loss.compute_loss(*map(tf.constant, p))):.2f}" for p in (drawn, wrong)]
        student = tf.constant(wrong[1])
        with tf.GradientTape() as tape:
            tape.watch(student)
            value = loss.compute_loss(tf.constant(wrong[0]), student)
        slope = np.abs(tape.gradient(value, student)).max() / TEMPERATURE
        rows.append([name, *values, f"{slope:.2g}"])
    return _format(["", "drawn logits", "sure and wrong", "its gradient"], rows)


def load():
    """The digits as arrays: images and labels to train on, and for the test."""
    splits = data.load("digits")
    parts = [(part.images_at(np.arange(len(part))), part.labels) for part in _parts(splits)]
    return splits, *[(x.astype(np.float32), y.astype(np.int32)) for x, y in parts]


def _parts(splits):
    return splits.train, splits.test


def _sizes(splits):
    return {
        "image_shape": splits.image_shape,
        "num_classes": splits.num_classes,
        "mean": splits.mean,
        "standard_deviation": splits.standard_deviation,
    }


def train_teacher(splits, train, epochs):
    """A WRN-10-2 on the labels."""
    teacher = models.get("wide_resnet", depth=10, width=2, dropout=0.0, seed=0, **_sizes(splits))
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher.compile(keras.optimizers.Adam(1e-3), loss=cross_entropy)
    teacher.fit(*train, batch_size=BATCH, epochs=epochs, verbose=0)
    return teacher


def make_student(splits, seed):
    """A plain network of five layers, another one for every seed."""
    return models.get("plain_cnn", depth=5, width=1, seed=seed, **_sizes(splits))


def train_student(student, teacher, loss, train, *, epochs, seed, label_weight):
    """Train with a loss, in its own library's distiller; (1 - label_weight) is the loss's."""
    keras.utils.set_random_seed(seed)
    optimizer = keras.optimizers.Adam(1e-3)
    if isinstance(loss, losses.DistillationLoss):
        distiller = distillation.Distiller(
            student,
            teacher,
            matching=[(loss, 1.0 - label_weight)],
            supervised_weight=label_weight,
        )
        distiller.compile(optimizer)
    else:
        # It freezes the teacher it is given, for good.
        distiller = keras.distillation.Distiller(
            keras.models.clone_model(teacher),
            student,
            distillation_losses=loss,
            student_loss_weight=label_weight,
        )
        distiller.teacher.set_weights(teacher.get_weights())
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        distiller.compile(optimizer=optimizer, loss=cross_entropy)
    batches = tf.data.Dataset.from_tensor_slices(train)
    batches = batches.shuffle(len(train[1]), seed=seed).batch(BATCH, drop_remainder=True)
    distiller.fit(batches, epochs=epochs, shuffle=False, verbose=0)


def compare_students(*, seeds, epochs, teacher_epochs, label_weight):
    """Agreement with the teacher and accuracy on the test images, mean over the seeds."""
    splits, train, (images, labels) = load()
    keras.utils.set_random_seed(0)
    teacher = train_teacher(splits, train, teacher_epochs)
    expected = teacher.predict(images, verbose=0)
    rows = [["the teacher", "", f"{100 * np.mean(expected.argmax(-1) == labels):.1f}", ""]]
    for name in make_losses():
        found = []
        for seed in seeds:
            student = make_student(splits, seed)
            settings = {"epochs": epochs, "seed": seed, "label_weight": label_weight}
            train_student(student, teacher, make_losses()[name], train, **settings)
            logits = student.predict(images, verbose=0)
            agreement = np.mean(logits.argmax(-1) == expected.argmax(-1))
            accuracy = np.mean(logits.argmax(-1) == labels)
            found.append([100 * agreement, 100 * accuracy, exact_divergence(expected, logits)])
        means = np.mean(found, axis=0)
        rows.append([name, f"{means[0]:.1f}", f"{means[1]:.1f}", f"{means[2]:.2f}"])
    return _format(["", "agreement, %", "accuracy, %", "divergence"], rows)


def _format(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    """Print the three tables of docs/keras_distillation.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--teacher_epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"keras {keras.__version__}\n\n{compare_values()}")
    for label_weight in (0.0, 0.5):
        table = compare_students(
            seeds=range(arguments.seeds),
            epochs=arguments.epochs,
            teacher_epochs=arguments.teacher_epochs,
            label_weight=label_weight,
        )
        print(f"\nweight of the labels {label_weight}\n\n{table}")


if __name__ == "__main__":
    main()
