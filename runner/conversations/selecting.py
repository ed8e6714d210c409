"""Which cases are run: by words or a glob, by tags, by name, by shard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.conversations.options import Selection, Shard
    from runner.conversations.progress import CaseId
    from runner.suite import CasePart

Wanted: TypeAlias = "Callable[[str], bool]"
"""Whether a case is wanted, asked with its name and tags in lower case, a line each."""

_TOKEN = re.compile(r"""\s*(?:([()])|'([^']*)'|"([^"]*)"|([^\s()'"]+))""")
_OPERATORS = ("and", "or", "not")


class _NoExpressionError(ValueError):
    pass


def is_selected(case: CasePart, case_id: CaseId, root: Path, selection: Selection) -> bool:
    """Whether all parts of a selection let a case through."""
    if selection.only is not None and case_id not in selection.only:
        return False
    if selection.tags and not set(selection.tags) & set(case.tags or ()):
        return False
    if selection.pattern and not matches(selection.pattern, case):
        return False
    return selection.shard is None or is_in_shard(case_id, root, selection.shard)


def matches(pattern: str, case: CasePart) -> bool:
    """Whether a pattern is about a case, in upper or lower case.

    With `*`, `?` or `[`, it is a glob of the whole name. Else it is words joined by `and`, `or`, `not` and brackets,
    each a part of the name or of a tag; words side by side, or in quotes, are one. What cannot be read like that is a
    part of the name as it stands.
    """
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(case.name.lower(), pattern.lower())
    try:
        wanted = _Expression(pattern.lower()).read()
    except _NoExpressionError:
        return pattern.lower() in case.name.lower()
    return wanted("\n".join([case.name, *(case.tags or ())]).lower())


def is_in_shard(case_id: CaseId, root: Path, shard: Shard) -> bool:
    """Whether a case belongs to a shard: by a hash of its file below the project root and its name, so it stays there
    whatever cases come and go."""
    path = case_id.suite.resolve()
    below = path.relative_to(root.resolve()) if path.is_relative_to(root.resolve()) else path
    mark = blake2b(f"{below.as_posix()}\n{case_id.name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(mark, "big") % shard.count == shard.index - 1


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_word: bool


class _Expression:
    """Words with and, or, not and brackets, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise _NoExpressionError
            bracket, one, other, word = found.groups()
            quoted = one if one is not None else other
            plain = bracket or word or ""
            is_word = quoted is not None or (bracket is None and word not in _OPERATORS)
            self._tokens.append(_Token(plain if quoted is None else quoted, is_word))
            at = found.end()

    def read(self) -> Wanted:
        """What the expression asks of a case."""
        wanted = self._either()
        if self._tokens:
            raise _NoExpressionError
        return wanted

    def _took(self, operator: str) -> bool:
        if self._tokens and self._tokens[0] == _Token(operator, False):
            del self._tokens[0]
            return True
        return False

    def _either(self) -> Wanted:
        options = [self._both()]
        while self._took("or"):
            options.append(self._both())
        return lambda text: any(option(text) for option in options)

    def _both(self) -> Wanted:
        conditions = [self._one()]
        while self._took("and"):
            conditions.append(self._one())
        return lambda text: all(condition(text) for condition in conditions)

    def _one(self) -> Wanted:
        if self._took("not"):
            refused = self._one()
            return lambda text: not refused(text)
        if self._took("("):
            inner = self._either()
            if not self._took(")"):
                raise _NoExpressionError
            return inner
        words: list[str] = []
        while self._tokens and self._tokens[0].is_word:
            words.append(self._tokens.pop(0).text)
        if not words:
            raise _NoExpressionError
        phrase = " ".join(words)
        return lambda text: phrase in text
