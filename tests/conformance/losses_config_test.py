"""Every loss and every game is built from its configuration alone, which has every argument."""

import inspect

import keras
import pytest

from kd_keras import losses, registry
from kd_keras.losses import games

_ENTRIES = [
    *(registry.locate("loss", losses.TABLE, name) for name in losses.names()),
    *(registry.locate("game", games.TABLE, name) for name in games.names()),
]
_ALTERNATIVES = {
    "adapter": False,
    "alpha": 12.25,
    "beta": 4.0,
    "center_weight": 0.1,
    "contrast_temperature": 0.1,
    "degree": 3,
    "deviation": 0.2,
    "embedding_size": 7,
    "form": "hard",
    "fraction": 0.5,
    "initial_variance": 2.0,
    "inter_class_weight": 0.5,
    "intra_class_weight": 0.25,
    "kernel": "gaussian",
    "list_length": 3,
    "margin": 0.5,
    "momentum": 0.5,
    "name": "other",
    "negatives": 5,
    "normalize": False,
    "offset": 1.0,
    "others_weight": 6.0,
    "penalty_weight": 5.0,
    "power": 1.0,
    "probability": 0.25,
    "reduction": "mean",
    "redundancy": 0.5,
    "regressor": "relu",
    "seed": 3,
    "standardize": True,
    "taps": ("first", "second"),
    "target_weight": 2.0,
    "teacher_taps": ("third", "fourth"),
    "temperature": 7.0,
    "weight_clip": 0.5,
}
# Losses that read one layer only.
_ONE_LAYER = {
    name: {"taps": ("first",), "teacher_taps": ("third",)}
    for name in ("ContrastMemory", "SelectedNeurons")
}

every_entry = pytest.mark.parametrize("entry", _ENTRIES, ids=lambda entry: entry.__name__)


def test_entries_were_found():
    assert len(_ENTRIES) > 0


@every_entry
def test_every_argument_has_a_default_and_is_an_attribute_and_a_key(entry):
    parameters = inspect.signature(entry).parameters
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())
    instance = entry()
    assert instance.get_config() == {name: getattr(instance, name) for name in parameters}
    for name in set(parameters) - {"name"}:
        assert getattr(instance, name) == parameters[name].default


@every_entry
def test_every_argument_survives_the_round_trip(entry):
    alternatives = {**_ALTERNATIVES, **_ONE_LAYER.get(entry.__name__, {})}
    arguments = {name: alternatives[name] for name in inspect.signature(entry).parameters}
    config = entry(**arguments).get_config()
    assert config == arguments
    assert entry.from_config(config).get_config() == arguments


@every_entry
def test_is_registered_with_keras(entry):
    assert keras.saving.get_registered_name(entry) == f"kd_keras>{entry.__name__}"
    instance = entry()
    restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(instance))
    assert type(restored) is entry
    assert restored.get_config() == instance.get_config()


@every_entry
def test_scheduled_arguments_exist_and_are_keywords_of_per_example(entry):
    scheduled = getattr(entry, "scheduled", ())
    assert set(scheduled) <= set(inspect.signature(entry).parameters)
    for name in scheduled:
        assert inspect.signature(entry.per_example).parameters[name].default is None


@pytest.mark.parametrize("name", losses.names())
def test_a_loss_has_a_published_weight_and_says_where_it_is_from(name):
    entry = registry.locate("loss", losses.TABLE, name)
    assert entry.default_weight > 0
    assert losses.default_weight(name) == entry.default_weight
    assert "default_weight_source" in vars(entry)


@pytest.mark.parametrize("name", losses.names())
def test_every_argument_is_also_read_from_a_text(name):
    entry = registry.locate("loss", losses.TABLE, name)
    alternatives = {**_ALTERNATIVES, **_ONE_LAYER.get(entry.__name__, {})}
    arguments = {key: alternatives[key] for key in losses.arguments(name) if key != "name"}
    texts = {
        key: "+".join(value) if isinstance(value, tuple) else str(value)
        for key, value in arguments.items()
    }
    assert losses.read_options(name, texts) == arguments


@pytest.mark.parametrize("name", losses.names())
def test_an_unknown_argument_of_a_loss_is_refused(name):
    with pytest.raises(TypeError, match=f"^Unexpected argument for loss {name}. "):
        losses.get(name, unknown_argument=1)


@pytest.mark.parametrize("name", games.names())
def test_an_unknown_argument_of_a_game_is_refused(name):
    with pytest.raises(TypeError, match=f"^Unexpected argument for game {name}. "):
        games.get(name, unknown_argument=1)
