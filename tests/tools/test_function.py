"""Functions as tools: the decorator, `as_tool`, and running them."""

import functools
import gc
import threading
import weakref

import pytest

from runner.errors import ManifestError
from runner.tools.arguments import ToolArgumentError
from runner.tools.base import Tool
from runner.tools.context import ToolContext, current_context, use_context
from runner.tools.function import FunctionTool, as_tool, tool
from runner.tools.results import ToolResultError
from runner.tools.threads import ToolExitError


def add(a: int, b: int = 2) -> int:
    """Add two numbers.

    Args:
        a: the first
    """
    return a + b


async def aadd(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


def test_a_decorated_function_is_a_tool_and_still_the_function():
    made = tool(add)
    assert isinstance(made, FunctionTool)
    assert (made.name, made.effects, made.timeout) == ("add", "once", None)
    assert made(1, b=3) == 4
    assert (made.__name__, made.__module__, made.__wrapped__) == ("add", __name__, add)
    assert made.__doc__ == add.__doc__
    assert made.declaration() == {
        "name": "add",
        "description": "Add two numbers.",
        "parametersJsonSchema": {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "the first"},
                "b": {"type": "integer", "default": 2},
            },
            "required": ["a"],
            "additionalProperties": False,
        },
    }


def test_the_decorator_takes_settings():
    @tool(name="plus", description="d", effects="none", timeout=20)
    def anything(a: int):
        return a

    assert (anything.name, anything.effects, anything.timeout) == ("plus", "none", 20)
    assert anything.declaration()["name"] == "plus"
    assert anything.declaration()["description"] == "d"


def test_a_function_without_parameters_declares_none():
    @tool
    def now():
        """The time."""

    assert now.declaration() == {"name": "now", "description": "The time."}
    assert now.checked({}) == {}
    with pytest.raises(ToolArgumentError, match='no argument "x"; its arguments: none'):
        now.checked({"x": 1})


@pytest.mark.parametrize("function", [add, aadd, functools.partial(add, b=2), functools.partial(aadd, b=2)])
async def test_arguments_are_coerced_and_a_result_that_is_no_object_is_wrapped(function):
    made = as_tool(function)
    assert made.checked({"a": 1.0}) == {"a": 1}
    assert await made.execute({"a": 1.0}) == {"result": 3}


async def test_execute_checks_the_arguments_by_itself():
    with pytest.raises(ToolArgumentError, match='"a" is missing'):
        await tool(add).execute({})


async def test_an_async_function_can_be_called_through_its_tool():
    assert await tool(aadd)(1, b=5) == 6


async def test_synchronous_functions_run_in_a_daemon_thread_and_async_ones_on_the_loop():
    def where():
        return threading.current_thread().name, threading.current_thread().daemon

    async def here():
        return threading.current_thread() is threading.main_thread()

    name, daemon = (await tool(where).execute({}))["result"]
    assert name.startswith("agent-run-tool")
    assert daemon
    assert await tool(here).execute({}) == {"result": True}


async def test_the_context_reaches_both_kinds():
    def sync(context: ToolContext):
        return {"same": context is current_context(), "deps": context.deps}

    async def anew(context: ToolContext | None = None):
        return {"same": context is current_context(), "deps": context.deps if context else None}

    with use_context(ToolContext(deps="d")):
        assert await tool(sync).execute({}) == await tool(anew).execute({}) == {"same": True, "deps": "d"}


async def test_a_long_result_is_refused_at_the_contexts_limit():
    def long():
        return "x" * 100

    with use_context(ToolContext(max_result_chars=50)), pytest.raises(ToolResultError, match="at most 50"):
        await tool(long).execute({})


def fails(error: str):
    raise {"value": ValueError, "exit": SystemExit, "interrupt": KeyboardInterrupt}[error]("why")


async def afails():
    raise SystemExit(3)


async def test_what_a_function_raises_comes_out_and_what_would_end_the_process_is_an_ordinary_error():
    with pytest.raises(ValueError, match="why"):
        await tool(fails).execute({"error": "value"})
    for word in ("exit", "interrupt"):
        with pytest.raises(ToolExitError, match="tried to end the process"):
            await tool(fails).execute({"error": word})
    with pytest.raises(ToolExitError, match=r"SystemExit\(3\)"):
        await tool(afails).execute({})


async def test_a_plain_wrapper_of_an_async_function_and_the_reverse_both_work():
    @functools.wraps(aadd)
    def plain(*args, **kwargs):
        return aadd(*args, **kwargs)

    @functools.wraps(add)
    async def anew(*args, **kwargs):
        return add(*args, **kwargs)

    assert await tool(plain).execute({"a": 1}) == await tool(anew).execute({"a": 1}) == {"result": 3}


class Greeter:
    def __init__(self, word: str = "hello"):
        self.word = word

    def greet(self, name: str):
        return f"{self.word} {name}"

    @staticmethod
    def shout(name: str):
        return name.upper()


class Plain(Tool):
    function_definition = {"name": "plain", "description": ""}  # noqa: RUF012  # as users write it


class Needy(Plain):
    def __init__(self, thing):
        self.thing = thing


async def test_as_tool_takes_tools_tool_classes_and_functions_of_every_form():
    made = Plain()
    assert as_tool(made) is made
    assert isinstance(as_tool(Plain), Plain)
    assert await as_tool(Greeter("hi").greet).execute({"name": "ann"}) == {"result": "hi ann"}
    assert await as_tool(Greeter.shout).execute({"name": "ann"}) == {"result": "ANN"}
    assert as_tool(functools.partial(add, b=1)).name == "add"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Needy, r"Needy cannot be made without arguments"),
        (Greeter, r"Greeter is a class but no Tool"),
        (Greeter(), r"is not a tool"),
        ("add", r"'add' is not a tool"),
        (len, r"is not a tool"),
        (None, r"None is not a tool"),
        (Greeter.greet, r"not bound"),
        (lambda: 0, r"tool name '<lambda>' is not allowed"),
    ],
)
def test_as_tool_says_what_is_wrong_with_anything_else(value, text):
    with pytest.raises(ManifestError, match=text):
        as_tool(value)


def test_a_function_that_yields_is_no_tool():
    async def many():
        yield 1

    with pytest.raises(ManifestError, match="yields"):
        tool(many)


def test_a_functions_tool_is_made_once_and_goes_with_it():
    def made():
        def local(a: int):
            return a

        first, again = as_tool(local), as_tool(local)
        return first is again, weakref.ref(local)

    same, function = made()
    gc.collect()
    assert same
    assert function() is None


def test_nested_functions_with_textual_hints_find_what_was_around_them():
    @tool
    def nested(value: "int", other: "list[Alias]"):
        return value

    Alias = str  # noqa: N806  # defined too late for the decorator
    with pytest.raises(ManifestError, match="'other' is not found"):
        nested.declaration()
    assert as_tool(nested.__wrapped__).checked({"value": 1.0, "other": ["x"]}) == {"value": 1, "other": ["x"]}
