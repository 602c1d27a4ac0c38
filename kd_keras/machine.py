"""What of this machine a process may use, told without TensorFlow.

What its processor is quick in is in `processor`.
"""

import os
import shutil
import subprocess
import sys

__all__ = ["count_processors", "list_graphics_processors", "peak_memory_bytes", "share"]


def count_processors():
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share(slot, jobs, graphics_processors=()):
    """The part of the machine that one of several processes is given.

    Args:
        slot: Which process, from 0.
        jobs: How many there are.
        graphics_processors: Names of the GPUs, as CUDA_VISIBLE_DEVICES takes them.

    Returns:
        Environment variables by name; none where a process has the machine to itself.

    Example:
        >>> share(1, 2, ["0", "1", "2"])["CUDA_VISIBLE_DEVICES"]
        '1'
    """
    if jobs == 1:
        return {}
    threads = str(max(1, count_processors() // jobs))
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    own = dict.fromkeys(names, threads)
    if graphics_processors:
        devices = graphics_processors[slot::jobs]
        devices = devices or [graphics_processors[slot % len(graphics_processors)]]
        own["CUDA_VISIBLE_DEVICES"] = ",".join(devices)
    if jobs > len(graphics_processors):
        # Otherwise the first process on a GPU takes all of its memory.
        own["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    return own


def list_graphics_processors():
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name and name != "-1"]
    if not shutil.which("nvidia-smi"):
        return []
    words = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    listed = subprocess.run(words, capture_output=True, text=True, check=False)
    return listed.stdout.split() if listed.returncode == 0 else []


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
