"""Answers in the form of a JSON schema: filled like a call's arguments, from the message and from tools' results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.models.offline.history import arguments_of
from runner.models.offline.intent import calls, filled, forced
from runner.models.offline.message import Message
from runner.models.offline.schema import offered

if TYPE_CHECKING:
    from datetime import datetime

    from runner.messages import Json
    from runner.models.offline.filling import Filling
    from runner.models.offline.history import Turn
    from runner.requests import GenerateContentRequest

_WHOLE = "answer"


def form_of(request: GenerateContentRequest) -> Json | None:
    """The schema that the answer is to have, if one is asked for."""
    schema = (request.generation_config or {}).get("responseJsonSchema")
    return schema if isinstance(schema, dict) else None


def formed(form: Json, turn: Turn, now: datetime) -> str:
    """The turn's answer as JSON: what is found, and where something must stand, whatever the schema allows."""
    is_object = isinstance(form.get("properties"), dict)
    schema = form if is_object else {"type": "object", "properties": {_WHOLE: form}, "required": [_WHOLE]}
    tool = offered({"name": _WHOLE, "description": form.get("description"), "parametersJsonSchema": schema})
    assert tool is not None  # noqa: S101  # it has a name
    filling = filled(tool, Message(turn.text, now))
    _put_results(filling, turn)
    made = next(iter(calls(tool, forced(tool, filling))), {})
    return json.dumps(made if is_object else made.get(_WHOLE), ensure_ascii=False)


def _put_results(filling: Filling, turn: Turn) -> None:
    """What tools answered, or were called with, under the name of a slot."""
    known: Json = {}
    for call in turn.calls:
        known |= arguments_of(call)
    for response in turn.responses:
        known |= _flat(response.get("response"))
    for slot in filling.tool.slots:
        name = slot.path[-1]
        if name in known:
            before = filling.found.pop(slot.path, None)
            if not filling.put(slot, [known[name]]) and before is not None:
                filling.found[slot.path] = before


def _flat(value: Any) -> Json:  # any JSON
    """All single values in a result by the name they stand under; the outermost wins."""
    if not isinstance(value, dict):
        return {}
    inner: Json = {}
    for each in value.values():
        inner |= _flat(each)
    return inner | {name: each for name, each in value.items() if not isinstance(each, dict)}
