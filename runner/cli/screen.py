"""What a terminal may be sent: text of models, tools and files with everything that does not show made visible.

A terminal obeys control characters (move, overwrite, set the clipboard), and a reader is deceived by characters that
show nothing or turn the text around. They are written as escapes such as `\\x1b` and `\\u202e`; newline and tab stay.
"""

from __future__ import annotations

import re

_JOINING = (
    "\u0620-\u08ff"  # Arabic and its relatives, where joiners are spelling
    "\u0900-\u0dff\u1000-\u109f\u1780-\u18af"  # Indic, Burmese, Khmer, Mongolian
    "\u2190-\u2bff\ufe0e\ufe0f\U0001f000-\U0001faff"  # emoji, joined into one picture
)
_DECEIVING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufff0-\ufffb"  # show nothing
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, line separators, bidirectional controls
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # tags and selectors: text inside text
    "\ud800-\udfff"  # halves of a pair: no encoding has them
)
_HIDDEN = re.compile(
    f"[{_DECEIVING}]"
    f"|(?<![{_JOINING}])[\u200c\u200d]"  # a joiner that joins nothing
    "|(?<![^\\s\u200c\u200d\ufe00-\ufe0f])[\ufe00-\ufe0f]"  # a variation selector after no character of its own
)
_LINE_END = re.compile(r"[ \t]*\n\s*")


def _escape(hidden: re.Match[str]) -> str:
    code = ord(hidden[0])
    if code == 0x0D:
        return "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    """`text` with everything that does not show as itself escaped; line ends become newlines."""
    return _HIDDEN.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str, limit: int | None = None) -> str:
    """`text` on one line, at most `limit` characters long."""
    line = _LINE_END.sub(" ", visible(text).strip()).replace("\t", " ")
    if limit is not None and len(line) > limit:
        return line[: max(limit - 1, 0)] + "…"
    return line


class VisibleStream:
    """`visible` for text that arrives in pieces, wherever it was cut."""

    def __init__(self) -> None:
        self._held = ""  # a carriage return that may be half of a line end
        self._before = ""  # the last character, which decides about joiners

    def feed(self, text: str) -> str:
        """The visible form of `text`, but for a final carriage return, which comes with the next piece."""
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        if not text:
            return ""
        shown = visible(self._before + text)[len(visible(self._before)) :]
        self._before = text[-1]
        return shown

    def end(self) -> str:
        """What was held back."""
        held, self._held = self._held, ""
        return visible(held)
