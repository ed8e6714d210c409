"""The option `--var NAME=VALUE` of the commands that build an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.screen import visible

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def with_variables(command: F) -> F:
    """Give a command the parameter `variables`: a dictionary of what `--var` was given."""
    return click.option(
        "--var",
        "variables",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_values,
        help="Give a variable of the instructions.",
    )(command)


def _values(_ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--var {visible(text)}: write it as NAME=VALUE")
        values[name] = value
    return values
