"""Every loss and every game is built from its configuration alone, which has every argument."""

import inspect
import re

import keras
import pytest

from kd_keras import losses, registry
from kd_keras.losses import games

_ENTRIES = [
    *(registry.locate("loss", losses.TABLE, name) for name in losses.names()),
    *(registry.locate("game", games.TABLE, name) for name in games.names()),
]


def _parameters(entry):
    return inspect.signature(entry).parameters


def _other_value(entry, name):
    """A value that an argument may have and does not have by default."""
    default = _parameters(entry)[name].default
    if name == "name":
        return "other"
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return default / 2 or 0.5
    if isinstance(default, tuple):  # Layers: as many of the teacher as of the student.
        return tuple(
            f"{name}{number}" for number, _ in enumerate(_parameters(entry)["taps"].default)
        )
    # What names there are is in the sentence that refuses another.
    with pytest.raises(ValueError, match="Expected one of") as caught:
        entry(**{name: "no_such_name"})
    names = re.search(r"Expected one of (.*?)\. Received", str(caught.value))[1].split(", ")
    return next(found for found in names if found != default)


def _other_values(entry):
    return {name: _other_value(entry, name) for name in _parameters(entry)}


every_entry = pytest.mark.parametrize("entry", _ENTRIES, ids=lambda entry: entry.__name__)


def test_entries_were_found():
    assert len(_ENTRIES) > 0


@every_entry
def test_every_argument_has_a_default_and_is_an_attribute_and_a_key(entry):
    parameters = _parameters(entry)
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())
    instance = entry()
    assert instance.get_config() == {name: getattr(instance, name) for name in parameters}
    for name in set(parameters) - {"name"}:
        assert getattr(instance, name) == parameters[name].default


@every_entry
def test_every_argument_survives_the_round_trip(entry):
    arguments = _other_values(entry)
    assert not any(arguments[name] == _parameters(entry)[name].default for name in arguments)
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
    assert set(scheduled) <= set(_parameters(entry))
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
    arguments = {key: value for key, value in _other_values(entry).items() if key != "name"}
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
