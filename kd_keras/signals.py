"""From a configuration to what the student hears of its teacher, and what is kept of that.

What a signal is lives in `distillation`; here are the choices of one run, and the actions of the
command `cache`.
"""

from kd_keras import assembly, distillation, distillers, hosts, models, report, runs
from kd_keras.distillation import cache

__all__ = [
    "ACTIONS",
    "asks_teacher",
    "count_views",
    "make_signal",
    "read_teacher",
    "require_possible",
]


def count_views(config):
    """How many augmented views of an image a run goes through."""
    epochs = config.training.epochs
    return min(config.data.views or epochs, epochs)


def read_teacher(config, splits):
    """Load the teacher of a student's run, one network or the mean of several, and say which.

    Args:
        config: The configuration.
        splits: The data.

    Returns:
        The teacher, and the paths it came from; None and no paths where no term looks at one.

    Raises:
        FileNotFoundError: If a network is not there.
        ValueError: If one does not fit the data, or cannot give the signal that is asked for.
    """
    if not config.distillation.needs_teacher:
        return None, []
    teacher, paths = _read_networks(config, splits)
    print(f"  teacher: {' and '.join(map(str, paths))}{_describe_mean(config.signal)}")
    require_possible(config)
    _require_fit(config, splits, teacher)
    return teacher, paths


def _read_networks(config, splits):
    """The teacher, computing in the precision of the run, whatever its files were trained in."""
    teacher, path = assembly.read_teacher(config, splits)
    others = [runs.find_model(other) for other in config.signal.ensemble]
    networks = [teacher, *(assembly.read_classifier(other, splits) for other in others)]
    networks = [models.to_policy(network, config.training.precision) for network in networks]
    mean = models.mean_of(networks, temperature=config.signal.mean_temperature)
    return mean, [path, *others]


def _describe_mean(section):
    if not section.mean_temperature:
        return ""
    return f", their probabilities averaged at T = {section.mean_temperature:g}"


def require_possible(config):
    """Refuse a signal that cannot be had with the other settings, whatever the teacher and images.

    Raises:
        ValueError: If there is no such signal.
    """
    section, cluster = config.signal, hosts.read_cluster()
    if cluster.count > 1 and section.source != "live":
        raise ValueError(
            "Several hosts cannot keep a teacher's logits together: each would ask about its own "
            f"part of a batch. Expected --teacher_signal=live. Received: {section.source}."
        )
    _require_logits_to_suffice(config)
    _require_teachers_apart(config)
    if section.top_k and config.distillation.adversarial_weight:
        raise ValueError(
            "A discriminator would know the teacher by the equal logits of the classes that are "
            f"not kept. Expected --signal_top_k=0. Received: {section.top_k}. Keep all classes, "
            "or train without a discriminator: --adversarial_weight=0."
        )


def _require_fit(config, splits, teacher):
    section = config.signal
    if section.dropout:
        models.with_active_dropout(teacher, seed=0)
    cache.make_record(splits.num_classes, top_k=section.top_k, storage=section.storage)


def _require_logits_to_suffice(config):
    section = config.signal
    on_taps = [loss for loss, _ in distillers.make_matching(config) if loss.taps]
    adversary = ["Adversary"] if _shows_layers(config) else []
    of_taps = [type(loss).__name__ for loss in on_taps] + adversary
    if of_taps and section.source != "live":
        raise ValueError(
            f"Logits are all that is kept of the teacher, and {', '.join(of_taps)} compares inner "
            "layers, for which the teacher itself must run. Expected --teacher_signal=live. "
            f"Received: {section.source}."
        )
    of_one = [type(loss).__name__ for loss in on_taps if not loss.teachers] + adversary
    if of_one and section.ensemble:
        raise ValueError(
            f"{', '.join(of_one)} compares inner layers, which the mean of several teachers does "
            "not have. Expected no --teacher_ensemble. Received: "
            f"{', '.join(section.ensemble)}."
        )


def _shows_layers(config):
    return bool(config.discriminator.tap and config.distillation.adversarial_weight)


def _require_teachers_apart(config):
    section = config.signal
    if not (config.discriminator.several_teachers and config.distillation.adversarial_weight):
        return
    if not section.ensemble:
        raise ValueError(
            "There is one teacher. Expected --teacher_ensemble=FILE,... beside "
            "--discriminator_several_teachers. Received: no --teacher_ensemble."
        )
    if section.source != "live":
        raise ValueError(
            "Of several teachers only the mean of their logits is kept, and the discriminator is "
            "to be shown each of them. Expected --teacher_signal=live. "
            f"Received: {section.source}."
        )


def make_signal(config, splits, teacher):
    """The signal of a run; where it is kept, it is found or built.

    Args:
        config: The configuration.
        splits: The data.
        teacher: As `read_teacher` returns it.

    Returns:
        A `distillation.Signal`.
    """
    if teacher is None:
        return distillation.Signal(None, None)
    return distillation.make_signal(
        config.signal.source,
        teacher,
        splits.train,
        views=count_views(config),
        directory=config.data.cache_directory,
        label=_label(config),
        seed=config.run.seed,
        **_request_arguments(config, splits),
    )


def _request_arguments(config, splits):
    section, recipe = config.signal, config.training
    return {
        "augmentation": assembly.make_augmentation(config, splits),
        "view_seed": config.data.view_seed,
        "dropout": section.dropout,
        "samples": section.samples,
        "top_k": section.top_k,
        "storage": section.storage,
        "batch_size": recipe.batch_size,
        "xla": recipe.xla == "yes",
    }


def _label(config):
    section = config.teacher
    network = section.label
    if section.path:
        path = runs.find_model(section.path)
        network = path.parent.name if path.name == "teacher.keras" else path.stem
        network = network.removeprefix(f"{config.data.dataset}-")
    return f"{config.data.dataset}-{network}-{config.signal.source}"


def asks_teacher(config):
    """Whether the command `cache` has to run the teacher, or to know which one is meant."""
    return config.cache.action != "list" and not config.cache.entry


def _list(config):
    directory = config.data.cache_directory
    entries = cache.summarize_entries(directory)
    if not entries:
        return f"No stored logits in {cache.root_of(directory)}."
    rows = [
        {
            "entry": entry.name,
            "views": entry.views,
            "images": entry.images,
            "kept": entry.kept,
            "MB": entry.size_bytes / 10**6,
            "changed": f"{entry.changed:%Y-%m-%d %H:%M}",
        }
        for entry in entries
    ]
    return "\n".join([report.format_table(rows), *(e.damage for e in entries if e.damage)])


def _build(config):
    if config.cache.entry:
        raise ValueError(
            "What is built follows from the flags of data, teacher and signal. Expected no "
            f"--cache_entry. Received: {config.cache.entry}."
        )
    splits = assembly.load_splits(config)
    # Before the teacher is read: nothing is kept of a live signal.
    distillation.require_kept(config.signal.source)
    teacher, _ = _read_networks(config, splits)
    make_signal(config, splits, teacher)
    return "The stored logits are complete."


def _verify(config):
    if config.cache.entry:
        folder = cache.find_entry(config.data.cache_directory, config.cache.entry)
        cache.check_entry(folder)
        return f"{folder.name}: every byte is as it was written."
    request = _request(config)
    folder = cache.find_request(config.data.cache_directory, request)
    cache.check_entry(folder, request)
    return f"{folder.name}: every byte is as it was written, and the teacher says the same."


def _remove(config):
    directory = config.data.cache_directory
    if config.cache.entry:
        folder = cache.find_entry(directory, config.cache.entry)
    else:
        folder = cache.find_request(directory, _request(config))
    cache.remove_entry(folder)
    return f"{folder.name} is removed."


def _request(config):
    """What the flags ask of the teacher."""
    distillation.require_kept(config.signal.source)
    splits = assembly.load_splits(config)
    teacher, _ = _read_networks(config, splits)
    arguments = _request_arguments(config, splits)
    return distillation.make_request(config.signal.source, teacher, splits.train, **arguments)


# By `cache.action`: from a configuration to the last line that is printed.
ACTIONS = {"build": _build, "list": _list, "remove": _remove, "verify": _verify}
