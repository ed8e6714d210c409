"""A `Tool` as users write it: its name, declaration and argument check."""

import enum
import sys

import pytest

from runner.errors import ManifestError
from runner.tools.arguments import ToolArgumentError
from runner.tools.base import Tool

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class SendMail(Tool):
    name = "send_mail"
    function_definition = {  # noqa: RUF012  # as users write it
        "name": "send_mail",
        "description": "Send a mail.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]},
    }

    async def execute(self, tool_args):
        return {"sent": tool_args["to"]}


def defined(parameters, **more):
    return Tool(function_definition={"name": "probe", "description": "d", "parameters": parameters, **more})


async def test_a_subclass_with_two_attributes_and_execute_is_a_tool():
    tool = SendMail()
    assert tool.declaration() == {
        "name": "send_mail",
        "description": "Send a mail.",
        "parametersJsonSchema": SendMail.function_definition["parameters"],
    }
    assert (tool.effects, tool.timeout) == ("once", None)
    assert await tool.execute({"to": "ann"}) == {"sent": "ann"}


def test_a_subclass_need_not_call_the_bases_init():
    class Bare(Tool):
        def __init__(self, place):
            self.place = place
            self.function_definition = {"name": f"at_{place}", "description": ""}

    assert Bare("home").name == "at_home"
    assert Bare("home").declaration() == {"name": "at_home", "description": ""}


def test_keywords_set_the_attributes():
    tool = Tool(name="n", function_definition={"name": "other", "description": "d"}, effects="none", timeout=3)
    assert (tool.name, tool.effects, tool.timeout) == ("n", "none", 3)
    assert tool.declaration()["name"] == "n"


def test_properties_do_as_well():
    class Derived(Tool):
        @property
        def function_definition(self):
            return {"name": "derived", "description": "d", "parameters": CITY}

    assert Derived().name == "derived"
    assert Derived().declaration()["parametersJsonSchema"] == CITY


def test_the_name_is_the_definitions_also_on_the_class():
    class Named(Tool):
        function_definition = {"name": "from_definition"}  # noqa: RUF012  # as users write it

    assert Named.name == Named().name == "from_definition"
    assert Tool.name == ""


def test_a_tool_without_execute_says_so():
    with pytest.raises(NotImplementedError, match=r"Tool\.execute is not implemented"):
        Tool().execute({}).send(None)


def test_the_declaration_is_made_once():
    tool = SendMail()
    assert tool.declaration() is tool.declaration()


@pytest.mark.parametrize("name", ["a", "_", "get.weather:v1-x", "a" * 64])
def test_names_gemini_takes_are_kept(name):
    assert Tool(function_definition={"name": name}).declaration()["name"] == name


@pytest.mark.parametrize("name", ["1a", "-a", "a b", "é", "a" * 65, "a\n"])
def test_names_gemini_refuses_are_refused_here(name):
    with pytest.raises(ManifestError, match="is not allowed"):
        Tool(function_definition={"name": name}).declaration()


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        (Tool(), "function_definition is missing"),
        (Tool(function_definition={"description": "d"}), "has no name"),
        (defined({"type": "string"}), "must be a schema of type object"),
        (defined({"type": "object", "properties": {"a": {"type": "whatever"}}}), "are not a JSON schema"),
        (defined({"type": "object", "properties": {"a": {"$ref": "https://example.com/x"}}}), "another document"),
        (defined({"type": "object", "properties": {"a": {"default": object()}}}), "is not JSON"),
        (Tool(function_definition={"name": "a"}, effects="twice"), "effects must be one of none, idempotent, once"),
        (Tool(function_definition={"name": "a"}, timeout=-1), "timeout must be a number of seconds above 0"),
    ],
)
def test_what_is_wrong_with_a_definition_is_told_as_a_manifest_error(tool, text):
    with pytest.raises(ManifestError, match=text):
        tool.declaration()


@pytest.mark.parametrize(
    "parameters", [None, {}, {"type": "OBJECT", "properties": {}}, {"type": "object", "additionalProperties": False}]
)
def test_a_tool_without_parameters_declares_none(parameters):
    tool = defined(parameters)
    assert tool.declaration() == {"name": "probe", "description": "d"}
    assert tool.checked({}) == {}


def test_an_object_open_to_any_argument_is_declared():
    schema = {"type": "object", "additionalProperties": True}
    assert defined(schema).declaration()["parametersJsonSchema"] == schema


@pytest.mark.parametrize("key", ["parametersJsonSchema", "parameters_json_schema"])
def test_a_json_schema_is_sent_verbatim(key):
    schema = {**CITY, "x-own": {"nullable": True, "type": "KEPT"}, "properties": {"city": {"type": ["string", "null"]}}}
    tool = Tool(function_definition={"name": "probe", key: schema})
    assert tool.declaration()["parametersJsonSchema"] == schema


def test_geminis_openapi_form_becomes_json_schema():
    class Type(enum.Enum):
        OBJECT = "OBJECT"

    tool = defined(
        {
            "type": Type.OBJECT,
            "properties": {
                "type": {"type": "STRING", "nullable": True, "enum": ["a", "b"]},
                "items": {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": "2", "maxItems": "5"},
                "either": {"any_of": [{"type": "NUMBER"}, {"type": "BOOLEAN"}], "nullable": True},
                "any": {"type": "TYPE_UNSPECIFIED", "example": "x"},
            },
            "property_ordering": ["type", "items"],
        }
    )
    assert tool.declaration()["parametersJsonSchema"] == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a", "b", None]},
            "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 5},
            "either": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "null"}]},
            "any": {"examples": ["x"]},
        },
        "propertyOrdering": ["type", "items"],
    }


def test_google_genais_declaration_objects_are_understood():
    from google.genai import types

    definition = types.FunctionDeclaration(
        name="probe",
        description="d",
        parameters=types.Schema(
            type="OBJECT",
            properties={"n": types.Schema(type="INTEGER", nullable=True, any_of=None), "l": types.Schema(type="ARRAY")},
            required=["n"],
        ),
    )
    assert Tool(function_definition=definition).declaration() == {
        "name": "probe",
        "description": "d",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {"n": {"type": ["integer", "null"]}, "l": {"type": "array"}},
            "required": ["n"],
        },
    }


def test_whole_floats_become_ints_where_the_schema_says_integer_at_any_depth():
    tool = defined(
        {
            "type": "object",
            "properties": {
                "n": {"type": "integer"},
                "x": {"type": "number"},
                "either": {"type": ["integer", "number"]},
                "choice": {"enum": [1, 2]},
                "optional": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "list": {"type": "array", "items": {"type": "integer"}},
                "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}]},
                "map": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Whole"}},
            },
            "$defs": {"Whole": {"type": "integer"}},
        }
    )
    args = {
        "n": 1.0,
        "x": 1.0,
        "either": 1.0,
        "choice": 2.0,
        "optional": 3.0,
        "list": [1.0, 2],
        "pair": [1.0, 1.0],
        "map": {"a": 4.0},
    }
    expected = {
        "n": 1,
        "x": 1.0,
        "either": 1.0,
        "choice": 2,
        "optional": 3,
        "list": [1, 2],
        "pair": [1, 1.0],
        "map": {"a": 4},
    }
    assert repr(tool.checked(args)) == repr(expected)
    assert args["n"].__class__ is float, "the model's own arguments are not changed"


def test_arguments_that_need_no_change_are_not_copied():
    args = {"city": "Paris"}
    assert defined(CITY).checked(args) is args


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ({}, 'argument "city" is missing'),
        ({"city": 3}, 'argument "city" should be of type string, not 3'),
        ({"city": "x", "unit": "k"}, 'argument "unit" should be one of "c", "f", not "k"'),
        ({"city": "x", "citi": 1}, 'the tool has no argument "citi"; did you mean "city"?'),
        ({"city": "x", "zzz": 1}, 'the tool has no argument "zzz"; its arguments: city, unit, stops'),
        ({"city": "x", "stops": [{"at": "9"}]}, 'argument "stops[0].at" should be of type integer, not "9"'),
        ({"city": "x", "stops": [{"at": 9, "q": 1}]}, 'argument "stops[0].q" is not known'),
        ({"city": "x", "stops": [{"at": -1}]}, 'argument "stops[0].at": -1 is less than the minimum of 0'),
        ({"city": 1, "unit": 2}, 'of type string, not 1; argument "unit" should be one of'),
    ],
)
def test_what_is_wrong_with_arguments_is_told_in_the_models_terms(args, text):
    stop = {
        "type": "object",
        "properties": {"at": {"type": "integer", "minimum": 0}},
        "additionalProperties": False,
    }
    tool = defined(
        {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["c", "f"]},
                "stops": {"type": "array", "items": stop},
            },
            "required": ["city"],
            "additionalProperties": False,
        }
    )
    with pytest.raises(ToolArgumentError) as raised:
        tool.checked(args)
    assert text in str(raised.value)


def test_many_errors_are_told_in_short():
    tool = defined({"type": "object", "additionalProperties": {"type": "string"}})
    with pytest.raises(ToolArgumentError, match=r"; and 15 more$"):
        tool.checked({f"a{index}": index for index in range(20)})


def test_arguments_nested_too_deep_are_an_error_and_no_crash():
    tool = defined({"type": "object", "properties": {"a": {"$ref": "#"}}})
    args: dict[str, object] = {}
    for _ in range(3000):
        args = {"a": args}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # other libraries raise it, and leave it so
    try:
        with pytest.raises(ToolArgumentError, match="nested too deep"):
            tool.checked(args)
    finally:
        sys.setrecursionlimit(limit)
