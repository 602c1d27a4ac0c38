import collections
import fractions

import pytest

from kd_keras import registry

TABLE = {
    "counter": "collections:Counter",
    "fraction": "fractions:Fraction",
}


def takes_anything(**arguments):
    return arguments


def takes_two(*, first=1, second=2):
    return first, second


HERE = {"anything": f"{__name__}:takes_anything", "two": f"{__name__}:takes_two"}


def test_locate_imports_what_the_table_says():
    assert registry.locate("thing", TABLE, "counter") is collections.Counter
    assert registry.locate("thing", TABLE, "fraction") is fractions.Fraction


def test_an_entry_is_imported_when_it_is_used_and_not_before():
    table = {"good": "collections:Counter", "bad": "no_such_module_at_all:Thing"}
    registry.locate("thing", table, "good")
    with pytest.raises(ModuleNotFoundError):
        registry.locate("thing", table, "bad")


@pytest.mark.parametrize("use", [registry.locate, registry.build])
def test_an_unknown_name_is_refused_with_all_names_and_the_nearest(use):
    with pytest.raises(ValueError, match="thing") as caught:
        use("thing", TABLE, "fractoin")
    assert str(caught.value) == (
        "Unknown thing. Expected one of counter, fraction. Received: fractoin. "
        "Did you mean fraction?"
    )


def test_no_near_name_is_guessed_where_none_is_near():
    error = registry.unknown_name("loss", ["b", "a"], "zzz")
    assert isinstance(error, ValueError)
    assert str(error) == "Unknown loss. Expected one of a, b. Received: zzz."


def test_a_name_of_another_type_is_refused_in_words():
    assert str(registry.unknown_name("loss", ["a"], None)) == (
        "Unknown loss. Expected one of a. Received: None."
    )


def test_build_passes_arguments_by_name():
    assert registry.build("thing", HERE, "two", second=5) == (1, 5)
    assert registry.build("thing", HERE, "two") == (1, 2)


def test_build_refuses_an_argument_that_the_entry_does_not_take():
    with pytest.raises(TypeError) as caught:
        registry.build("thing", HERE, "two", third=5, fourth=6)
    assert str(caught.value) == (
        "Unexpected argument for thing two. Expected some of first, second. "
        "Received: fourth, third."
    )


def test_an_entry_with_free_arguments_takes_any_even_a_name_or_a_kind():
    arguments = {"third": 5, "name": "a", "kind": "b", "table": "c"}
    assert registry.build("thing", HERE, "anything", **arguments) == arguments


def test_submodule_attributes_groups_by_module():
    table = {
        "one": "package.first:One",
        "two": "package.second:two",
        "three": "package.first:Three",
    }
    assert registry.submodule_attributes(table) == {"first": ["One", "Three"], "second": ["two"]}
