"""What of this machine a process may use, told without TensorFlow.

What its processor is quick in is in `processor`.
"""

import os
import shutil
import subprocess
import sys

__all__ = [
    "are_dealt",
    "count_processors",
    "list_graphics_processors",
    "peak_memory_bytes",
    "share",
]

# What `devices` said of the GPUs that a process sees, where it sees no others than those.
_DEALT = "KD_KERAS_DEALT_DEVICES"


def count_processors():
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(slot, jobs, graphics_processors=(), devices="all"):
    """The part of the machine that one of several processes is given.

    Where `devices` names GPUs, these alone are shared among the processes, and a process can tell
    by `are_dealt` that its own are all there are for it.

    Args:
        slot: Which process, from 0.
        jobs: How many there are.
        graphics_processors: Names of the GPUs, as CUDA_VISIBLE_DEVICES takes them.
        devices: As of `config.Training`: `"0,2"` names GPUs, a number or `"all"` leaves all.

    Returns:
        Environment variables by name; none where a process has the machine to itself.

    Raises:
        ValueError: If there is no GPU that is named.

    Example:
        >>> share(1, 2, ["0", "1", "2"])["CUDA_VISIBLE_DEVICES"]
        '1'
        >>> share(1, 2, ["0", "1", "2"], "0,2")["CUDA_VISIBLE_DEVICES"]
        '2'
    """
    if jobs == 1:
        return {}
    threads = str(max(1, count_processors() // jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    own = dict.fromkeys(names, threads)
    if graphics_processors:
        if "," in devices:
            graphics_processors = _choose(graphics_processors, devices)
            own[_DEALT] = devices
        dealt = graphics_processors[slot::jobs]
        dealt = dealt or [graphics_processors[slot % len(graphics_processors)]]
        own["CUDA_VISIBLE_DEVICES"] = ",".join(dealt)
    if jobs > len(graphics_processors):
        # Otherwise the first process on a GPU takes all of its memory.
        own["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    return own


def _choose(graphics_processors, devices):
    numbers = sorted({int(number) for number in devices.split(",") if number})
    if numbers[-1] >= len(graphics_processors):
        raise ValueError(
            "Invalid value for devices. Expected GPUs from 0 to "
            f"{len(graphics_processors) - 1}. Received: {devices}."
        )
    return [graphics_processors[number] for number in numbers]


def are_dealt(devices):
    """Whether this process sees no other GPUs than its share of those that `devices` names.

    Args:
        devices: As of `share`, which the process that started this one was given.
    """
    return os.environ.get(_DEALT) == devices


def list_graphics_processors():
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them.

    By their numbers, where that is not set: CUDA may count them in another order than nvidia-smi.
    """
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name and name != "-1"]
    if not shutil.which("nvidia-smi"):
        return []
    words = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False)
    count = len(listed.stdout.split()) if listed.returncode == 0 else 0
    return [str(number) for number in range(count)]


def peak_memory_bytes():
    """The most main memory that this process has had at once, in bytes; None where unknown.

    Example:
        >>> peak_memory_bytes() is None or peak_memory_bytes() > 10**6
        True
    """
    try:
        import resource  # Windows has none
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
