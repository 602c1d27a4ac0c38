import errno
import socket

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError
from tensorflow_datasets.core.download.extractor import ExtractError

from kd_keras import data, registry
from kd_keras.data import downloaded, store

NUM_TRAIN, NUM_TEST = 12, 4
DATASETS = {
    "cifar10": "cifar10",
    "cifar100": "cifar100",
    "fashion_mnist": "fashion_mnist",
    "imagenet32": "imagenet_resized/32x32",
}


def make_examples(features, count, seed):
    """Random values of every feature of a dataset, by the feature's name."""
    random = np.random.RandomState(seed)
    examples = {"id": [f"{number}".encode() for number in range(count)]}
    for name, feature in features.items():
        if isinstance(feature, tfds.features.Image):
            pixels = random.randint(0, 256, size=(count, *feature.shape))
            examples[name] = pixels.astype(np.uint8)
        elif isinstance(feature, tfds.features.ClassLabel):
            examples[name] = np.arange(count) * 7 % feature.num_classes
    return {name: examples[name] for name in features}


def write_dataset(root, name):
    """Prepare a small dataset under the name of a real one; return its examples."""
    name, _, config = DATASETS[name].partition("/")
    builder = tfds.builder(f"{name}/{config}" if config else name, data_dir=root)
    test = "validation" if name == "imagenet_resized" else "test"
    counts = {"train": NUM_TRAIN, test: NUM_TEST}
    content = {
        split: make_examples(builder.info.features, count, seed)
        for seed, (split, count) in enumerate(counts.items())
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        config=config or None,
        version=str(builder.version),
        features=builder.info.features,
        split_datasets={
            split: tf.data.Dataset.from_tensor_slices(examples)
            for split, examples in content.items()
        },
        data_dir=root,
        disable_shuffling=True,
    )
    return content["train"], content[test]


def load(name, directory, *, download=False, limit_bytes=10**9, cache="unused"):
    """The splits as the source has them."""
    return registry.build(
        "dataset",
        data.TABLE,
        name,
        directory=str(directory),
        download=download,
        image_store=store.Store(
            cache_directory=str(cache), memory_limit_gigabytes=limit_bytes / 1e9
        ),
    )


def check_split(split, examples):
    np.testing.assert_array_equal(split.images_at(range(len(split))), examples["image"])
    np.testing.assert_array_equal(split.labels, examples["label"])


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(downloaded, "_PIECE_SIZE", 5)


@pytest.fixture(autouse=True)
def connections(monkeypatch):
    """The addresses that are tried, without a network."""
    tried = []

    def refuse(address, timeout):
        assert timeout <= 10
        tried.append(address)
        raise socket.gaierror("no such host")

    monkeypatch.setattr(socket, "create_connection", refuse)
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    return tried


@pytest.mark.parametrize("name", list(DATASETS))
def test_a_prepared_dataset_is_read_in_its_order(tmp_path, name):
    train, test = write_dataset(tmp_path, name)
    splits = load(name, tmp_path)
    assert splits.name == name
    assert splits.flip_keeps_label
    check_split(splits.train, train)
    check_split(splits.test, test)
    assert len(splits.validation) == 0


@pytest.mark.parametrize(
    ("name", "image_shape", "num_classes"),
    [
        ("cifar10", (32, 32, 3), 10),
        ("cifar100", (32, 32, 3), 100),
        ("fashion_mnist", (28, 28, 1), 10),
        ("imagenet32", (32, 32, 3), 1000),
    ],
)
def test_shape_and_classes_are_those_of_the_dataset(tmp_path, name, image_shape, num_classes):
    write_dataset(tmp_path, name)
    splits = load(name, tmp_path)
    assert splits.image_shape == image_shape
    assert splits.num_classes == num_classes
    assert all(type(class_name) is str for class_name in splits.class_names)


def test_class_names_are_read(tmp_path):
    write_dataset(tmp_path, "fashion_mnist")
    assert load("fashion_mnist", tmp_path).class_names[:3] == (
        "T-shirt/top",
        "Trouser",
        "Pullover",
    )


def test_what_is_larger_than_memory_is_mapped(tmp_path):
    train, test = write_dataset(tmp_path, "imagenet32")
    size_bytes = (NUM_TRAIN + NUM_TEST) * 32 * 32 * 3
    for _ in range(2):
        splits = load("imagenet32", tmp_path, limit_bytes=size_bytes - 1, cache=tmp_path / "cache")
        assert splits.train.block.is_mapped
        assert splits.test.block.is_mapped
        check_split(splits.train, train)
        check_split(splits.test, test)
    held = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "cache").iterdir())
    assert held == ["imagenet32-train", "imagenet32-validation"]
    assert not load("imagenet32", tmp_path, limit_bytes=size_bytes).train.block.is_mapped


def test_load_passes_its_settings_on(tmp_path):
    train, _ = write_dataset(tmp_path, "cifar10")
    splits = data.load(
        "cifar10",
        str(tmp_path),
        memory_limit_gigabytes=1e-9,
        cache_directory=str(tmp_path / "cache"),
        validation_fraction=0.1,
    )
    assert splits.train.block.is_mapped
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [11, 1, 4]
    np.testing.assert_array_equal(
        splits.train.images_at([0]), train["image"][splits.train.rows[:1]]
    )


@pytest.mark.parametrize("name", list(DATASETS))
def test_what_is_not_there_is_not_fetched_unasked(tmp_path, connections, name):
    with pytest.raises(FileNotFoundError) as error:
        load(name, tmp_path)
    version = tfds.builder(DATASETS[name], data_dir=tmp_path).version
    assert str(error.value) == (
        f"No prepared {DATASETS[name]} in {tmp_path}. Expected {tmp_path}/{DATASETS[name]}/"
        f"{version}. Fetch it with --download, or name the folder that holds it with "
        "--data_directory."
    )
    assert connections == []


def test_without_a_network_a_download_fails_at_once(tmp_path, connections):
    with pytest.raises(ConnectionError) as error:
        load("cifar10", tmp_path, download=True)
    assert str(error.value) == (
        "Cannot download cifar10. Expected a connection to www.cs.toronto.edu. Received: no such "
        "host. Prepare the dataset on a machine with a network, and name its folder with "
        "--data_directory."
    )
    assert connections == [("www.cs.toronto.edu", 443)]


@pytest.mark.parametrize(
    ("variable", "value", "address"),
    [
        ("https_proxy", "http://proxy.example:3128", ("proxy.example", 3128)),
        ("https_proxy", "proxy.example:8080", ("proxy.example", 8080)),
        ("all_proxy", "https://proxy.example", ("proxy.example", 443)),
        ("http_proxy", "http://proxy.example:3128", ("www.cs.toronto.edu", 443)),
    ],
)
def test_a_proxy_is_asked_instead_of_the_server(
    tmp_path, monkeypatch, connections, variable, value, address
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConnectionError, match=rf"Expected a connection to {address[0]}\."):
        load("cifar10", tmp_path, download=True)
    assert connections == [address]


def test_a_server_without_a_proxy_is_asked_itself(tmp_path, monkeypatch, connections):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "cs.toronto.edu")
    with pytest.raises(ConnectionError):
        load("cifar10", tmp_path, download=True)
    assert connections == [("www.cs.toronto.edu", 443)]


def test_a_prepared_dataset_needs_no_network(tmp_path, connections):
    write_dataset(tmp_path, "cifar10")
    assert len(load("cifar10", tmp_path, download=True).train) == NUM_TRAIN
    assert connections == []


@pytest.fixture
def download(tmp_path, monkeypatch):
    """Puts a function in the place of the download."""

    class Connection:
        def close(self):
            """Nothing was opened."""

    class BuilderToFetch:
        is_there = False

        def __init__(self, prepared, fetch):
            self.prepared, self.fetch = prepared, fetch

        def __getattr__(self, name):
            return getattr(self.prepared, name)

        def is_prepared(self):
            return self.is_there

        def download_and_prepare(self):
            self.fetch()
            self.is_there = True

    def put(fetch):
        builder = BuilderToFetch(tfds.builder("cifar10", data_dir=tmp_path), fetch)
        monkeypatch.setattr(tfds, "builder", lambda name, data_dir: builder)
        monkeypatch.setattr(socket, "create_connection", lambda address, timeout: Connection())

    return put


def test_a_download_prepares_the_dataset(tmp_path, download):
    train, _ = write_dataset(tmp_path, "cifar10")
    fetched = []
    download(lambda: fetched.append("cifar10"))
    check_split(load("cifar10", tmp_path, download=True).train, train)
    assert fetched == ["cifar10"]


def fail_with(error):
    def fetch():
        raise error

    return fetch


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (tfds.download.DownloadError("Failed to get url U. HTTP code: 503."), "U. HTTP code: 503"),
        (NonMatchingChecksumError("U has wrong checksum:\n* Expected: 1"), "U has wrong checksum"),
        (ExtractError("Error while extracting F"), "Error while extracting F"),
        (ConnectionError("Connection broken: 3 bytes read"), "Connection broken: 3 bytes read"),
    ],
)
def test_a_download_that_fails_is_said_with_what_to_do(tmp_path, download, error, told):
    download(fail_with(error))
    with pytest.raises(ConnectionError) as caught:
        load("cifar10", tmp_path, download=True)
    said = str(caught.value)
    assert said.startswith("Cannot download cifar10. ")
    assert said.endswith(
        f"{told}. Try again, or prepare the dataset elsewhere, and name its folder with "
        "--data_directory."
    )


def test_a_full_disk_is_no_failed_download(tmp_path, download):
    download(fail_with(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match="No space left") as caught:
        load("cifar10", tmp_path, download=True)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_dataset_is_said_with_what_to_remove(tmp_path, damage):
    write_dataset(tmp_path, "cifar10")
    [shard] = tmp_path.rglob("*train*tfrecord*")
    content = bytearray(shard.read_bytes())
    if damage == "changed":
        content[len(content) // 2] ^= 1
    shard.write_bytes(content[:-5] if damage == "cut" else content)
    if damage == "gone":
        shard.unlink()
    with pytest.raises(ValueError, match="Damaged dataset") as caught:
        load("cifar10", tmp_path)
    said = str(caught.value)
    assert said.startswith(f"Damaged dataset in {shard.parent}. Expected the files as Tensor")
    assert said.endswith("Remove the folder, and fetch the dataset again with --download.")
