"""What a docstring says: the summary, and a text for each parameter."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from runner.tools.hints import plain_function

if TYPE_CHECKING:
    from collections.abc import Callable


def documentation(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """A function's description, without the sections on parameters and results, and its parameters' texts by name.

    Google's, NumPy's and Sphinx's styles are understood; a docstring in none of them is the description as it stands.
    """
    return read_docstring(inspect.getdoc(plain_function(function)))


def read_docstring(text: str | None) -> tuple[str, dict[str, str]]:
    """The same of a docstring's text, its indentation removed."""
    if not text:
        return "", {}
    from docstring_parser import ParseError, parse

    try:
        parsed = parse(text)
    except ParseError:
        return text, {}
    parameters = {
        item.arg_name.lstrip("*"): " ".join(item.description.split()) for item in parsed.params if item.description
    }
    return (parsed.description or "").strip(), parameters
