import functools
import pathlib
import subprocess
import sys
import types

import pytest
import tensorflow as tf

from kd_keras import machine, training
from kd_keras.training import devices as module

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def equip_machine(monkeypatch):
    """Puts GPUs into the machine, or takes them out."""
    processors = tf.config.list_physical_devices("CPU")

    def put(gpus):
        devices = {"CPU": processors, "GPU": [f"GPU {i}" for i in range(gpus)]}
        monkeypatch.setattr(tf.config, "list_physical_devices", devices.__getitem__)
        monkeypatch.setattr(
            tf.distribute, "MirroredStrategy", lambda names: types.SimpleNamespace(names=names)
        )

    # A cache of its own, so that no strategy of a machine that is not there outlives the test.
    monkeypatch.setattr(module, "_mirror", functools.cache(module._mirror.__wrapped__))
    return put


@pytest.mark.parametrize(("gpus", "devices"), [(0, "1"), (0, "all"), (1, "all"), (4, "1")])
def test_one_device_needs_no_strategy(equip_machine, gpus, devices):
    equip_machine(gpus)
    assert training.make_strategy(devices) is tf.distribute.get_strategy()
    assert training.make_strategy() is tf.distribute.get_strategy()


def test_all_gpus_or_some_of_them(equip_machine):
    equip_machine(4)
    assert training.make_strategy("all").names == ["GPU:0", "GPU:1", "GPU:2", "GPU:3"]
    assert training.make_strategy("2").names == ["GPU:0", "GPU:1"]


@pytest.mark.parametrize(
    ("devices", "visible", "names"),
    [("1,3", ["GPU 1", "GPU 3"], ["GPU:0", "GPU:1"]), ("2,", ["GPU 2"], None)],
)
def test_gpus_by_their_numbers(equip_machine, monkeypatch, devices, visible, names):
    equip_machine(4)
    shown = []
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *given: shown.append(given))
    strategy = training.make_strategy(devices)
    assert shown == [(visible, "GPU")]
    assert names == getattr(strategy, "names", None)
    assert (strategy is tf.distribute.get_strategy()) is (names is None)


def test_a_process_that_was_given_its_share_of_named_gpus_uses_all_that_it_sees(
    equip_machine, monkeypatch
):
    share = machine.share(0, 2, ["0", "1", "2", "3"], "1,2,3")
    assert share["CUDA_VISIBLE_DEVICES"] == "1,3"
    for name, value in share.items():
        monkeypatch.setenv(name, value)
    equip_machine(2)
    monkeypatch.setattr(tf.config, "set_visible_devices", None)
    assert training.make_strategy("1,2,3").names == ["GPU:0", "GPU:1"]
    with pytest.raises(ValueError, match="Expected GPUs from 0 to 1"):
        training.make_strategy("2,3")


@pytest.mark.parametrize(
    ("gpus", "expected"), [(2, "GPUs from 0 to 1"), (0, "a number, because there is no GPU")]
)
def test_numbers_of_gpus_that_are_not_there(equip_machine, gpus, expected):
    equip_machine(gpus)
    with pytest.raises(ValueError, match="devices") as caught:
        training.make_strategy("0,2")
    assert str(caught.value) == (f"Invalid value for devices. Expected {expected}. Received: 0,2.")


def test_gpus_are_chosen_before_anything_else(equip_machine, monkeypatch):
    equip_machine(4)

    def refuse(*given):
        raise RuntimeError("Visible devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config, "set_visible_devices", refuse)
    with pytest.raises(ValueError, match="GPUs") as caught:
        training.make_strategy("0,2")
    assert str(caught.value) == (
        "Cannot choose the GPUs 0,2. Expected it before TensorFlow's first operation. "
        "Call make_strategy first in the process."
    )


def test_the_same_devices_have_one_strategy(equip_machine):
    equip_machine(2)
    strategy = training.make_strategy("2")
    assert training.make_strategy("2") is strategy
    assert training.make_strategy("all") is strategy


@pytest.fixture
def shown(monkeypatch):
    """Several hosts can be joined; which GPUs this one shows then."""
    found = []
    monkeypatch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", lambda: "of hosts")
    monkeypatch.setattr(module, "_join_hosts", module._join_hosts.__wrapped__)
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda *given: found.append(given))
    return found


@pytest.mark.parametrize(
    ("gpus", "devices", "visible"),
    [
        (0, "1", None),
        (0, "all", None),
        (2, "all", None),
        (4, "2", ["GPU 0", "GPU 1"]),
        (4, "1,3", ["GPU 1", "GPU 3"]),
    ],
)
def test_each_of_several_hosts_shows_its_devices(equip_machine, shown, gpus, devices, visible):
    equip_machine(gpus)
    assert training.make_strategy(devices, hosts=2) == "of hosts"
    assert shown == ([] if visible is None else [(visible, "GPU")])


def test_a_processor_is_not_split_where_there_are_several_hosts(equip_machine, shown):
    equip_machine(0)
    with pytest.raises(ValueError, match="devices") as caught:
        training.make_strategy("2", hosts=2)
    assert str(caught.value) == (
        "Invalid value for devices. Expected 1 or all, because there is no GPU and the processor "
        "of each of several hosts is one device. Received: 2."
    )


def test_more_gpus_than_there_are(equip_machine):
    equip_machine(2)
    with pytest.raises(ValueError, match="devices") as caught:
        training.make_strategy("3")
    assert str(caught.value) == (
        "Invalid value for devices. Expected no more than the 2 GPUs here. Received: 3."
    )


def test_a_processor_that_is_split_already_serves_again(equip_machine):
    equip_machine(0)
    assert training.make_strategy("2").names == ["CPU:0", "CPU:1"]


FRESH = """
import sys
import tensorflow as tf
tf.config.set_visible_devices([], "GPU")
listed = tf.config.list_physical_devices
tf.config.list_physical_devices = lambda kind: [] if kind == "GPU" else listed(kind)
from kd_keras import training
assert training.make_strategy("1").num_replicas_in_sync == 1
strategy = training.make_strategy("2")
assert strategy.num_replicas_in_sync == 2
total = strategy.reduce("SUM", strategy.run(lambda: tf.ones([])), axis=None)
assert float(total) == 2.0
assert training.make_strategy("2") is strategy
training.make_strategy("3")
"""


@pytest.mark.slow
def test_a_fresh_process_splits_its_processor_and_a_late_one_is_told_so():
    result = subprocess.run(
        [sys.executable, "-c", FRESH], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.stderr.rstrip().endswith(
        "ValueError: Cannot split the processor into 3 devices. Expected it before TensorFlow's "
        "first operation. Call make_strategy first in the process."
    )


@pytest.mark.parametrize(
    ("gpus", "precision"),
    [
        (0, "float32"),
        (0, "mixed_bfloat16"),
        (1, "float32"),
        (1, "mixed_bfloat16"),
        (1, "mixed_float16"),
    ],
)
def test_a_precision_that_the_machine_can_compute(equip_machine, gpus, precision):
    equip_machine(gpus)
    assert training.require_precision(precision) is None


def test_float16_is_refused_where_there_is_no_gpu(equip_machine):
    equip_machine(0)
    with pytest.raises(ValueError, match="mixed_float16") as caught:
        training.require_precision("mixed_float16")
    assert str(caught.value) == (
        "Invalid value for precision. Expected float32 or mixed_bfloat16, because there is no GPU "
        "and processors are about a hundred times slower in float16. Received: mixed_float16."
    )
