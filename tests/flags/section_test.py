import dataclasses

import pytest
from absl import flags as absl_flags

from flags import section


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    steps: int = 3
    rate: float = 0.5
    label: str = "a"
    fast: bool = False
    drops: tuple[int, ...] = (1, 2)
    names: tuple[str, ...] = ()
    padding: str = dataclasses.field(default="zero", metadata={"choices": ("zero", "reflect")})

    def __post_init__(self):
        if self.steps < 0:
            raise ValueError("Too few steps.")


def make_section(prefix=""):
    built = section.Section("recipe", Recipe, prefix)
    for field in dataclasses.fields(Recipe):
        built.add(field.name, "Words.", choices=("x", "y") if field.name == "names" else ())
    return built


def read(*words, prefix=""):
    built = make_section(prefix)
    flag_values = absl_flags.FlagValues()
    built.define(flag_values)
    assert flag_values(["program", *words]) == ["program"]
    return built.read(flag_values)


def test_a_flag_has_the_fields_name_type_default_and_choices():
    first, *_, last = make_section().flags
    assert first == section.Flag("steps", "steps", int, 3, "Words.")
    assert last == section.Flag("padding", "padding", str, "zero", "Words.", ("zero", "reflect"))


def test_without_words_the_defaults_are_read():
    assert read() == Recipe()


def test_words_are_turned_into_the_fields_types():
    words = ["--steps=4", "--rate=2", "--label=3", "--fast", "--drops=5", "--names=x:2,y"]
    assert read(*words, "--padding=reflect") == Recipe(
        steps=4, rate=2.0, label="3", fast=True, drops=(5,), names=("x:2", "y"), padding="reflect"
    )


def test_a_prefix_and_a_name_of_its_own():
    assert read("--my_steps=4", prefix="my_").steps == 4
    built = section.Section("recipe", Recipe, "my_")
    built.add("steps", "Words.", name="count")
    built.add("rate", "Words.")
    assert [flag.name for flag in built.flags] == ["count", "my_rate"]


def test_the_range_is_checked_by_the_dataclass():
    with pytest.raises(ValueError, match="Too few steps"):
        read("--steps=-1")


def test_a_choice_takes_no_weight_but_a_list_of_names_does():
    with pytest.raises(absl_flags.IllegalFlagValueError, match="Received: zero:2"):
        read("--padding=zero:2")
    with pytest.raises(absl_flags.IllegalFlagValueError, match=r"Unknown names.*Received: z:2"):
        read("--names=x:2,z:2")


def test_parsed_flags_are_written_back_as_words():
    built = make_section()
    flag_values = absl_flags.FlagValues()
    built.define(flag_values)
    flag_values(["program", "--drops=5,6", "--fast", "--steps=4"])
    words = flag_values.flags_into_string().split("\n")
    assert {"--drops=5,6", "--fast", "--steps=4"} <= set(words)


def test_an_unknown_field_is_a_mistake_in_the_code():
    with pytest.raises(KeyError):
        section.Section("recipe", Recipe).add("stepps", "Words.")


def test_a_flag_that_is_repeated_keeps_its_commas():
    built = section.Section("recipe", Recipe)
    built.add("names", "Words.", name="name", repeated=True)
    values = absl_flags.FlagValues()
    built.define(values)
    values(["main.py", "--name=a,b", "--name", "c"])
    assert built.read(values) == Recipe(names=("a,b", "c"))


def test_without_it_a_repeated_flag_has_its_default():
    built = section.Section("recipe", Recipe)
    built.add("names", "Words.", repeated=True)
    values = absl_flags.FlagValues()
    built.define(values)
    values(["main.py"])
    assert built.read(values) == Recipe()
