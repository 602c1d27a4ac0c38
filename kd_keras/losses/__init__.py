"""Distillation losses: one class per file, over the common base in `base`.

To add a loss: one module with the class, and its line in `TABLE`.
"""

import inspect

import lazy_loader

from kd_keras import registry

TABLE = {
    "attention_transfer": "kd_keras.losses.attention_transfer:AttentionTransfer",
    "class_distance": "kd_keras.losses.class_distance:ClassDistance",
    "contrast_memory": "kd_keras.losses.contrast_memory:ContrastMemory",
    "correlation_congruence": "kd_keras.losses.correlation_congruence:CorrelationCongruence",
    "dark_rank": "kd_keras.losses.dark_rank:DarkRank",
    "decoupled_distillation": "kd_keras.losses.decoupled_distillation:DecoupledDistillation",
    "hint": "kd_keras.losses.hint:Hint",
    "in_batch_contrast": "kd_keras.losses.in_batch_contrast:InBatchContrast",
    "logit_l1": "kd_keras.losses.logit_l1:LogitL1",
    "logit_regression": "kd_keras.losses.logit_regression:LogitRegression",
    "neuron_selectivity": "kd_keras.losses.neuron_selectivity:NeuronSelectivity",
    "noisy_teacher": "kd_keras.losses.noisy_teacher:NoisyTeacher",
    "probabilistic_transfer": "kd_keras.losses.probabilistic_transfer:ProbabilisticTransfer",
    "relational_angle": "kd_keras.losses.relational_angle:RelationalAngle",
    "relational_distance": "kd_keras.losses.relational_distance:RelationalDistance",
    "relative_dissimilarity": "kd_keras.losses.relative_dissimilarity:RelativeDissimilarity",
    "selected_neurons": "kd_keras.losses.selected_neurons:SelectedNeurons",
    "similarity_preserving": "kd_keras.losses.similarity_preserving:SimilarityPreserving",
    "soft_target": "kd_keras.losses.soft_target:SoftTarget",
    "solution_flow": "kd_keras.losses.solution_flow:SolutionFlow",
    "stronger_teacher": "kd_keras.losses.stronger_teacher:StrongerTeacher",
    "variational_information": "kd_keras.losses.variational_information:VariationalInformation",
}


def names():
    """The names that `get` takes, sorted."""
    return sorted(TABLE)


def arguments(name):
    """The names of the arguments of a loss's constructor.

    Raises:
        ValueError: If there is no loss of that name.
    """
    return tuple(inspect.signature(registry.locate("loss", TABLE, name)).parameters)


def default_weight(name):
    """The published weight of a loss, which it has where none is given.

    Raises:
        ValueError: If there is no loss of that name.
    """
    return registry.locate("loss", TABLE, name).default_weight


def get(name, /, **arguments):
    """Build the loss of that name.

    Args:
        name: One of `names()`.
        **arguments: Of the loss's constructor.

    Returns:
        A `DistillationLoss`.

    Raises:
        ValueError: If there is no loss of that name.
        TypeError: If the loss takes no such argument.
    """
    return registry.build("loss", TABLE, name, **arguments)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules={"games"},
    submod_attrs={
        **registry.submodule_attributes(TABLE),
        "base": ["DistillationLoss"],
        "options": ["read_options"],
        "taps": ["TapLoss"],
    },
)
__all__ += ["TABLE", "arguments", "default_weight", "get", "names"]
