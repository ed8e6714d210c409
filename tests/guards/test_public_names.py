"""The public door: `from runner import ...`. One list of names, told three times, never differently."""

from __future__ import annotations

import ast
import inspect

import pytest

import runner
from tests.guards.imports import PACKAGE


def names_for_type_checkers() -> dict[str, str]:
    """The module of each name that `runner/__init__.py` imports under `if TYPE_CHECKING`."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    return {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def test_public_names_are_sorted_and_told_once() -> None:
    assert runner.__all__ == sorted(set(runner.__all__))


def test_type_checkers_see_the_names_that_programs_get() -> None:
    """From the same modules: a name that only one of them knew would be a lie to the other."""
    assert names_for_type_checkers() == runner._HOME_OF
    assert sorted(runner._HOME_OF) == runner.__all__
    assert dir(runner) == runner.__all__


def test_a_name_that_is_not_public_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="module 'runner' has no attribute 'GeminiKlient'"):
        _ = runner.GeminiKlient


@pytest.mark.parametrize("name", runner.__all__)
def test_a_public_name_is_importable_and_says_what_it_is(name: str) -> None:
    """A class and each of its public methods have a docstring, of their own or from the method they override."""
    value = getattr(runner, name)
    assert value is getattr(runner, name)
    if not callable(value):
        return  # a type alias: its text stands beside it
    assert own_text(value), f"{name} has no docstring"
    if inspect.isclass(value):
        silent = [member for member, item in vars(value).items() if is_public_code(member, item) and not told(item)]
        assert not silent, f"{name}: {', '.join(silent)} without docstring"


def own_text(value: object) -> str | None:
    """The docstring written for it; a dataclass without one is given its signature."""
    text = getattr(value, "__doc__", None)
    return None if text and text.startswith(f"{getattr(value, '__name__', '')}(") else text


def is_public_code(member: str, item: object) -> bool:
    return not member.startswith("_") and isinstance(item, property | classmethod | staticmethod | type(told))


def told(item: object) -> str | None:
    return inspect.getdoc(item)
