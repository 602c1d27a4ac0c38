"""From a configuration to the data and the networks of a run.

What trains them is put together in `distillers`, where a run lives is in `runs`.
"""

from kd_keras import data, export, models, runs

__all__ = [
    "build_network",
    "load_model",
    "load_splits",
    "make_augmentation",
    "network_arguments",
    "read_classifier",
    "read_teacher",
]


def load_splits(config):
    """Load the data that a configuration asks for, and print what it is."""
    section = config.data
    splits = data.load(
        section.dataset,
        section.data_directory,
        download=section.download,
        cache_directory=section.cache_directory,
        memory_limit_gigabytes=section.memory_limit_gigabytes,
        validation_fraction=section.validation_fraction,
        test_fraction=section.test_fraction,
        split_seed=section.split_seed,
        max_train_examples=section.max_train_examples,
        image_size=section.image_size,
        resize=section.resize,
    )
    height, width, channels = splits.image_shape
    print(
        f"{splits.name}: {len(splits.train)} images to train on, {len(splits.validation)} for "
        f"validation, {len(splits.test)} for test; {height}x{width}x{channels}, "
        f"{splits.num_classes} classes"
    )
    for note in splits.notes:
        print(f"  {note}")
    return splits


def make_augmentation(config, splits):
    """The augmentation that a configuration asks for, on these images."""
    return data.Augmentation.resolve(
        splits,
        crop_padding=config.data.crop_padding,
        padding=config.data.padding,
        flip=config.data.flip,
    )


def build_network(section, splits, seed):
    """A new network of a `Teacher` or `Student` section, or that of its file, to be trained.

    Either computes under Keras's global policy, whatever the file was trained in.
    """
    if section.path:
        network = models.to_policy(read_classifier(runs.find_model(section.path), splits))
    else:
        network = _make_network(section, splits, seed)
    return models.with_binary_weights(network) if section.binary_weights else network


def _make_network(section, splits, seed):
    return models.get(
        section.network,
        image_shape=splits.image_shape,
        num_classes=splits.num_classes,
        mean=splits.mean,
        standard_deviation=splits.standard_deviation,
        seed=seed,
        **network_arguments(section),
    )


def network_arguments(section):
    """The sizes and options of a `Teacher` or `Student` section that its network takes.

    A dropout of 0 is true of a network without dropout, too, and is left out there.

    Raises:
        ValueError: If the network does not take a size or an option that is set.
    """
    known, given = models.arguments(section.network), {}
    for name in ("depth", "width", "dropout"):
        value, default = getattr(section, name), type(section).__dataclass_fields__[name].default
        if name in known:
            given[name] = value
        elif value != default and (name, value) != ("dropout", 0):
            raise ValueError(
                f"{section.network} has no {name} to choose. Expected the default, {default}, "
                f"which it leaves alone{' or 0' * (name == 'dropout')}. Received: {value}."
            )
    return given | models.read_options(section.network, section.options)


def load_model(path):
    """Load a `.keras` classifier, in safe mode, and make it give logits.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If the file is damaged, runs code, or is no classifier.
    """
    return models.to_logits(export.load_keras(path))


def _require_fit(model, path, splits):
    shape = tuple(model.input_shape[1:])
    if shape != tuple(splits.image_shape) and None not in shape:
        raise ValueError(
            f"{path} takes other images. Expected {splits.image_shape}. Received: {shape}. "
            "Set --image_size and --resize, or take another model."
        )
    if model.output_shape[-1] != splits.num_classes:
        raise ValueError(
            f"{path} knows another number of classes. Expected {splits.num_classes}, as in "
            f"{splits.name}. Received: {model.output_shape[-1]}."
        )


def read_teacher(config, splits):
    """Load the teacher of a configuration.

    Returns:
        The teacher, and the path it came from.

    Raises:
        FileNotFoundError: If it has not been trained.
        ValueError: If it does not fit the data, or learned from another split of it.
    """
    if config.teacher.path:
        path = runs.find_model(config.teacher.path)
    else:
        path = runs.teacher_folder(config).path / "teacher.keras"
        if not path.is_file():
            section = config.teacher
            option = f" --teacher_option={','.join(section.option)}" if section.option else ""
            raise FileNotFoundError(
                f"No teacher at {path.parent}. Train one first: python main.py train_teacher "
                f"--dataset={config.data.dataset} --teacher={section.network} "
                f"--teacher_depth={section.depth} --teacher_width={section.width}{option}, with "
                "your other flags; or name one: --teacher_path=FILE."
            )
        runs.require_same_images(config, path, splits.fingerprint)
    return read_classifier(path, splits), path


def read_classifier(path, splits):
    """Load a classifier that fits the data, and make it give logits.

    Args:
        path: A `.keras` file.
        splits: The data.

    Returns:
        The model.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is damaged, or takes other images or knows other classes.
    """
    model = load_model(path)
    _require_fit(model, path, splits)
    return model
