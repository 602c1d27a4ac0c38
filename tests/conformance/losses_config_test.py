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
_ALTERNATIVES = {"name": "other", "reduction": "mean", "temperature": 7.0, "weight_clip": 0.5}

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
    arguments = {name: _ALTERNATIVES[name] for name in inspect.signature(entry).parameters}
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
def test_an_unknown_argument_of_a_loss_is_refused(name):
    with pytest.raises(TypeError, match=f"^Unexpected argument for loss {name}. "):
        losses.get(name, unknown_argument=1)


@pytest.mark.parametrize("name", games.names())
def test_an_unknown_argument_of_a_game_is_refused(name):
    with pytest.raises(TypeError, match=f"^Unexpected argument for game {name}. "):
        games.get(name, unknown_argument=1)
