"""What can be known of a student's run before anything is trained: whether it is possible at all.

A comparison or a search that trains a teacher first, for hours, is to tell mistakes before that.
"""

import lazy_loader

from kd_keras import assembly, distillers, joining, runs, signals, startup

# It takes seconds to import, and a mistake must not wait for it.
tf = lazy_loader.load("tensorflow")

__all__ = ["require_possible", "start"]


def start():
    """Start TensorFlow in a process that trains nothing itself.

    Those that train need the GPUs' memory, and a process that sees a GPU takes all of it.
    """
    startup.start_tensorflow()
    if tf.config.list_physical_devices("GPU"):
        tf.config.set_visible_devices([], "GPU")


def require_possible(config):
    """See that a student's files are there, and that its network, losses and signal can be made.

    Args:
        config: The `Config` of a `distill`. Neither images nor a teacher are looked at.

    Raises:
        FileNotFoundError: If a network that it names is not there.
        ValueError: If a network, a loss or the signal does not take its settings.
    """
    _require_file("student_path", config.student.path)
    if not config.student.path:
        assembly.network_arguments(config.student)
    if config.distillation.joint != "none":
        joining.require_possible(config)
    elif config.distillation.needs_teacher:
        for path in config.signal.ensemble:
            _require_file("teacher_ensemble", path)
        distillers.make_matching(config)
        signals.require_possible(config)


def _require_file(flag, path):
    if path and not runs.find_model(path).exists():
        raise FileNotFoundError(
            f"No model at {path}. Expected a .keras file or the folder of a finished run in "
            f"--{flag}."
        )
