"""A function's declaration and validator, from its signature, hints and docstring."""

import datetime as dt
import enum
import functools
import json
from collections.abc import Callable
from typing import Annotated

import hypothesis.strategies as st
import jsonschema_rs
import pytest
from hypothesis import given, settings
from pydantic import BaseModel, Field, field_validator

from runner.errors import ManifestError
from runner.tools.arguments import ToolArgumentError
from runner.tools.context import ToolContext, use_context
from runner.tools.declaration import FunctionArguments
from runner.tools.hints import enclosing_names
from tests.tools import annotated


def schema_of(function):
    return FunctionArguments(function).schema


def properties_of(function):
    return schema_of(function)["properties"]


def called(function, args):
    positional, named = FunctionArguments(function).bound(args)
    return function(*positional, **named)


def test_every_kind_of_hint_has_its_schema():
    schema = schema_of(annotated.everything)
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["city", "days"]
    properties = schema["properties"]
    stop = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "nights": {"type": "integer", "default": 1}},
        "required": ["city"],
        "additionalProperties": False,
    }
    address = {
        "type": "object",
        "description": "Where someone lives.",
        "properties": {
            "street": {"type": "string", "description": "with number"},
            "zip": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["street"],
    }
    options = {"type": "object", "properties": {"verbose": {"type": "boolean"}}, "additionalProperties": False}
    null = {"type": "null"}
    pair = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2}
    assert properties == {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        "when": {"anyOf": [{"type": "string", "format": "date"}, null]},
        "ratio": {"anyOf": [{"type": "number"}, null]},
        "address": {"anyOf": [address, null]},
        "stops": {"type": "array", "items": stop, "default": []},
        "options": {"anyOf": [options, null]},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}, "default": {}},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": []},
        "pair": {**pair, "default": [1, "a"]},
        "limit": {"type": "integer", "minimum": 1, "maximum": 9, "description": "at most", "default": 5},
        "note": {"type": "string", "description": "free text", "default": ""},
        "more": {"type": "string", "description": "documented", "default": ""},
        "field": {"type": "integer", "maximum": 9, "description": "as a default", "default": 3},
        "anything": {},
        "plain": {"type": "integer", "default": 7},
    }
    assert '"title"' not in json.dumps(schema)


def test_the_function_gets_python_values_and_its_own_defaults():
    values = called(
        annotated.everything,
        {
            "city": "Paris",
            "days": 2.0,
            "unit": "f",
            "when": "2026-01-02",
            "address": {"street": "a"},
            "stops": [{"city": "Rome", "nights": 2.0}],
            "tags": ["a", "a"],
            "pair": [1.0, "x"],
        },
    )
    assert values["days"] == 2
    assert values["days"].__class__ is int
    assert values["unit"] is annotated.Unit.FAHRENHEIT
    assert values["when"] == dt.date(2026, 1, 2)
    assert values["address"] == annotated.Address(street="a")
    assert values["stops"] == [annotated.Stop("Rome", 2)]
    assert values["tags"] == {"a"}
    assert values["pair"] == (1, "x")
    assert (values["mode"], values["field"], values["plain"], values["anything"]) == ("fast", 3, 7, None)
    assert values["stops"][0].nights.__class__ is int


def test_a_recursive_model_keeps_its_definition_and_a_reference_stands_alone():
    schema = schema_of(annotated.grown)
    assert schema["properties"] == {
        "tree": {"$ref": "#/$defs/Tree"},
        "other": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
    }
    assert list(schema["$defs"]) == ["Tree"]
    tree = {"value": 1.0, "children": [{"value": 2.0}]}
    assert FunctionArguments(annotated.grown).checked({"tree": tree}) == {
        "tree": {"value": 1, "children": [{"value": 2}]}
    }


def google(city: str, days: int = 1):
    """Look up the weather.

    With a forecast.

    Args:
        city (str): the city,
            in English
        days: how many days

    Returns:
        dict: the weather
    """


def numpy(city: str, days: int = 1):
    """Look up the weather.

    With a forecast.

    Parameters
    ----------
    city : str
        the city,
        in English
    days : int
        how many days

    Returns
    -------
    dict
        the weather
    """


def sphinx(city: str, days: int = 1):
    """Look up the weather.

    With a forecast.

    :param city: the city,
        in English
    :param days: how many days
    :returns: the weather
    """


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_the_docstring_gives_the_description_and_the_parameters_texts(function):
    arguments = FunctionArguments(function)
    assert arguments.description == "Look up the weather.\n\nWith a forecast."
    assert [item["description"] for item in arguments.schema["properties"].values()] == [
        "the city, in English",
        "how many days",
    ]


def test_a_docstring_in_no_style_is_the_description():
    def plain():
        """Do it: now, or
        (perhaps) later.
        """

    def undocumented(): ...

    assert FunctionArguments(plain).description == "Do it: now, or\n(perhaps) later."
    assert FunctionArguments(undocumented).description == ""


def test_an_annotations_text_wins_over_the_docstrings():
    def both(limit: Annotated[int, "from the annotation"], city: Annotated[str, Field(description="the field's")]):
        """Do.

        Args:
            limit: from the docstring
            city: from the docstring
        """

    texts = [item["description"] for item in properties_of(both).values()]
    assert texts == ["from the annotation", "the field's"]


def test_names_that_pydantic_keeps_for_itself_can_be_parameters():
    def odd(copy: int, model_config: int, _under: int, json: str, title: str = "x", schema: int = 1):
        return locals()

    assert list(properties_of(odd)) == ["copy", "model_config", "_under", "json", "title", "schema"]
    args = {"copy": 1, "model_config": 2, "_under": 3, "json": "j"}
    assert called(odd, args) == {**args, "title": "x", "schema": 1}


def test_positional_only_and_keyword_only_parameters_work():
    def mixed(first: int, second: int = 2, /, third: int = 3, *, fourth: int = 4):
        return first, second, third, fourth

    assert called(mixed, {"first": 1, "fourth": 9}) == (1, 2, 3, 9)
    assert called(mixed, {"first": 1, "second": 8}) == (1, 8, 3, 4)


def test_a_default_that_json_cannot_hold_stays_the_functions_own():
    sentinel = object()

    def lazy(value: int = sentinel):
        return value

    assert properties_of(lazy) == {"value": {"type": "integer"}}
    assert called(lazy, {}) is sentinel


def test_methods_and_partials_hide_what_they_have_filled():
    class Service:
        def find(self, what: str, limit: int = 3, deep: bool = False):
            return what, limit, deep

    assert list(properties_of(Service().find)) == ["what", "limit", "deep"]
    partial = functools.partial(Service().find, limit=5)
    assert list(properties_of(partial)) == ["what", "deep"]
    positional, named = FunctionArguments(partial).bound({"what": "x"})
    assert partial(*positional, **named) == ("x", 5, False)
    first = functools.partial(Service().find, "x")
    assert list(properties_of(first)) == ["limit", "deep"]


def test_a_wrapped_function_is_read_through_its_wrapper():
    def decorated(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    assert decorated(google).__name__ == "google"
    assert schema_of(decorated(google)) == schema_of(google)


def test_the_context_is_injected_and_not_declared():
    assert list(properties_of(annotated.with_context)) == ["city"]
    context = ToolContext("chat")
    with use_context(context):
        assert called(annotated.with_context, {"city": "x"}) == ("x", context, context)
    city, made, none = called(annotated.with_context, {"city": "x"})
    assert (city, none) == ("x", None)
    assert isinstance(made, ToolContext)


def test_hints_as_text_are_found_in_the_function_around_while_it_runs():
    class Local(BaseModel):
        x: int

    def nested(value: "Local"):
        return value

    arguments = FunctionArguments(nested, enclosing=enclosing_names(nested))
    assert arguments.bound({"value": {"x": 1}}) == ([], {"value": Local(x=1)})


def test_an_unknown_return_type_does_not_matter():
    assert list(properties_of(annotated.returns_elsewhere)) == ["amount"]


def star(*names: str): ...
def stars(**names: str): ...
def untyped(city): ...
def untyped_none(city=None): ...
def odd_type(thing: json.JSONDecoder): ...
def a_callable(city: str, call: Callable[[], None] = print): ...
def broken(city: "list["): ...  # noqa: F722  # what is tested


class Thing:
    def method(self, city: str): ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (star, ["star", "*names"]),
        (stars, ["stars", "**names"]),
        (untyped, ["untyped", "'city' has no type"]),
        (untyped_none, ["untyped_none", "'city' has no type"]),
        (odd_type, ["odd_type", "'thing'"]),
        (a_callable, ["a_callable", "'call'"]),
        (broken, ["broken", "'city'"]),
        (annotated.typed_elsewhere, ["typed_elsewhere", "'amount'", "Decimal", "not under TYPE_CHECKING"]),
        (Thing.method, ["Thing.method", "bound method", "tools=[thing.method]"]),
    ],
)
def test_what_cannot_be_declared_is_an_error_naming_function_and_parameter(function, words):
    with pytest.raises(ManifestError) as raised:
        _ = FunctionArguments(function).schema
    assert all(word in str(raised.value) for word in words), str(raised.value)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({"days": 1}, 'argument "city" is missing'),
        ({"city": 1, "days": 1}, 'argument "city" should be a valid string, not 1'),
        ({"city": "x", "days": 1, "citty": 1}, 'no argument "citty"; did you mean "city"?'),
        ({"city": "x", "days": 1, "unit": "k"}, """argument "unit" should be 'c' or 'f', not "k\""""),
        ({"city": "x", "days": 1.5}, 'argument "days" should be a valid integer, got a number with a fractional part'),
        ({"city": "x", "days": 1, "limit": 10}, 'argument "limit" should be less than or equal to 9, not 10'),
        ({"city": "x", "days": 1, "stops": [{"nights": 1}]}, 'argument "stops[0].city" is missing'),
        ({"city": "x", "days": 1, "address": 3}, 'argument "address" should be an object, not 3'),
        ({"city": "x", "days": 1, "options": {"loud": 1}}, 'argument "options.loud" is not known'),
    ],
)
def test_what_is_wrong_with_arguments_is_told_in_the_models_terms(args, text):
    with pytest.raises(ToolArgumentError) as raised:
        FunctionArguments(annotated.everything).checked(args)
    assert text in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_errors_place_does_not_name_a_unions_arms():
    def either(value: int | annotated.Address): ...

    with pytest.raises(ToolArgumentError) as raised:
        FunctionArguments(either).checked({"value": {"street": 3}})
    assert str(raised.value) == (
        'argument "value" should be a valid integer, not {"street": 3}; '
        'argument "value.street" should be a valid string, not 3'
    )


def test_a_types_own_validator_may_raise_anything():
    class Picky(BaseModel):
        value: int

        @field_validator("value")
        @classmethod
        def _refuse(cls, value):
            raise KeyError(value)

    def pick(picky: Picky): ...

    with pytest.raises(ToolArgumentError, match="cannot be read: KeyError"):
        FunctionArguments(pick).checked({"picky": {"value": 1}})


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


SCALARS = {
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    str: st.text(),
    bool: st.booleans(),
    type(None): st.none(),
    Number: st.sampled_from([1, 2, 1.0]),
    annotated.Unit: st.sampled_from(["c", "f"]),
    annotated.Stop: st.fixed_dictionaries({"city": st.text()}, optional={"nights": st.integers()}),
    annotated.Tree: st.recursive(
        st.fixed_dictionaries({"value": st.integers()}),
        lambda inner: st.fixed_dictionaries({"value": st.integers(), "children": st.lists(inner, max_size=2)}),
        max_leaves=3,
    ),
}
TYPES = st.recursive(
    st.sampled_from(list(SCALARS)),
    lambda inner: st.one_of(
        inner.map(lambda item: list[item]),
        inner.map(lambda item: dict[str, item]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair]),
    ),
    max_leaves=4,
)
ANY = st.recursive(
    st.one_of(*SCALARS.values()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["city", "value"]), inner),
    max_leaves=4,
)


def function_with(hints):
    names = {f"T{index}": hint for index, hint in enumerate(hints)}
    parameters = ", ".join(f"a{index}: T{index}" for index in range(len(hints)))
    exec(f"def made({parameters}): return locals()", names)  # noqa: S102  # a signature drawn at random
    return names["made"]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_the_declared_schema_admits_the_function_accepts(data):
    hints = data.draw(st.lists(TYPES, min_size=1, max_size=3))
    arguments = FunctionArguments(function_with(hints))
    validator = jsonschema_rs.validator_for(arguments.schema)
    args = {f"a{index}": data.draw(ANY | values_of(hint)) for index, hint in enumerate(hints)}
    if validator.is_valid(args):
        assert validator.is_valid(arguments.checked(args))
        arguments.bound(args)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_values_of_the_hinted_types_are_admitted_by_schema_and_function(data):
    hints = data.draw(st.lists(TYPES, min_size=1, max_size=3))
    arguments = FunctionArguments(function_with(hints))
    args = {f"a{index}": data.draw(values_of(hint)) for index, hint in enumerate(hints)}
    assert jsonschema_rs.validator_for(arguments.schema).is_valid(args)
    assert arguments.checked(args) == args
    arguments.bound(args)


def values_of(hint):
    if hint in SCALARS:
        return SCALARS[hint]
    inner = [values_of(item) for item in hint.__args__]
    if getattr(hint, "__origin__", None) is list:
        return st.lists(inner[0], max_size=2)
    if getattr(hint, "__origin__", None) is dict:
        return st.dictionaries(st.text(max_size=3), inner[1], max_size=2)
    if getattr(hint, "__origin__", None) is tuple:
        return st.tuples(*inner).map(list)
    return st.one_of(*inner)
