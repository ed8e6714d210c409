"""A function's declaration and the validator of its arguments, both from its signature."""

from __future__ import annotations

import inspect
import re
import types
import typing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, Union

from runner.errors import ManifestError
from runner.tools.arguments import argument_error, coerced, missing, place, shown, unknown
from runner.tools.context import ToolContext, current_context
from runner.tools.docstring import documentation
from runner.tools.hints import resolved_hints
from runner.tools.model_schema import arguments_schema
from runner.tools.results import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel, ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from runner.messages import Json

_OBJECT = re.compile(r"a (?:valid )?dictionary(?: or .*)?")
_NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class _Parameter:
    """One parameter: the model's field that holds it, or None where it is the context's."""

    name: str
    field: str | None
    optional: bool
    positional_only: bool
    filled_by_field: bool


class FunctionArguments:
    """What a function takes, as a JSON schema and as a validator; made from the signature, hints and docstring.

    `enclosing` are names of the function that defines it, for hints written as text. Raises ManifestError, naming
    function and parameter, for what cannot be declared.
    """

    def __init__(self, function: Callable[..., Any], *, enclosing: Mapping[str, Any] | None = None) -> None:
        self.function = function
        self.label = label(function)
        self.description, self._texts = documentation(function)
        self._fields: dict[str, Any] = {}
        hints = resolved_hints(function, self.label, enclosing or {})
        self._parameters = [self._parameter(item, hints) for item in signature(function, self.label)]

    def _parameter(self, item: inspect.Parameter, hints: Mapping[str, Any]) -> _Parameter:
        positional_only = item.kind is item.POSITIONAL_ONLY
        hint = hints.get(item.name, _NO_DEFAULT)
        if hint is _NO_DEFAULT:
            hint = self._hint_of_default(item)
        wants = _context_wanted(hint)
        if wants is not None:
            return _Parameter(item.name, None, wants == "optional", positional_only, filled_by_field=False)
        field = f"p{len(self._fields)}"
        self._fields[field] = self._field(item, hint)
        own_default = item.default is not _NO_DEFAULT and not _is_field(item.default)
        return _Parameter(item.name, field, False, positional_only, filled_by_field=not own_default)

    def _hint_of_default(self, item: inspect.Parameter) -> Any:
        if item.default is not _NO_DEFAULT and item.default is not None:
            return type(item.default)
        if item.name in {"self", "cls"}:
            raise ManifestError(
                f"{self.label}: its parameter {item.name!r} shows a method that is not bound: "
                f"give the bound method, as in tools=[thing.{self.function.__name__}]"
            )
        raise ManifestError(f"{self.label}: parameter {item.name!r} has no type: write `{item.name}: str` or the like")

    def _field(self, item: inspect.Parameter, hint: Any) -> tuple[Any, FieldInfo]:
        """The pydantic field of a parameter: its hint, and its default, public name and description."""
        from pydantic import Field

        metadata = hint.__metadata__ if typing.get_origin(hint) is Annotated else ()
        given: list[FieldInfo] = [info for info in (*metadata, item.default) if _is_field(info)]
        settings: dict[str, Any] = {}
        if not any(info.alias or info.validation_alias for info in given):
            settings["alias"] = item.name
        text = next((text for text in map(_text_of, metadata) if text), self._texts.get(item.name))
        if text and not any(info.description for info in given):
            settings["description"] = text
        if _is_field(item.default):
            hint = Annotated[hint, item.default]
        elif item.default is not _NO_DEFAULT:
            settings["default"] = item.default
        return hint, Field(**settings)

    @cached_property
    def model(self) -> type[BaseModel]:
        """The pydantic model of the arguments."""
        from pydantic import ConfigDict, create_model
        from pydantic.errors import PydanticUserError

        config = ConfigDict(extra="forbid", protected_namespaces=(), ser_json_inf_nan="constants")
        try:
            return create_model("Arguments", __config__=config, **self._fields)
        except (PydanticUserError, TypeError, NameError) as error:
            raise self._undeclarable(error) from None

    @cached_property
    def schema(self) -> Json:
        """The JSON schema of the arguments, references inlined and without titles."""
        from pydantic.errors import PydanticUserError

        try:
            return arguments_schema(self.model)
        except PydanticUserError as error:
            raise self._undeclarable(error) from None

    def _undeclarable(self, error: Exception) -> ManifestError:
        """The error for a type pydantic cannot read, naming the first parameter that has one."""
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticUserError

        text = str(error).splitlines()[0]
        for item in self._parameters:
            if item.field is None:
                continue
            try:
                TypeAdapter(self._fields[item.field][0]).json_schema()
            except (PydanticUserError, TypeError, NameError) as inner:
                text = str(inner).splitlines()[0]
                return ManifestError(f"{self.label}: parameter {item.name!r} has a type a model cannot fill: {text}")
        return ManifestError(f"{self.label}: its parameters cannot be declared: {text}")

    def checked(self, args: Json) -> Json:
        """`args` with 1.0 made 1 for an int; raises ToolArgumentError where they do not fit."""
        return self._validated(args)[0]

    def bound(self, args: Json) -> tuple[list[Any], dict[str, Any]]:
        """The validated Python values to call the function with; raises ToolArgumentError where `args` do not fit."""
        _, values = self._validated(args)
        given = values.model_fields_set
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for item in self._parameters:
            if item.field is None:
                value: Any = current_context() or (None if item.optional else ToolContext())
            elif item.field in given or item.filled_by_field or item.positional_only:
                value = getattr(values, item.field)
            else:
                continue  # the function's own default holds
            if item.positional_only:
                positional.append(value)
            else:
                named[item.name] = value
        return positional, named

    def _validated(self, args: Json) -> tuple[Json, BaseModel]:
        try:
            args = coerced(args, self.schema)
            return args, self.model.model_validate(args)
        except Exception as error:  # a type's own validator is the tool's code: it may raise anything
            from pydantic import ValidationError

            if isinstance(error, ValidationError):
                raise argument_error(self._problems(error, args)) from None
            raise argument_error([f"the arguments cannot be read: {error_text(error)}"]) from error

    def _problems(self, error: ValidationError, args: Json) -> list[str]:
        known = list(self.schema.get("properties", ()))
        return [_problem(detail, known, args) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, known: list[str], args: Json) -> str:
    path = _path(detail, args)
    match detail["type"]:
        case "missing":
            return missing(path)
        case "extra_forbidden":
            return unknown(path, known)
    text = _OBJECT.sub("an object", detail["msg"].removeprefix("Value error, "))
    text = text.replace("Input should", "should", 1) if text.startswith("Input should") else f"is wrong: {text}"
    return f"argument {place(path)} {text}, not {shown(detail['input'])}"


def _path(detail: ErrorDetails, args: Json) -> list[str | int]:
    """Where in `args` an error is: its location without the names of a union's arms."""
    path: list[str | int] = []
    place: Any = args
    last = len(detail["loc"]) - 1
    for index, part in enumerate(detail["loc"]):
        try:
            place = place[part]
        except (LookupError, TypeError):
            if index != last or detail["type"] != "missing":
                continue
        path.append(part)
    return path


def _is_field(value: Any) -> bool:
    from pydantic.fields import FieldInfo

    return isinstance(value, FieldInfo)


def _text_of(metadata: Any) -> str | None:
    """The description an annotation carries: a plain text, or typing_extensions' `Doc`."""
    text = metadata if isinstance(metadata, str) else getattr(metadata, "documentation", None)
    return text if isinstance(text, str) else None


def _context_wanted(hint: Any) -> str | None:
    """Whether a parameter is for the ToolContext: `required`, `optional`, or None."""
    if typing.get_origin(hint) is Annotated:
        hint = hint.__origin__
    if hint is ToolContext:
        return "required"
    if typing.get_origin(hint) in {Union, types.UnionType} and ToolContext in typing.get_args(hint):
        return "optional"
    return None


def label(function: Callable[..., Any]) -> str:
    """How errors name a function: `module.function`."""
    inner = function.func if isinstance(function, partial) else function
    return f"{getattr(inner, '__module__', '?')}.{getattr(inner, '__qualname__', repr(inner))}"


def signature(function: Callable[..., Any], name: str) -> list[inspect.Parameter]:
    """The parameters a model can fill; those that a `functools.partial` has filled by name are left out."""
    try:
        items = inspect.signature(function).parameters.values()
    except (ValueError, TypeError, NameError) as error:
        raise ManifestError(f"{name}: its signature cannot be read: {error}") from None
    filled = function.keywords if isinstance(function, partial) else {}
    for item in items:
        if item.kind in {item.VAR_POSITIONAL, item.VAR_KEYWORD}:
            stars = "*" if item.kind is item.VAR_POSITIONAL else "**"
            raise ManifestError(f"{name}: {stars}{item.name} cannot be declared: give each parameter a name and a type")
    return [item for item in items if item.name not in filled]
