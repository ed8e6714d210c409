"""What is hidden before anything is written or compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.messages import Json, Part

SHORTEST = 6
"""Characters of a secret's value; a shorter one ("test") is a word that ordinary texts hold too."""
HIDDEN = "[hidden]"

_AUTHORIZATION = re.compile(r"\b(bearer|basic) [\w.~+/\-]{16,}=*", re.IGNORECASE)
_OPAQUE = frozenset({"thoughtSignature", "thought_signature", "inlineData", "inline_data"})


class Redactor:
    """Hides the given secrets, the environment's API keys, and what has the shape of a key, in any JSON value.

    Requests are fingerprinted as they look afterwards, so a recording made where a key is known fits where none is.
    `cover` is a further function for texts.
    """

    def __init__(self, secrets: Iterable[str] = (), cover: Callable[[str], str] = str) -> None:
        from runner.models.gemini.redaction import environment_secrets, redactor

        known = {value.strip() for value in (*secrets, *environment_secrets())}
        self._shaped = redactor(value for value in known if len(value) >= SHORTEST)
        self._cover = cover

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self._cover(_AUTHORIZATION.sub(rf"\1 {HIDDEN}", self._shaped(text)))

    def clean(self, value: Any) -> Any:
        """A JSON value without secrets, in keys neither."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self.clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(item) for item in value]
        return value

    def parts(self, parts: Sequence[Part]) -> list[Part]:
        """The parts of a reply; their signatures and inline data are kept byte for byte."""
        return [self._part(part) for part in parts]

    def _part(self, part: Part) -> Json:
        return {name: value if name in _OPAQUE else self.clean(value) for name, value in part.items()}
