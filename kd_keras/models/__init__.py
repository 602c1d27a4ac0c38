"""Networks from images to logits, and the discriminator from logits to a verdict.

To add a network: one module with a function, and its line in `NETWORKS`.
"""

import inspect

import lazy_loader

from kd_keras import registry

NETWORKS = {
    "deeply_fused": "kd_keras.models.deeply_fused:deeply_fused",
    "mobile_net": "kd_keras.models.mobile_net:mobile_net",
    "plain_cnn": "kd_keras.models.plain_cnn:plain_cnn",
    "res_next": "kd_keras.models.res_next:res_next",
    "resnet": "kd_keras.models.resnet:resnet",
    "vgg": "kd_keras.models.vgg:vgg",
    "wide_resnet": "kd_keras.models.wide_resnet:wide_resnet",
}
DISCRIMINATORS = {
    "discriminator": "kd_keras.models.discriminator:discriminator",
}
# Of `keras.applications`; listed here, because importing Keras takes seconds.
# fmt: off
APPLICATIONS = (
    "ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge",
    "DenseNet121", "DenseNet169", "DenseNet201", "EfficientNetB0", "EfficientNetB1",
    "EfficientNetB2", "EfficientNetB3", "EfficientNetB4", "EfficientNetB5", "EfficientNetB6",
    "EfficientNetB7", "EfficientNetV2B0", "EfficientNetV2B1", "EfficientNetV2B2",
    "EfficientNetV2B3", "EfficientNetV2L", "EfficientNetV2M", "EfficientNetV2S",
    "InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large",
    "MobileNetV3Small", "NASNetLarge", "NASNetMobile", "ResNet101", "ResNet101V2", "ResNet152",
    "ResNet152V2", "ResNet50", "ResNet50V2", "VGG16", "VGG19", "Xception",
)
# fmt: on
_PREFIX = "applications/"
_SIZES = ("depth", "dropout", "width")  # arguments with a flag of their own
_ENTRIES = {
    **NETWORKS,
    **DISCRIMINATORS,
    **{_PREFIX + name: "kd_keras.models.applications:application" for name in APPLICATIONS},
}


def names(*, applications=False):
    """The names of the networks from images to logits, sorted.

    Args:
        applications: Whether those of `keras.applications` are among them, as
            `applications/MobileNetV2`.
    """
    return sorted(NETWORKS) + [_PREFIX + name for name in APPLICATIONS] * applications


def arguments(name):
    """The names of the arguments of a network's function.

    Raises:
        ValueError: If there is no network of that name.
    """
    return tuple(inspect.signature(registry.locate("network", _ENTRIES, name)).parameters)


def read_options(name, texts):
    """Turn texts into arguments of a network's function other than its depth, width and dropout.

    Args:
        name: The network's name.
        texts: Texts by the argument's name.

    Returns:
        Values by the argument's name.

    Raises:
        ValueError: If there is no such network or argument, or a text is not of its type.

    Example:
        >>> read_options("res_next", {"cardinality": "32"})
        {'cardinality': 32}
    """
    entry = registry.locate("network", _ENTRIES, name)
    if name.startswith(_PREFIX):
        from kd_keras.models.applications import defaults_of

        return registry.convert_texts(name, defaults_of(name.removeprefix(_PREFIX)), texts)
    defaults = {
        key: parameter.default
        for key, parameter in inspect.signature(entry).parameters.items()
        if isinstance(parameter.default, bool | int | float | str) and key not in _SIZES
    }
    return registry.convert_texts(name, defaults, texts)


def get(name, /, **arguments):
    """Build the network of that name.

    Args:
        name: One of `names(applications=True)`, or `"discriminator"`.
        **arguments: Of the network's function.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: If there is no network of that name.
        TypeError: If the network takes no such argument.
    """
    if name.startswith(_PREFIX):
        arguments["architecture"] = name.removeprefix(_PREFIX)
    return registry.build("network", _ENTRIES, name, **arguments)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        **registry.submodule_attributes({**NETWORKS, **DISCRIMINATORS}),
        "applications": ["application"],
        "acceleration": ["accelerate"],
        "binary_weights": ["with_binary_weights"],
        "conversion": [
            "has_preprocessing",
            "preprocessing",
            "with_taps",
            "without_preprocessing",
        ],
        "ensembles": ["mean_of", "member_name"],
        "fake_quantization": ["learned_ranges", "with_fake_quantization", "with_ranges"],
        "fingerprints": ["fingerprint", "fingerprint_weights"],
        "kernel_transforms": ["to_plain"],
        "logits": ["to_logits"],
        "normalization_statistics": ["re_estimate_statistics"],
        "precision": ["to_float32", "to_policy"],
        "rep_distiller": ["read_rep_distiller"],
        "pruning": ["prune_filters"],
        "sharing": ["share_convolutions"],
        "teachers": ["active_random_states", "with_active_dropout"],
    },
)
__all__ += [
    "APPLICATIONS",
    "DISCRIMINATORS",
    "NETWORKS",
    "arguments",
    "get",
    "names",
    "read_options",
]
