"""Networks from images to logits, and the discriminator from logits to a verdict.

To add a network: one module with a function, and its line in `NETWORKS`.
"""

import lazy_loader

from kd_keras import registry

NETWORKS = {
    "wide_resnet": "kd_keras.models.wide_resnet:wide_resnet",
}
DISCRIMINATORS = {
    "discriminator": "kd_keras.models.discriminator:discriminator",
}


def names():
    """The names of the networks from images to logits, sorted."""
    return sorted(NETWORKS)


def get(name, /, **arguments):
    """Build the network of that name.

    Args:
        name: One of `names()`, or `"discriminator"`.
        **arguments: Of the network's function.

    Returns:
        A `keras.Model`.

    Raises:
        ValueError: If there is no network of that name.
        TypeError: If the network takes no such argument.
    """
    return registry.build("network", {**NETWORKS, **DISCRIMINATORS}, name, **arguments)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        **registry.submodule_attributes({**NETWORKS, **DISCRIMINATORS}),
        "acceleration": ["accelerate"],
        "conversion": [
            "has_preprocessing",
            "preprocessing",
            "to_logits",
            "with_taps",
            "without_preprocessing",
        ],
        "fingerprints": ["fingerprint", "fingerprint_weights"],
        "precision": ["to_float32"],
        "teachers": ["active_random_states", "mean_of", "with_active_dropout"],
    },
)
__all__ += ["DISCRIMINATORS", "NETWORKS", "get", "names"]
