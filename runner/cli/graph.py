"""`agent-run graph FILE`: what a manifest builds, as a tree, a diagram or a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible, visible_line
from runner.cli.variables import with_variables

if TYPE_CHECKING:
    from rich.tree import Tree

    from runner.graph.parts import Part
    from runner.settings import Settings

_FORMATS = ("tree", "mermaid", "dot", "json")
_FEW = 2  # settings that fit beside a part's name; more stand below it
_LONGEST = 60  # characters of a setting
_PIPE_WIDTH = 10_000  # of a pipe: lines are not broken for it


@click.command("graph")
@click.argument("file")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="tree", help="How it is written; a tree first.")
@click.option("--svg", "picture", metavar="OUT", help="Write a picture to the file OUT instead.")
@with_variables
def graph(file: str, form: str, picture: str | None, variables: dict[str, str]) -> Exit:
    """Show what FILE builds: model, tools, executor, storage, limits, and the key each came from.

    It is the agent that `run` would use, built but not started: nothing is opened, and no API key is needed.
    """
    root, folder = _graph(file, variables)
    out = Output(sys.stdout)
    if picture is not None:
        from runner.graph.svg import svg

        _write(picture, svg(root, folder))
    elif form == "tree":
        out.write_now(_drawn(root, out))
    else:
        out.write_now(_as_text(root, folder, form))
    return Exit.DONE


def _graph(file: str, variables: dict[str, str]) -> tuple[Part, Path]:
    """The graph of a manifest's agent, and its project root."""
    import asyncio

    from runner.agent import Agent
    from runner.graph.build import graph_of
    from runner.loading import load_manifest

    loaded = load_manifest(file, variables=variables)
    settings = _settings(loaded.root)
    agent = Agent(loaded, settings=settings)
    try:
        return graph_of(agent, loaded, settings, variables), loaded.root
    finally:
        asyncio.run(agent.aclose())


def _settings(root: Path) -> Settings:
    """The project's settings, with a key that nobody uses where there is none: the graph shows the manifest's model."""
    from pydantic import SecretStr

    from runner.settings import Settings

    settings = Settings.of_project(root)
    return settings if settings.api_key else settings.model_copy(update={"key": SecretStr("unused")})


def _as_text(root: Part, folder: Path, form: str) -> str:
    if form == "json":
        import json

        return json.dumps({"root": str(folder), "graph": root.to_json(folder)}, indent=2) + "\n"
    if form == "mermaid":
        from runner.graph.mermaid import mermaid

        return visible(mermaid(root, folder))
    from runner.graph.dot import dot

    return visible(dot(root, folder))


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{name} cannot be written: {error.strerror or error}") from error


# the tree


def _drawn(root: Part, out: Output) -> str:
    from rich.console import Console

    from runner.cli.markdown import terminal_console

    if out.is_terminal:
        console = terminal_console(out)
    else:
        console = Console(file=sys.stdout, width=_PIPE_WIDTH, color_system=None, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(_tree(root, None, Path.cwd()))
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _tree(part: Part, above: Part | None, here: Path) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    from runner.graph.cards import places

    is_named = part.kind in {"agent", "tool"}
    is_table = len(part.settings) > _FEW and not is_named
    label = Text("" if is_named else f"{part.kind:<12} " if part.name else part.kind)
    label.stylize("cyan")
    label.append(visible_line(part.title) if part.name else "", "bold" if is_named else "")
    if part.built and not is_named:
        label.append(f"  {part.built}", "dim")
    if not is_table:
        label.append("".join(f"  {visible_line(f'{each.name} {each.value}', _LONGEST)}" for each in part.settings))
    if not (is_table and part.origin.is_default):
        label.append("".join(f"  {visible_line(place)}" for place in places(part, above, here)), "dim")
    tree = Tree(label, guide_style="dim")
    width = max((len(setting.name) for setting in part.settings), default=0)
    for setting in part.settings if is_table else ():
        row = Text(f"{setting.name:<{width}}  {visible_line(setting.value, _LONGEST)}")
        tree.add(row.append("" if setting.origin == part.origin else f"  {setting.origin.shown(here)}", "dim"))
    for child in part.parts:
        tree.children.append(_tree(child, part, here))
    return tree
