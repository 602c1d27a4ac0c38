"""Datasets that TensorFlow Datasets prepares: CIFAR-10 and -100, Fashion-MNIST, ImageNet32.

Nothing is fetched unless it is asked for. What is read is in the order in which it is stored.
"""

import functools
import socket
import urllib.parse
import urllib.request

import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import download_manager, extractor

from kd_keras.data import splits

__all__ = ["load_cifar10", "load_cifar100", "load_fashion_mnist", "load_imagenet32"]

_PIECE_SIZE = 1024  # images read at once
_TIMEOUT_SECONDS = 5.0  # for a server to answer

# What TensorFlow Datasets raises beside an OSError; only the first has a public name.
_FAILED_DOWNLOADS = (
    tfds.download.DownloadError,
    download_manager.NonMatchingChecksumError,
    extractor.ExtractError,
)
# What TensorFlow raises where a file is damaged or not there.
_DAMAGES = (tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.NotFoundError)


def _address(url):
    """Host and port to connect to for a URL: its own, or those of the proxy for it."""
    parts = urllib.parse.urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not urllib.request.proxy_bypass(parts.hostname):
        parts = urllib.parse.urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _check_connection(builder):
    """Fail at once where TensorFlow Datasets would try again for minutes."""
    for host, port in sorted({_address(url) for url in builder.url_infos}):
        try:
            socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS).close()
        except OSError as error:
            raise ConnectionError(
                f"Cannot download {builder.name}. Expected a connection to {host}. Received: "
                f"{error}. Prepare the dataset on a machine with a network, and name its folder "
                "with --data_directory."
            ) from error


def _prepared_builder(dataset, directory, download):
    builder = tfds.builder(dataset, data_dir=directory or None)
    if builder.is_prepared():
        return builder
    if not download:
        raise FileNotFoundError(
            f"No prepared {dataset} in {builder.data_dir_root}. Expected {builder.data_dir}. "
            "Fetch it with --download, or name the folder that holds it with --data_directory."
        )
    _check_connection(builder)
    _download(builder)
    return builder


def _download(builder):
    try:
        builder.download_and_prepare()
    except (*_FAILED_DOWNLOADS, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the disk here
        raise ConnectionError(
            f"Cannot download {builder.name}. {_first_line(error)}. Try again, or prepare the "
            "dataset elsewhere, and name its folder with --data_directory."
        ) from error


def _first_line(error):
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(":. ")


def _read(builder, split):
    """Yield pieces of images and labels in stored order."""
    try:
        dataset = builder.as_dataset(
            split=split,
            as_supervised=True,
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        yield from dataset.batch(_PIECE_SIZE).prefetch(1).as_numpy_iterator()
    except _DAMAGES as error:
        raise ValueError(
            f"Damaged dataset in {builder.data_dir}. Expected the files as TensorFlow Datasets "
            f"wrote them. Received: {_first_line(error)}. Remove the folder, and fetch the "
            "dataset again with --download."
        ) from error


def _load(dataset, directory, *, name, download, image_store, test="test"):
    builder = _prepared_builder(dataset, directory, download)
    counts = {split: builder.info.splits[split].num_examples for split in ("train", test)}
    image_shape = builder.info.features["image"].shape
    held = {
        split: image_store.hold(
            functools.partial(_read, builder, split),
            shape=(count, *image_shape),
            dataset_images=sum(counts.values()),
            name=f"{name} {split}",
            files=builder.info.splits[split].filepaths,
        )
        for split, count in counts.items()
    }
    label = builder.info.features["label"]
    return splits.Splits(
        name=name,
        train=held["train"],
        validation=held["train"].select([]),
        test=held[test],
        class_names=tuple(map(label.int2str, range(label.num_classes))),
        flip_keeps_label=True,
    )


def load_cifar10(directory, *, download, image_store):
    """CIFAR-10: 50,000 training and 10,000 test pictures of 32 x 32 pixels, 10 classes.

    Args:
        directory: Of prepared datasets; empty for the place of TensorFlow Datasets.
        download: Fetch and prepare the dataset if it is not there.
        image_store: The `Store` of the images.

    Returns:
        `Splits` as the dataset has them.

    Raises:
        FileNotFoundError: If the dataset is not there, and is not to be fetched.
        ConnectionError: If it is to be fetched, and its server cannot be reached, or what comes
            is incomplete.
        ValueError: If a file of it is damaged.

    Reference:
        Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    return _load("cifar10", directory, name="cifar10", download=download, image_store=image_store)


def load_cifar100(directory, *, download, image_store):
    """CIFAR-100: 50,000 training and 10,000 test pictures of 32 x 32 pixels, 100 fine classes.

    Arguments, result and errors are those of `load_cifar10`.

    Reference:
        Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    return _load("cifar100", directory, name="cifar100", download=download, image_store=image_store)


def load_fashion_mnist(directory, *, download, image_store):
    """Fashion-MNIST: 60,000 training and 10,000 test pictures of 28 x 28 pixels, 10 classes, grey.

    Arguments, result and errors are those of `load_cifar10`.

    Reference:
        Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
        Learning Algorithms", 2017.
    """
    return _load(
        "fashion_mnist", directory, name="fashion_mnist", download=download, image_store=image_store
    )


def load_imagenet32(directory, *, download, image_store):
    """ImageNet of 2012 at 32 x 32 pixels: 1,281,167 training pictures, 1000 classes.

    The 50,000 pictures of its validation are the test split, as is the custom. All together are
    4.1 GB decoded. Arguments, result and errors are those of `load_cifar10`.

    Reference:
        Chrabaszcz, Loshchilov, Hutter, "A Downsampled Variant of ImageNet as an Alternative to
        the CIFAR datasets", 2017.
    """
    return _load(
        "imagenet_resized/32x32",
        directory,
        name="imagenet32",
        download=download,
        image_store=image_store,
        test="validation",
    )
