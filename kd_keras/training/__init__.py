"""The recipe around a training step: optimiser, schedule, devices, precision, and the run."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "checkpoint": ["Checkpoint"],
        "choices": ["Choice", "choose_precision", "choose_xla"],
        "devices": ["make_strategy", "require_precision"],
        "locking": ["IN_USE"],
        "loop": ["Outcome", "train"],
        "multi_host": ["add_up", "send_from_chief"],
        "optimizers": ["CoupledSGD"],
        "progress": ["Progress"],
        "run_folder": ["RunFolder"],
        "schedules": ["EpochSchedule"],
        "state": ["State"],
        "stopping": ["Stopped"],
    },
)
