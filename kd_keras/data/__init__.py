"""Labelled images: the datasets, their splits, augmentation and batches.

To add a dataset: one module with a function that returns `Splits` as the source has them, and its
line in `TABLE`. Of the arguments of `load` it takes those that mean something to it, by name.
"""

import lazy_loader

TABLE = {
    "cifar10": "kd_keras.data.downloaded:load_cifar10",
    "cifar100": "kd_keras.data.downloaded:load_cifar100",
    "digits": "kd_keras.data.digits:load_digits",
    "fashion_mnist": "kd_keras.data.downloaded:load_fashion_mnist",
    "image_folder": "kd_keras.data.image_folder:load_image_folder",
    "imagenet32": "kd_keras.data.downloaded:load_imagenet32",
    "synthetic": "kd_keras.data.synthetic:load_synthetic",
}


def names():
    """The names that `load` takes, sorted."""
    return sorted(TABLE)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["pictures"],
    submod_attrs={
        "augmentation": ["Augmentation"],
        "batches": [
            "evaluation_batches",
            "steps_per_epoch",
            "training_batches",
            "with_examples",
        ],
        "loading": ["load"],
        "splits": ["Split", "Splits"],
        "views": ["view_batches"],
    },
)
__all__ += ["TABLE", "names"]
