"""Thought signatures: minted for one part of one model, checked without remembering anything.

A signature is a digest of the model and the part under a constant key, so it holds across restarts and between servers;
its base64 always contains `+`, `/` and `=`, which a client that treats it as text is likely to spoil.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

from .gemini_history import turn_start
from .gemini_schema import decoded
from .refusals import Refusal

if TYPE_CHECKING:
    import random

JSON = dict[str, Any]
SENTINEL = "skip_thought_signature_validator"
CORRUPTED = "Corrupted thought signature."
PREFIX = b"\xfb\xef\xff"  # "++//" in base64
SECRET = b"tests.servers"


def missing(name: str, position: int) -> Refusal:
    return Refusal(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{name}` , position {position}. Please refer to "
        "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
    )


def plain(value: Any) -> Any:
    """Numbers of a Struct are doubles: 1 and 1.0 are the same value."""
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is list:
        return [plain(each) for each in value]
    if type(value) is dict:
        return {key: plain(each) for key, each in value.items()}
    return value


def essence(part: JSON) -> bytes:
    """Return what a signature of this part is bound to: a call's name and arguments, or a text."""
    call = part.get("functionCall")
    what: Any = ["text", part.get("text", "")]
    if call is not None:
        what = ["call", call.get("name", ""), plain(call.get("args") or {})]
    return json.dumps(what, sort_keys=True).encode()


def is_sentinel(signature: str) -> bool:
    return signature == SENTINEL or _bytes(signature) == SENTINEL.encode()


def _bytes(signature: str) -> bytes:
    try:
        return decoded(signature)
    except (binascii.Error, ValueError):
        return b""


class SignatureBook:
    """Mints and checks; remembers only the exceptions: signatures a script gave, calls a script left unsigned."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._given: dict[bytes, bytes] = {}
        self._unsigned: set[bytes] = set()

    @staticmethod
    def _digest(model: str, part: JSON, nonce: bytes) -> bytes:
        return hashlib.blake2b(b"\0".join((model.encode(), nonce, essence(part))), key=SECRET, digest_size=32).digest()

    def mint(self, model: str, part: JSON) -> str:
        """Return a signature for this part, standard base64."""
        nonce = self._rng.randbytes(8)
        return base64.b64encode(PREFIX + nonce + self._digest(model, part, nonce)).decode()

    def remember_given(self, model: str, part: JSON) -> None:
        self._given[_bytes(part["thoughtSignature"])] = self._digest(model, part, b"")

    def remember_unsigned(self, model: str, part: JSON) -> None:
        self._unsigned.add(self._digest(model, part, b""))

    def is_genuine(self, model: str, part: JSON) -> bool:
        """Tell whether the part's signature is, byte for byte, one made for this part and model."""
        found = _bytes(part["thoughtSignature"])
        if found in self._given:
            return self._given[found] == self._digest(model, part, b"")
        nonce = found[3:11]
        return found == PREFIX + nonce + self._digest(model, part, nonce)

    def check(self, model: str, contents: list[JSON]) -> None:
        """Raise the 400 when a step of the current turn lacks its signature or bears a wrong one."""
        for position in range(turn_start(contents) + 1, len(contents)):
            calls = [part for part in contents[position].get("parts", ()) if "functionCall" in part]
            for index, part in enumerate(calls):
                self._check_call(model, part, position, first=index == 0)

    def _check_call(self, model: str, part: JSON, position: int, *, first: bool) -> None:
        signature = part.get("thoughtSignature")
        if signature is None or signature == "":
            if first and self._digest(model, part, b"") not in self._unsigned:
                raise missing(part["functionCall"]["name"], position + 1)
        elif not is_sentinel(signature) and not self.is_genuine(model, part):
            raise Refusal(CORRUPTED)
