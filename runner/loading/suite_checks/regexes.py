"""Regular expressions: each can be read, and those that keep something have a group."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from runner.loading.diagnostics import Span
from runner.loading.nodes import Scalar
from runner.loading.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.checks.subject import Subject
    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.suite_checks.subject import Suite


def check_regexes(suite: Suite) -> Iterator[Diagnostic]:
    """Those of replies, and those of `save`; the matcher `$regex` is seen to by the matchers."""
    for expectation in suite.expectations:
        for key in ("regex", "not_regex"):
            for place in expectation.below("reply", "+", key):
                yield from _problems(suite.subject, place)
    for place in suite.places("cases", "*", "turns", "*", "save", "*"):
        problems = list(_problems(suite.subject, place))
        yield from problems
        if not problems and (pattern := _compiled(place.node)) is not None and not pattern.groups:
            message = f"what {place.path[-1]} keeps is not marked: the regular expression has no group"
            hint = f'put parentheses around it, such as "({pattern.pattern})"' if len(pattern.pattern) < 30 else None
            yield suite.subject.say("E191", message, place, hint=hint or "put parentheses around it")


def _problems(subject: Subject, place: Located) -> Iterator[Diagnostic]:
    if isinstance(place.node, Scalar) and (problem := regex_problem(subject, place, place.node)):
        yield problem


def regex_problem(subject: Subject, place: Located, node: Scalar) -> Diagnostic | None:
    """What is wrong with the regular expression of a node, at the character it is about."""
    try:
        _compiled(node)
    except re.error as error:
        span = _span(node, error.pos)
        hint = "a backslash is written twice in double quotes; use single quotes" if _is_escaped(node) else None
        message = f"{quoted(node.shown)} is no regular expression: {error.msg}"
        return subject.say("E185", message, place, span=span, hint=hint)
    except (OverflowError, RecursionError) as error:
        return subject.say("E185", f"{quoted(node.shown)} is no regular expression: {error}", place)
    return None


def _compiled(node: object) -> re.Pattern[str] | None:
    """The expression; None where it is not known before the run. Raises re.error."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str) or node.is_unknown or "${" in node.text:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(node.text.replace("$$", "$"))


def _span(node: Scalar, position: int | None) -> Span | None:
    """Where in the file a position of the expression is; None where that cannot be told."""
    source, start, end = node.span
    written = source.text[start:end]
    if position is None or node.written is not None or "$$" in node.text:
        return None
    quote = 0 if written == node.text else 1 if written[1:-1] == node.text else None
    if quote is None:
        return None
    at = start + quote + min(position, max(len(node.text) - 1, 0))
    return Span(source, at, at + 1)


def _is_escaped(node: Scalar) -> bool:
    """Whether backslashes in double quotes have become other characters."""
    source, start, _ = node.span
    return source.text[start : start + 1] == '"' and any(char in node.text for char in "\x08\x0c\x07\x0b")
