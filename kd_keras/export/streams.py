"""Who reads whose output in a network, and which tensors its sums connect.

What is to be learnt from it for batch normalisation is in `folding_plan`.
"""

import collections

import keras

from kd_keras.models import graphs
from kd_keras.models.graphs import inputs_of

__all__ = ["Graph", "Stream", "is_sum"]

_KERNELS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
_TRANSPARENT = (
    keras.layers.AveragePooling2D,
    keras.layers.Dropout,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
    keras.layers.MaxPooling2D,
    keras.layers.ZeroPadding2D,
)


class Graph:
    """The calls of a network, and who reads their outputs.

    Args:
        network: A functional `keras.Model` with one output.
    """

    def __init__(self, network):
        self.calls = []
        outputs = graphs.rebuild(network, calls=self.calls).outputs
        self._readers = graphs.find_readers(self.calls, outputs)
        self._times = collections.Counter(id(call.operation) for call in self.calls)

    def readers(self, tensor):
        """The calls that read a tensor; None stands for the network's output."""
        return self._readers.get(id(tensor), [])

    def is_single(self, call):
        """Whether the layer is called here alone, so that its weights can change."""
        return call is not None and self._times[id(call.operation)] == 1

    def is_kernel(self, call):
        """Whether a call multiplies by a kernel that can be rescaled per input channel."""
        return (
            self.is_single(call)
            and type(call.operation) in _KERNELS
            and getattr(call.operation, "groups", 1) == 1
            and getattr(call.operation, "data_format", "channels_last") == "channels_last"
        )

    def is_source(self, call):
        """Whether the output of a call can be scaled and shifted in its own weights."""
        return self.is_kernel(call) and call.operation.activation is keras.activations.linear

    def is_normalization(self, call):
        """Whether a call is batch normalisation of the last axis."""
        return (
            self.is_single(call)
            and type(call.operation) is keras.layers.BatchNormalization
            and call.operation.axis in (-1, len(call.outputs.shape) - 1)
        )

    def absorbers(self, tensor):
        """The layers whose kernels can take a positive scale of a tensor; none if one cannot."""
        found = []
        for call in self.readers(tensor):
            if self.is_kernel(call):
                found.append(call.operation)
                continue
            behind = self.absorbers(call.outputs) if _passes_scale(call) else ()
            if not behind:
                return ()
            found += behind
        return tuple(found)

    def streams(self):
        """The `Stream`s in which there is a normalisation to be folded."""
        stream_of = {}
        for call in self.calls:
            members = {id(call): call}
            for tensor in inputs_of(call) if is_sum(call) else ():
                members = stream_of.get(id(tensor), {}) | members
            for member in members.values():
                stream_of[id(member.outputs)] = members
        unique = {id(members): members for members in stream_of.values()}
        streams = [Stream(self, list(members.values())) for members in unique.values()]
        return [stream for stream in streams if stream.normalized]


class Stream:
    """Tensors that sums connect, so that scaling one of them scales all.

    Args:
        graph: The `Graph`.
        members: The calls that return the tensors.

    Attributes:
        members: The same, a tensor after those that it is made of.
        normalized: Pairs of a member and a batch normalisation that reads it.
        foreign: Ids of the tensors that something else reads.
        only_sources: Whether all that the sums add are outputs of kernels.
    """

    def __init__(self, graph, members):
        order = {id(call): number for number, call in enumerate(graph.calls)}
        self.members = sorted(members, key=lambda member: order[id(member)])
        self._graph = graph
        within = {id(member) for member in members}
        readers = [
            (member, reader) for member in self.members for reader in graph.readers(member.outputs)
        ]
        self.normalized = [pair for pair in readers if graph.is_normalization(pair[1])]
        self.foreign = {
            id(member.outputs)
            for member, reader in readers
            if not (graph.is_normalization(reader) or id(reader) in within)
        }
        tensors = {id(member.outputs) for member in members}
        self.only_sources = all(
            all(id(tensor) in tensors for tensor in inputs_of(member))
            if is_sum(member)
            else graph.is_source(member)
            for member in members
        )

    @property
    def sources(self):
        """The layers with a kernel that the sums add up."""
        return [m.operation for m in self.members if self._graph.is_source(m)]

    @property
    def is_closed(self):
        """Whether all that comes in can be scaled, and normalisations alone look at it."""
        return self.only_sources and not self.foreign

    @property
    def is_tree(self):
        """Whether every tensor is read once, so that there is one normalisation."""
        return all(len(self._graph.readers(member.outputs)) == 1 for member in self.members)

    def free_source(self, member):
        """The layer whose bias shifts this tensor and no other of the stream, or None."""
        if not is_sum(member):
            return member.operation if self._graph.is_source(member) else None
        added = {id(tensor) for tensor in inputs_of(member)}
        for other in self.members:
            read_once = len(self._graph.readers(other.outputs)) == 1
            if id(other.outputs) in added and read_once and self._graph.is_source(other):
                return other.operation
        return None


def is_sum(call):
    """Whether a call adds tensors of one shape."""
    # `a + b` is an operation that Keras does not name in its public interface.
    if type(call.operation).__name__ != "Add":
        return False
    shapes = {tensor.shape for tensor in (*inputs_of(call), call.outputs)}
    return len(shapes) == 1 and len(inputs_of(call)) > 1


def _passes_scale(call):
    """Whether f(s x) = s f(x) for every s > 0 per channel."""
    if call is None:
        return False
    operation = call.operation
    if type(operation) is keras.layers.ReLU:
        return operation.max_value is None and not operation.threshold
    if type(operation) is keras.layers.Activation:
        return operation.activation is keras.activations.relu
    return type(operation) in _TRANSPARENT
