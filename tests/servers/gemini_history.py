"""The oracle of invariant I1: is this list of contents a history that Gemini accepts?

    history_fault({"contents": [...], ...})  ->  None, or the Refusal with the API's 400 text

Pure: it knows neither sockets nor what a server has sent (signatures are `gemini_signatures.py`).
"""

from __future__ import annotations

from typing import Any

from .gemini_schema import PAYLOADS, Extras, Wire
from .refusals import Refusal

JSON = dict[str, Any]

CALLS_AFTER_USER = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
RESPONSES_AFTER_CALLS = "Please ensure that function response turn comes immediately after a function call turn."
AS_MANY_RESPONSES = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)
ENDS_WITH_MODEL = "Requests ending with a model turn are not supported."
VALID_ROLE = "Please use a valid role: user, model."
STARTS_WITH_USER = "Please ensure that the first content has the role user."

NO_EXTRAS: frozenset[str] = frozenset()
_WIRE = Wire(Extras())


def history_fault(request: JSON, *, extras: Extras | None = None) -> Refusal | None:
    """Return why a generate request (either key spelling) would be refused, or None when its history is valid."""
    wire = Wire(extras) if extras else _WIRE
    try:
        check_contents(wire.generate(request).get("contents", []), extras.part if extras else NO_EXTRAS)
    except Refusal as refusal:
        return refusal
    return None


def check_contents(contents: list[JSON], extra_payloads: set[str] | frozenset[str] = NO_EXTRAS) -> None:
    """Raise `Refusal` when the normalised contents break I1 (a)-(e); linear in the number of parts."""
    if not contents:
        raise Refusal("* GenerateContentRequest.contents: contents is not specified\n")
    if contents[0].get("role") == "model":
        raise Refusal(STARTS_WITH_USER)
    waiting: list[JSON] = []
    previous = ""
    for position, content in enumerate(contents):
        role = content.get("role", "")
        if role not in ("user", "model"):
            raise Refusal(VALID_ROLE)
        calls, responses = sorted_parts(f"contents[{position}]", content, extra_payloads)
        if role == "user":
            _check_user(position, content, calls, responses, waiting)
            waiting = []
        else:
            if responses:
                raise Refusal(RESPONSES_AFTER_CALLS)
            if waiting:
                raise Refusal(AS_MANY_RESPONSES)
            if calls and previous != "user":
                raise Refusal(CALLS_AFTER_USER)
            waiting = calls
        previous = role
    if previous == "model":
        raise Refusal(ENDS_WITH_MODEL)


def check_parts(body: JSON, extra_payloads: set[str] | frozenset[str] = NO_EXTRAS) -> None:
    """Raise `Refusal` when a content or the system instruction of a body has no parts or an empty one."""
    for position, content in enumerate(body.get("contents", ())):
        sorted_parts(f"contents[{position}]", content, extra_payloads)
    check_system(body)


def check_system(body: JSON) -> None:
    """Raise `Refusal` when the body has a system instruction without text."""
    if "systemInstruction" in body:
        sorted_parts("system_instruction", body["systemInstruction"], NO_EXTRAS)


def sorted_parts(name: str, content: JSON, extra_payloads: set[str] | frozenset[str]) -> tuple[list[JSON], list[JSON]]:
    """Return the content's calls and responses; raise when a part is empty or a name or an object is missing."""
    parts = content.get("parts")
    where = f"* GenerateContentRequest.{name}.parts"
    if not parts:
        raise Refusal(f"{where}: contents.parts must not be empty.\n")
    calls: list[JSON] = []
    responses: list[JSON] = []
    for index, part in enumerate(parts):
        text = part.get("text")
        if text:
            continue
        if text is not None:
            if "thoughtSignature" not in part:
                raise _uninitialized(where, index)
        elif "functionCall" in part:
            calls.append(part["functionCall"])
            if not part["functionCall"].get("name"):
                raise Refusal(f"{where}[{index}].function_call.name: Name cannot be empty.\n")
        elif "functionResponse" in part:
            responses.append(part["functionResponse"])
            _check_response(f"{where}[{index}].function_response", part["functionResponse"])
        elif not any(key in part for key in PAYLOADS) and not any(key in part for key in extra_payloads):
            raise _uninitialized(where, index)
    return calls, responses


def _uninitialized(where: str, index: int) -> Refusal:
    return Refusal(f"{where}[{index}].data: required oneof field 'data' must have one initialized field\n")


def _check_response(where: str, response: JSON) -> None:
    if not response.get("name"):
        raise Refusal(f"{where}.name: Name cannot be empty.\n")
    if "response" not in response:
        raise Refusal(f"{where}.response: Response cannot be empty.\n")


def _check_user(position: int, content: JSON, calls: list[JSON], responses: list[JSON], waiting: list[JSON]) -> None:
    if calls:
        raise Refusal(f"Please ensure that function calls come from the role model: contents[{position}].")
    if responses and not waiting:
        raise Refusal(RESPONSES_AFTER_CALLS)
    if len(responses) != len(waiting) or (responses and len(content["parts"]) != len(responses)):
        raise Refusal(AS_MANY_RESPONSES)
    for index, (call, response) in enumerate(zip(waiting, responses, strict=True)):
        for key in ("name", "id"):
            if call.get(key) != response.get(key):
                raise Refusal(
                    f"Please ensure that the {key} of each function response is that of its function call: "
                    f"contents[{position}].parts[{index}] has {response.get(key)!r}, expected {call.get(key)!r}."
                )


def is_response(content: JSON) -> bool:
    """Tell whether a content carries function responses."""
    return any("functionResponse" in part for part in content.get("parts", ()))


def turn_start(contents: list[JSON]) -> int:
    """Return the position of the last user content that is not function responses: where the current turn begins."""
    for position in range(len(contents) - 1, -1, -1):
        if contents[position].get("role") == "user" and not is_response(contents[position]):
            return position
    return 0
