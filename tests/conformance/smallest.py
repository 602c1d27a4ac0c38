"""A small form of every network, for promises that are tested on all of them."""

from kd_keras import models

__all__ = ["SIZES", "make"]

# Of a network that is not here, the defaults.
SIZES = {
    "deeply_fused": {"depth": 5},
    "mobile_net": {"depth": 18, "width": 1},
    "plain_cnn": {"depth": 5},
    "res_next": {"depth": 11, "width": 1, "cardinality": 2},
    "resnet": {"depth": 8},
    "vgg": {"depth": 8, "width": 1},
    "wide_resnet": {"depth": 10, "width": 1},
}


def make(name, **arguments):
    """Build it for images of 8 x 8 pixels and a few classes."""
    sizes = {"image_shape": (8, 8, 3), "num_classes": 4, **SIZES.get(name, {})}
    return models.get(name, **{**sizes, "seed": 0, **arguments})
