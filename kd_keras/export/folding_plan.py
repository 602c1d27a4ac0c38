"""Which batch normalisations a network can do without, and what its kernels become.

Only numbers per channel are found here, in float64; `folding` builds the network from them.
"""

import dataclasses

import numpy as np

from kd_keras.export import standardization, streams
from kd_keras.models import graphs

__all__ = ["Factors", "Plan", "make_plan"]

# A shift of more than so many standard deviations would cost the channel its digits.
_FARTHEST_SHIFT = 16.0


@dataclasses.dataclass
class Factors:
    """What a kernel is multiplied by per input and output channel, and what its bias gains."""

    input: np.ndarray
    output: np.ndarray
    offset: np.ndarray


@dataclasses.dataclass
class Plan:
    """What takes the place of operations, by their ids.

    Attributes:
        affine: Of normalisations: a shift before, a scale, a shift after, each per channel or
            None where it is not needed.
        kernels: Of layers with a kernel: their `Factors`.
    """

    affine: dict = dataclasses.field(default_factory=dict)
    kernels: dict = dataclasses.field(default_factory=dict)

    def factors(self, layer):
        """The `Factors` of a layer, at first of ones and zeros."""
        if id(layer) not in self.kernels:
            inputs, outputs = layer.input.shape[-1], layer.output.shape[-1]
            self.kernels[id(layer)] = Factors(np.ones(inputs), np.ones(outputs), np.zeros(outputs))
        return self.kernels[id(layer)]


@dataclasses.dataclass(frozen=True)
class _Line:
    """Batch normalisation at inference: x -> slope x + shift, per channel."""

    slope: np.ndarray
    shift: np.ndarray
    can_move: bool  # its zero is not far from the numbers that it sees


def make_plan(network):
    """Find what can be folded in a network.

    Args:
        network: A functional `keras.Model`, in float32.

    Returns:
        A `Plan`.
    """
    graph, plan = streams.Graph(network), Plan()
    for call in graph.calls:
        if graph.is_single(call):
            _plan_standardization(call, graph, plan)
    for stream in graph.streams():
        if stream.is_closed and stream.is_tree:
            _fold_into_sources(stream, plan)
        else:
            _shift(stream, graph, plan)
    return plan


def _plan_standardization(call, graph, plan):
    """Standardisation becomes a shift, where kernels can take its scale; else it is left."""
    line = standardization.find_line(call.operation)
    if line is None:
        return
    [tensor], absorbers = graphs.inputs_of(call), graph.absorbers(call.outputs)
    if not absorbers or tensor.shape != call.outputs.shape or (line[1] <= 0).any():
        return
    shift, scale = (np.broadcast_to(part, tensor.shape[-1]) for part in line)
    plan.affine[id(call.operation)] = (shift if shift.any() else None, None, None)
    for layer in absorbers:
        plan.factors(layer).input *= scale


def _line(layer):
    mean, variance = (
        np.asarray(part, np.float64) for part in (layer.moving_mean, layer.moving_variance)
    )
    gamma = np.asarray(layer.gamma, np.float64) if layer.scale else np.ones_like(mean)
    beta = np.asarray(layer.beta, np.float64) if layer.center else np.zeros_like(mean)
    slope = gamma / np.sqrt(variance + layer.epsilon)
    can_move = bool(np.all((gamma != 0) & (np.abs(beta) <= _FARTHEST_SHIFT * np.abs(gamma))))
    return _Line(slope, beta - slope * mean, can_move)


def _fold_into_sources(stream, plan):
    """One normalisation reads it all: the sources take its slope, one of them its shift."""
    [(_, reader)] = stream.normalized
    line = _line(reader.operation)
    for layer in stream.sources:
        plan.factors(layer).output *= line.slope
    plan.factors(stream.sources[0]).offset += line.shift
    plan.affine[id(reader.operation)] = (None, None, None)


def _shift(stream, graph, plan):
    """Several read it: every tensor gets the shift that its normalisation needs.

    new = flip * old + offset, so that slope * old + shift = slope * flip * (new - offset) + shift,
    which is slope * flip * new where the offset is flip * shift / slope.
    """
    lines = [_line(reader.operation) for _, reader in stream.normalized]
    flip = _choose_flip(stream, lines)
    if (flip < 0).any():
        for layer in stream.sources:
            plan.factors(layer).output *= flip
    offsets, is_exact = _choose_offsets(stream, lines, flip, plan)
    for (member, reader), line in zip(stream.normalized, lines, strict=True):
        slope, tensor = line.slope * flip, id(member.outputs)
        shift = None if is_exact(reader) else line.shift - slope * offsets[tensor]
        absorbers = graph.absorbers(reader.outputs)
        if shift is None and (slope > 0).all() and absorbers:
            plan.affine[id(reader.operation)] = (None, None, None)
            for layer in absorbers:
                plan.factors(layer).input *= slope
        else:
            plan.affine[id(reader.operation)] = (None, slope, shift)


def _choose_flip(stream, lines):
    """The sign of each channel that most of the stream's normalisations have."""
    flip = np.ones_like(lines[0].slope)
    if stream.is_closed:
        flip[np.sign([line.slope for line in lines]).sum(axis=0) < 0] = -1.0
    return flip


def _choose_offsets(stream, lines, flip, plan):
    """The shift of each tensor by its id, and for which normalisations it is the right one."""
    wanted = {}
    for (member, reader), line in zip(stream.normalized, lines, strict=True):
        tensor = id(member.outputs)
        if line.can_move and tensor not in stream.foreign and tensor not in wanted:
            wanted[tensor] = (reader, flip * line.shift / line.slope)
    free = {id(m.outputs): stream.free_source(m) for m in stream.members}
    if any(free[id(m.outputs)] is None for m in stream.members if streams.is_sum(m)):
        wanted = {}  # a shift that comes in could not be taken out again
    offsets, right = {}, set()
    for member in stream.members:
        tensor = id(member.outputs)
        offset = np.zeros_like(flip)
        if streams.is_sum(member):
            offset = sum(offsets.get(id(part), offset) for part in graphs.inputs_of(member))
        if free[tensor] is not None:
            reader, target = wanted.get(tensor, (None, np.zeros_like(flip)))
            plan.factors(free[tensor]).offset += target - offset
            offset = target
            right.add(id(reader))
        offsets[tensor] = offset
    return offsets, lambda reader: id(reader) in right
