"""The small words of messages: what is quoted, listed, counted, and which known name is nearest to a wrong one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST = 60
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def quoted(text: str) -> str:
    """`"text"` on one line, shortened, with what does not show escaped."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return f'"{line[: _LONGEST - 1]}…"' if len(line) > _LONGEST else f'"{line}"'


def listed(names: Sequence[str], last: str = "or") -> str:
    """`a, b or c`."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was most likely meant, if one is near enough."""
    plain = normal(name)
    rated = [(_distance(plain, normal(each)) / max(len(plain), len(each), 1), each) for each in known]
    rated.sort(key=lambda pair: pair[0])
    if rated and rated[0][0] <= 0.4:
        return rated[0][1]
    longer = [each for _, each in rated if len(plain) >= 4 and (normal(each).startswith(plain) or plain in each)]
    return longer[0] if len(longer) == 1 else None


def certain(name: str, known: Iterable[str]) -> str | None:
    """The known name that can only have been meant: the same but for case and dashes, or one or two slips away."""
    plain = normal(name)
    rated = sorted((_distance(plain, normal(each)), each) for each in known)
    if not rated:
        return None
    slips, best = rated[0]
    allowed = 0 if len(plain) < 4 else 1 if len(plain) < 7 else 2
    is_alone = len(rated) == 1 or rated[1][0] > slips + 1
    return best if slips <= allowed and is_alone else None


def normal(name: str) -> str:
    """A name as it is compared: lower case, with underscores; `maxOutputTokens` is `max_output_tokens`."""
    return _HUMP.sub("_", name.strip()).lower().replace("-", "_").replace(" ", "_")


def _distance(one: str, other: str) -> int:
    """How many letters to add, drop, change or swap with their neighbour make one word the other."""
    if abs(len(one) - len(other)) > 20:
        return 99
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(above[j] + 1, row[-1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]
