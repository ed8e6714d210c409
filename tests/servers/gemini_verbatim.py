"""Did every model content come back as it was sent? (I1 (f): parts never merged, split, dropped or rebuilt.)"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from .gemini_schema import decoded
from .gemini_signatures import plain
from .refusals import Refusal

JSON = dict[str, Any]


def joined(parts: list[JSON]) -> list[JSON]:
    """Return the parts as a client keeps a stream: unsigned neighbours of one kind of text joined, empty ones gone."""
    kept: list[JSON] = []
    for part in parts:
        mergeable = part.keys() <= {"text", "thought"}
        if mergeable and not part.get("text"):
            continue
        before = kept[-1] if kept else {}
        if mergeable and before and before.keys() <= {"text", "thought"} and _kind(before) == _kind(part):
            kept[-1] = {**before, "text": before["text"] + part["text"]}
        else:
            kept.append(part)
    return kept


def _kind(part: JSON) -> bool:
    return bool(part.get("thought"))


def fingerprint(parts: list[JSON]) -> bytes:
    """Return a digest equal for equal contents, whatever base64 alphabet or number form they are written in."""
    return hashlib.blake2b(json.dumps([_canonical(part) for part in joined(parts)], sort_keys=True).encode()).digest()


def _canonical(part: JSON) -> JSON:
    result: JSON = plain({key: value for key, value in part.items() if value not in (None, False)})
    if "thoughtSignature" in result:
        result["thoughtSignature"] = base64.b64encode(decoded(result["thoughtSignature"])).decode()
    blob = result.get("inlineData")
    if isinstance(blob, dict) and isinstance(blob.get("data"), str):
        result["inlineData"] = {**blob, "data": base64.b64encode(decoded(blob["data"])).decode()}
    return result


class SentContents:
    """The fingerprints of all model contents that were sent whole."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def add(self, parts: list[JSON]) -> None:
        if parts:
            self._known.add(fingerprint(parts))

    def check(self, contents: list[JSON]) -> None:
        """Raise when a model content is not one of those sent."""
        for position, content in enumerate(contents):
            if content.get("role") == "model" and fingerprint(content["parts"]) not in self._known:
                raise Refusal(f"tests.servers: contents[{position}] is not a content that this server has sent whole.")
