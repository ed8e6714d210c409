"""`Output`: the form an answer must have, and the value that is read from one that has it."""

from __future__ import annotations

import inspect
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from runner.tools.arguments import coerced, place
from runner.tools.conformance import problems_of, schema_problem
from runner.tools.model_schema import type_schema
from runner.tools.schema import dumped, from_openapi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import TypeAdapter, ValidationError

    from runner.messages import Json

_NOT_SENT = frozenset({"$schema", "$id", "$comment"})
_SHOWN = 5


class MisfitError(ValueError):
    """A text is not what was asked for; `problems` say why, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


class Output:
    """The form of an answer: a JSON schema that is sent along, and what an answer is read as.

    `form` is a JSON schema, or a type that pydantic validates (a model, a dataclass, a TypedDict, ...): an answer then
    becomes an instance of it. Raises ValueError where it is neither.
    """

    def __init__(self, form: Any) -> None:
        self._form = form if isinstance(form, type) else dumped(form)
        if isinstance(self._form, dict):
            sent = {key: value for key, value in self._form.items() if key not in _NOT_SENT}
            self.schema: Json = from_openapi(sent)
            if problem := schema_problem(self.schema):
                raise ValueError(f"it is not a JSON schema: {problem}")
        else:
            self.schema = self._typed()

    @classmethod
    def of(cls, form: Any) -> Output:
        """`form` as an Output; one that already is stays as it is."""
        return form if isinstance(form, cls) else cls(form)

    def read(self, text: str) -> Any:
        """The value of an answer's text. Raises MisfitError where the text does not have the form."""
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise MisfitError([f"it is not JSON: {error}"]) from None
        if not isinstance(self._form, dict):
            return self._validated(text)
        value = coerced(value, self.schema)
        if problems := problems_of(value, self.schema):
            raise MisfitError(problems)
        return value

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import TypeAdapter

        return TypeAdapter(self._form)

    def _typed(self) -> Json:
        """The schema of a type."""
        from pydantic.errors import PydanticUserError

        if isinstance(self._form, str) or inspect.isroutine(self._form):
            raise ValueError("it is neither a JSON schema nor a type")
        try:
            return type_schema(self._adapter)
        except (PydanticUserError, NameError) as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"it is neither a JSON schema nor a type that pydantic validates: {reason}") from error

    def _validated(self, text: str) -> Any:
        from pydantic import ValidationError

        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise MisfitError(list(_sentences(error))) from None


def _sentences(error: ValidationError) -> Iterator[str]:
    for each in error.errors(include_url=False, include_input=False, include_context=False)[:_SHOWN]:
        yield f"{place(each['loc'])}: {each['msg']}" if each["loc"] else each["msg"]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
