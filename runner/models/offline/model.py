"""`OfflineModel`: rules, not a language model; for first runs without a key."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.messages import ChatMessage
from runner.models.base import Model
from runner.models.offline.decisions import Calls
from runner.models.offline.dialogue import decide
from runner.models.offline.forms import form_of, formed
from runner.models.offline.history import turns
from runner.models.offline.remarks import answer, remark
from runner.models.offline.schema import offered
from runner.models.offline.wording import worded
from runner.requests import Finish, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from runner.messages import Json
    from runner.models.offline.history import Turn
    from runner.requests import GenerateContentRequest, ModelItem

_PIECE = re.compile(r"\S+\s*|\s+")
_PIECES = 3


def _now() -> datetime:
    return datetime.now().astimezone()


class OfflineModel(Model):
    """Answers by rules from the tools' declarations and the history: deterministic, English only, no network.

    `clock` says what "today" is; by default the machine's local time.
    """

    name = "offline"
    family = "offline"

    def __init__(self, *, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """Yield function calls, or the answer's text a few words at a time."""
        said = turns(request.contents)
        mode, allowed = _calling(request.tool_config)
        tools = [
            tool for tool in map(offered, request.declarations) if tool and (allowed is None or tool.name in allowed)
        ]
        form = form_of(request)
        if said and said[-1].responses:
            text = _answered(said[-1]) if form is None else formed(form, said[-1], self._clock())
        else:
            decision = (
                decide([] if mode == "NONE" else tools, said, self._clock(), must_call=mode == "ANY") if said else None
            )
            if isinstance(decision, Calls):
                for call in _function_calls(request, decision):
                    yield {"functionCall": call}
                yield Usage()
                yield Finish("STOP", model_version=self.name)
                return
            if form is not None and said:
                text = formed(form, said[-1], self._clock())
            else:
                text = answer(decision, tools, _files(request)) if mode != "NONE" else remark("silent", tools)
        for piece in _pieces(text):
            yield {"text": piece}
        yield Usage()
        yield Finish("STOP", model_version=self.name)


def _calling(config: Json | None) -> tuple[str, set[str] | None]:
    """The mode of function calling, and the functions it is limited to."""
    calling = (config or {}).get("functionCallingConfig")
    calling = calling if isinstance(calling, dict) else {}
    allowed = calling.get("allowedFunctionNames")
    mode = calling.get("mode")
    return mode.upper() if isinstance(mode, str) else "AUTO", set(map(str, allowed)) if isinstance(
        allowed, list
    ) and allowed else None


def _files(request: GenerateContentRequest) -> list[str]:
    """The names of the files that the newest message was sent with."""
    message = request.messages[-1] if request.messages else ChatMessage()
    files = message.meta.get("files") or ()
    return [meta["name"] for meta in files if meta.get("name") and message.kind == "user"]


def _function_calls(request: GenerateContentRequest, decision: Calls) -> list[Json]:
    """The calls with ids that no other call of the chat has, and that are the same when the request is."""
    newest = "".join(message.content_json for message in request.messages[-8:])
    seed = hashlib.sha256(f"{len(request.messages)}{newest}".encode()).hexdigest()[:12]
    return [
        {"name": name, "args": args, "id": f"offline-{seed}-{index}"}
        for index, (name, args) in enumerate(decision.calls)
    ]


def _answered(turn: Turn) -> str:
    """What the tools of a turn answered, in words; each response beside the call it belongs to."""
    calls: list[Json] = list(turn.calls)
    results: list[tuple[str, Json, Any]] = []
    for response in turn.responses:
        mine = next(
            (
                call
                for call in calls
                if call.get("id") == response.get("id") and call.get("name") == response.get("name")
            ),
            None,
        )
        if mine is not None:
            calls.remove(mine)
        args = mine.get("args") if mine else None
        results.append(
            (str(response.get("name") or ""), args if isinstance(args, dict) else {}, response.get("response"))
        )
    return worded(results)


def _pieces(text: str) -> list[str]:
    """The text in pieces of a few words, as a stream brings them."""
    words = _PIECE.findall(text)
    return ["".join(words[index : index + _PIECES]) for index in range(0, len(words), _PIECES)]
