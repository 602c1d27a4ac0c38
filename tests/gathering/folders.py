"""Folders of runs as the commands leave them, made by hand: networks that nobody has trained."""

import functools

import keras

from kd_keras import config, data, files, metrics

EPOCHS = "epoch,accuracy,val_accuracy,discriminator_loss\n1,0.25,0.5,4.0\n2,0.5,0.625,\n"
LABELS_ALONE = {"loss": (), "adversarial_weight": 0.0}


@functools.cache
def splits():
    """The images that all runs are of."""
    return data.load("synthetic")


def save_network(path, width):
    """A network from the images to four logits."""
    keras.utils.set_random_seed(width)
    image = keras.Input(splits().image_shape)
    x = keras.layers.Conv2D(width, 3, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D()(x)
    path.parent.mkdir(parents=True, exist_ok=True)
    keras.Model(image, keras.layers.Dense(4)(x)).save(path)


def figures(error):
    """The `metrics.json` of a run with that error in percent."""
    judged = splits().test
    logits = keras.ops.convert_to_numpy(keras.ops.one_hot(judged.labels, 4))
    summary = metrics.summarize(logits, judged.labels, splits().class_names)
    summary["top1_error_percent"] = error
    return {
        "epochs": 2,
        "best_epoch": 2,
        "judged_on": "test",
        "num_examples": len(judged),
        "best": summary,
        "last": summary,
        "parameters": 100,
        "multiply_adds": 1000,
        "size_bytes": 5000,
    }


def make_run(folder, *, command="distill", error=20.0, finished=True, teacher=None, **changes):
    """Make the folder of a run.

    Args:
        folder: The folder.
        command: That it is of.
        error: Of its network in percent.
        finished: Whether it has come to its end.
        teacher: Path of its teacher, as it is told in its record.
        **changes: Of the student's configuration: fields of `Distillation`, or `width`.
    """
    role = "teacher" if command == "train_teacher" else "student"
    width = changes.pop("width", 1)
    section = {"network": "wide_resnet", "depth": 10, "width": width, "dropout": 0.0, "path": ""}
    settings = config.Config(
        data=config.Data(dataset="synthetic"),
        distillation=config.Distillation(**changes),
    ).to_dictionary()
    settings[role] = section
    identity = {"command": command, "data": splits().fingerprint, "training.epochs": 2}
    identity |= {f"{role}.{name}": value for name, value in section.items()}
    if role == "student":
        identity |= {
            f"distillation.{name}": value for name, value in settings["distillation"].items()
        }
        identity |= {"run.seed": 0, "discriminator.game": "minimax"}
    files.write_json(
        folder / "config.json",
        {
            "identity": identity,
            "config": settings,
            "class_names": splits().class_names,
            "image_shape": splits().image_shape,
            "versions": {"keras": keras.__version__},
            "command_line": f"python main.py {command}",
            "teacher": teacher and str(teacher),
        },
    )
    (folder / "history.csv").write_text(EPOCHS, encoding="utf-8")
    if finished:
        files.write_json(folder / "metrics.json", figures(error))
        save_network(folder / f"{role}.keras", 4 * width)
    return folder


def make_trio(root):
    """A teacher, a student distilled from it, and its control.

    Returns:
        The student's folder.
    """
    teacher = make_run(root / "big", command="train_teacher", error=5.0, width=2)
    make_run(root / "plain", error=30.0, **LABELS_ALONE)
    return make_run(root / "small", teacher=teacher / "teacher.keras")


def make_comparison(root, methods):
    """Make the folder of a comparison.

    Args:
        root: The folder.
        methods: By label: the control's label or None, and of each seed the error, or the status
            of a run that has not come to its end.
    """
    described = []
    for label, (control, outcomes) in methods.items():
        runs = []
        for seed, outcome in enumerate(outcomes):
            done = not isinstance(outcome, str)
            runs.append(
                {
                    "seed": seed,
                    "folder": f"{label}-seed{seed}",
                    "status": "finished" if done else outcome,
                    "reason": "no memory" if outcome == "failed" else None,
                    "best_error_percent": outcome if done else None,
                    "last_error_percent": outcome if done else None,
                    "best_epoch": 2 if done else None,
                    "seconds": 1.0 if done else None,
                }
            )
        summary = {"median": None, "mean": None, "standard_deviation": None, "gain": None}
        described.append(
            {
                "label": label,
                "control": control,
                "runs": runs,
                "best": summary,
                "last": summary,
                "parameters": 100,
                "multiply_adds": 1000,
                "size_bytes": 5000,
                "sentence": "",
            }
        )
    facts = {
        "name": "contest",
        "command_line": "python main.py compare",
        "teacher": "",
        "seeds": [0, 1, 2],
        "judged_on": "test",
        "num_examples": 64,
        "methods": described,
    }
    files.write_json(root / "comparison.json", facts)
    return root
