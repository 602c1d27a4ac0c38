"""The state of a distiller: what the next step depends on, and putting it back.

That is the weights, the losses' own parts among them, the optimisers with their averages and
their loss scale, the statistics of batch normalisation, the hyperparameters and every random
generator. The order of the data and its augmentation are functions of the seed, the epoch and the
step, so they need no state. When a state is saved is decided in `checkpoint` and `within_epoch`.
"""

import keras
import numpy as np
import tensorflow as tf

from kd_keras.training.archive import read_arrays, write_arrays
from kd_keras.training.multi_host import spans_hosts

__all__ = ["State"]


class State:
    """The variables that a distiller's next step depends on.

    The random generators are those of the layers, of a teacher that draws, and Keras's global
    one. A generator inside a layer's function, which Keras does not know of, is found by running
    the student symbolically; TensorFlow's own generators (`tf.random`) have no state that can be
    saved, so a layer that shall go on exactly draws with `keras.random`.

    Args:
        distiller: A compiled `Distiller`.
    """

    def __init__(self, distiller):
        self._distiller = distiller
        of_metrics = {id(variable) for variable in self._metric_variables}
        owned = [v for v in distiller.variables if id(v) not in of_metrics]
        for optimizer in distiller.list_optimizers():
            owned += optimizer.variables
        owned += distiller.random_state_variables
        owned = list({id(variable): variable for variable in owned}.values())
        self.variables = owned + _unowned_generators(distiller, owned)

    @property
    def _metric_variables(self):
        return [v for metric in self._distiller.metrics for v in metric.variables]

    @property
    def is_finite(self):
        """Whether no variable holds an infinity or a NaN."""
        return all(np.isfinite(variable.numpy()).all() for variable in self.variables)

    def save(self, path, meta, *, with_metrics=False):
        """Write the state and what is known about it.

        Args:
            path: The file.
            meta: Plain values to keep with it.
            with_metrics: Whether the sums behind the running means belong to it too, as they do
                within an epoch.

        Raises:
            OSError: If the disk is full; an older file at `path` is still there.
        """
        groups = {"variable": [variable.numpy() for variable in self.variables]}
        if with_metrics:
            groups["metric"] = [part.numpy() for part in self._metric_parts()]
        write_arrays(path, groups, meta)

    def load(self, path):
        """Put a saved state back.

        Args:
            path: The file.

        Returns:
            What was kept with the state, and the values of the metrics, none if they were not
            saved: see `load_metrics`.

        Raises:
            ValueError: If the file is damaged or of another network.
        """
        groups, meta = read_arrays(path, advice="Remove the file to start over.")
        arrays = groups.get("variable", [])
        if list(map(_layout, arrays)) != [_layout(v.numpy()) for v in self.variables]:
            raise ValueError(
                f"The checkpoint {path} is of another network or recipe. Expected "
                f"{len(self.variables)} variables of this one. Received: {len(arrays)} of "
                "another. Remove the file to start over."
            )
        _assign(self.variables, arrays)
        return meta, groups.get("metric", [])

    def has_metrics(self, values):
        """Whether saved values of metrics are of these metrics.

        Those that were given to `compile` by name are made at the first batch.
        """
        return len(values) == len(self._metric_parts())

    def load_metrics(self, values):
        """Put saved metrics back, once the epoch has begun, which has set them to 0."""
        _assign(self._metric_parts(), values)

    def _metric_parts(self):
        strategy = self._distiller.distribute_strategy
        if spans_hosts(strategy):
            # Read they are sums over all hosts, and what is assigned is shared out among them.
            return self._metric_variables
        # Each replica has sums of its own, and adding them up now would round otherwise.
        return [
            part
            for variable in self._metric_variables
            for part in strategy.experimental_local_results(variable.value)
        ]


def _layout(array):
    return array.shape, array.dtype.itemsize


def _assign(variables, arrays):
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array.view(variable.numpy().dtype))


def _unowned_generators(distiller, owned):
    """Variables of random generators that belong to no layer, in the order of their use."""
    if distiller.distribute_strategy.num_replicas_in_sync > 1:
        return []  # Keras cannot draw without a generator of the layer there
    student = distiller.student

    @tf.function
    def draw(*images):
        keras.random.uniform(())  # makes the global generator, if nothing has drawn from it yet
        if not _is_of_keras(student):
            student(keras.tree.pack_sequence_as(student._inputs_struct, images), training=True)
            student._clear_losses()

    shapes = [tf.TensorSpec([1, *image.shape[1:]], image.dtype) for image in student.inputs]
    traced = draw.get_concrete_function(*shapes)
    known = {id(v.value if isinstance(v, keras.Variable) else v) for v in owned}
    found = {id(v.handle): v for v in traced.graph.variables if id(v) not in known}
    return [found[id(handle)] for handle in traced.captured_inputs if id(handle) in found]


def _is_of_keras(model):
    """Whether all layers are Keras's or of this project, which own their generators."""
    layers = model._flatten_layers(include_self=True, recursive=True)
    modules = {type(layer).__module__.partition(".")[0] for layer in layers}
    return modules <= {"keras", "kd_keras"} and not any(
        isinstance(x, keras.layers.Lambda) for x in layers
    )
