"""`Tool`: the noun that does something for the model."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runner.errors import ManifestError
from runner.messages import to_json
from runner.tools.schema import dumped, from_openapi, is_empty

if TYPE_CHECKING:
    from runner.messages import Json
    from runner.tools.arguments import JsonSchemaCheck

Effects: TypeAlias = Literal["none", "idempotent", "once"]
"""What running twice would do: nothing, the same again (with the same idempotency key), or harm."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}", re.ASCII)
_EFFECTS = ("none", "idempotent", "once")


class _DefinitionName:
    """The name in `function_definition`; an assigned name, of class or instance, hides this."""

    def __get__(self, tool: Tool | None, owner: type[Tool]) -> str:
        definition = getattr(owner if tool is None else tool, "function_definition", None)
        name = definition.get("name") if isinstance(definition, dict) else getattr(definition, "name", None)
        return name if isinstance(name, str) else ""


class Tool:
    """Something the model can call. Subclass it, set `function_definition`, and write `execute`.

    `function_definition` is a function declaration as Gemini documents it: `name`, `description`, and `parameters` (an
    OpenAPI or JSON schema) or `parametersJsonSchema`; google-genai's `FunctionDeclaration` does too. `name` defaults to
    the definition's and wins over it. `effects` says what running twice would do, `timeout` is in seconds. All four may
    be attributes of the class, of the instance, or properties; the base's `__init__` need not be called.
    """

    name: str = _DefinitionName()  # type: ignore[assignment]  # a descriptor that reads as str
    function_definition: Any
    effects: Effects = "once"
    timeout: float | None = None

    def __init__(
        self,
        *,
        name: str | None = None,
        function_definition: Any = None,
        effects: Effects | None = None,
        timeout: float | None = None,
    ) -> None:
        given = {"name": name, "function_definition": function_definition, "effects": effects, "timeout": timeout}
        for attribute, value in given.items():
            if value is not None:
                setattr(self, attribute, value)

    async def execute(self, tool_args: Json) -> Json:
        """Do it, and return a JSON object for the model. An exception becomes an error the model reads."""
        raise NotImplementedError(f"{type(self).__name__}.execute is not implemented")

    def declaration(self) -> Json:
        """The wire's `functionDeclaration`, made once: treat it as immutable. ManifestError says what is wrong."""
        return self._declared

    def checked(self, args: Json) -> Json:
        """`args` in the declared types (1.0 -> 1); ToolArgumentError, fit for the model, where they do not fit."""
        return self._check.checked(args)

    @cached_property
    def _declared(self) -> Json:
        schema = self._parameters
        definition = dumped(self.function_definition)
        declaration: Json = {
            "name": checked_name(self.name, self),
            "description": str(definition.get("description") or ""),
            **{key: definition[key] for key in ("response", "responseJsonSchema", "behavior") if key in definition},
        }
        check_settings(self)
        if not is_empty(schema):
            declaration["parametersJsonSchema"] = schema
        try:
            to_json(declaration)
        except (TypeError, ValueError) as error:
            raise ManifestError(f'tool "{self.name}": its function_definition is not JSON: {error}') from None
        _ = self._check
        return declaration

    @cached_property
    def _parameters(self) -> Json:
        definition = dumped(getattr(self, "function_definition", None))
        if not isinstance(definition, dict):
            raise ManifestError(f"tool {_label(self)}: function_definition is missing or not a dict")
        verbatim = definition.get("parametersJsonSchema", definition.get("parameters_json_schema"))
        schema = dumped(verbatim) if verbatim is not None else from_openapi(definition.get("parameters"))
        schema = {"type": "object", "properties": {}} if schema is None else schema
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            raise ManifestError(f"tool {_label(self)}: its parameters must be a schema of type object")
        return schema

    @cached_property
    def _check(self) -> JsonSchemaCheck:
        from runner.tools.arguments import JsonSchemaCheck

        try:
            return JsonSchemaCheck(self._parameters)
        except ValueError as error:
            raise ManifestError(f"tool {_label(self)}: its parameters are not a JSON schema: {error}") from None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _label(tool: Tool) -> str:
    return f'"{tool.name}"' if tool.name else type(tool).__name__


def checked_name(name: object, tool: Tool) -> str:
    """`name`, if Gemini takes it as a function's name; else ManifestError."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    if not name:
        raise ManifestError(f"tool {type(tool).__name__} has no name: set `name`")
    raise ManifestError(
        f"tool name {name!r} is not allowed: a letter or underscore first, then letters, digits, `_ . : -`, at most 64"
    )


def check_settings(tool: Tool) -> None:
    """Raise ManifestError where a tool's `effects` or `timeout` is not one."""
    if tool.effects not in _EFFECTS:
        raise ManifestError(f"tool {_label(tool)}: effects must be one of {', '.join(_EFFECTS)}, not {tool.effects!r}")
    timeout: Any = tool.timeout
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0):
        raise ManifestError(f"tool {_label(tool)}: timeout must be a number of seconds above 0, not {timeout!r}")
