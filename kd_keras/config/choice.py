"""What a student may cost, and which students there are to choose from."""

import dataclasses

from kd_keras.config.checks import Section, require, require_not_negative

__all__ = ["Budget", "Choose"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budget(Section):
    """What a student, or a pruned network, may cost at the most; 0 stands for no limit."""

    max_latency_milliseconds: float = 0.0  # for one image, median of the TensorFlow Lite file
    max_multiply_adds: int = 0  # for one image
    max_parameters: int = 0
    # 10^6 bytes, of the TensorFlow Lite file in float32; of a pruned network in `Pruning.format`
    max_size_megabytes: float = 0.0
    max_peak_memory_megabytes: float = (
        0.0  # 10^6 bytes, of running the file, beyond Python and the runtime
    )

    def __post_init__(self):
        super().__post_init__()
        require_not_negative(self, *(field.name for field in dataclasses.fields(self)))

    @property
    def limits(self):
        """By quantity, in its own unit, the limits that are set.

        Example:
            >>> Budget(max_latency_milliseconds=2.0, max_size_megabytes=0.5).limits
            {'latency_milliseconds': 2.0, 'size_bytes': 500000.0}
        """
        limits = {
            "latency_milliseconds": self.max_latency_milliseconds,
            "multiply_adds": self.max_multiply_adds,
            "parameters": self.max_parameters,
            "size_bytes": 1e6 * self.max_size_megabytes,
            "peak_memory_bytes": 1e6 * self.max_peak_memory_megabytes,
        }
        return {quantity: limit for quantity, limit in limits.items() if limit}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choose(Section):
    """The students that are looked at before any of them is trained."""

    depths: tuple[int, ...] = (10, 16, 22, 28)  # layers, as in WRN-depth-width
    widths: tuple[int, ...] = (1, 2, 4)  # factors on the channels
    threads: int = 1  # of the runtime that is timed
    measure_again: bool = False  # though this machine's times are known

    def __post_init__(self):
        super().__post_init__()
        for name in ("depths", "widths"):
            values = getattr(self, name)
            require(
                values and len(set(values)) == len(values) and min(values) >= 1,
                name,
                "different numbers above 0, at least one",
                ",".join(map(str, values)) or "none",
            )
        require(self.threads >= 1, "threads", "1 or more", self.threads)
