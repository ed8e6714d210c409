"""About how many tokens something has, where nobody has counted them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.messages import to_json

if TYPE_CHECKING:
    from runner.messages import ChatMessage, Part

_BYTES_A_TOKEN = 3  # English has 4 and more, so this is rather too many tokens than too few
_FILE = 1200  # tokens of an image; a page of a PDF has fewer, a long film far more
_SIGNATURES = ("thoughtSignature", "thought_signature")


def tokens_in(text: str) -> int:
    """About how many tokens a text has, at most."""
    return len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN


def tokens_of(message: ChatMessage) -> int:
    """About how many tokens a message has; files of any length count like an image."""
    return sum(map(_of_part, message.parts))


def _of_part(part: Part) -> int:
    if "inlineData" in part or "fileData" in part:
        return _FILE
    text = part.get("text")
    if isinstance(text, str):
        return tokens_in(text)
    if isinstance(response := part.get("functionResponse"), dict) and (media := response.get("parts")):
        return _FILE * len(media) + tokens_in(to_json(response.get("response")))
    return tokens_in(to_json({name: value for name, value in part.items() if name not in _SIGNATURES}))
