import pytest
import tensorflow as tf

from kd_keras import training

NO_UNITS = "this processor has no units for bfloat16"


@pytest.fixture
def equip_machine(monkeypatch):
    """Gives the machine GPUs, by their compute capabilities, and a processor."""

    def put(gpus=(), processor=()):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(gpus))
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda gpu: {"compute_capability": gpu} if gpu else {},
        )
        monkeypatch.setattr("kd_keras.processor.capabilities", lambda: frozenset(processor))

    return put


@pytest.mark.parametrize(
    ("gpus", "processor", "value", "reason"),
    [
        ([], ["amx_bf16", "avx512_bf16"], "mixed_bfloat16", "this processor has AMX"),
        ([], ["avx512_bf16", "avx2"], "mixed_bfloat16", "this processor has AVX-512 BF16"),
        ([], ["avx2"], "float32", NO_UNITS),
        ([], [], "float32", NO_UNITS),
        ([(8, 0)], [], "mixed_bfloat16", "the GPU has compute capability 8.0"),
        ([(9, 0), (12, 0)], [], "mixed_bfloat16", "the GPU has compute capability 9.0"),
        ([(9, 0), (7, 5)], [], "mixed_float16", "the GPU has compute capability 7.5"),
        ([(6, 1)], ["amx_bf16"], "float32", "the GPU has compute capability 6.1"),
        ([None], [], "float32", "the GPU does not tell what it is quick in"),
    ],
)
def test_the_precision_that_a_machine_is_quick_in(equip_machine, gpus, processor, value, reason):
    equip_machine(gpus, processor)
    assert training.choose_precision() == training.Choice(value, reason)


@pytest.mark.parametrize(
    ("gpus", "value", "reason"),
    [
        ([], "no", "XLA's convolutions are slow on processors"),
        ([(8, 0)], "yes", "there is a GPU"),
    ],
)
def test_whether_xla_is_quicker(equip_machine, gpus, value, reason):
    equip_machine(gpus)
    assert training.choose_xla() == training.Choice(value, reason)


def test_what_the_user_asks_for_is_the_choice(equip_machine):
    equip_machine([(8, 0)], ["amx_bf16"])
    assert training.choose_precision("float32") == training.Choice("float32")
    assert training.choose_xla("no") == training.Choice("no")
