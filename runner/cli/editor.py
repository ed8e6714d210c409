"""`agent-run editor vscode|jetbrains`: the settings that give manifests and conversations their schemas."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.exits import Exit
from runner.cli.output import Output
from runner.cli.screen import visible, visible_line
from runner.errors import AgentRunError

if TYPE_CHECKING:
    from collections.abc import Callable

_SCHEMA = ".agent-run/agent.schema.json"
_PATTERNS = ("agents/*.yaml", "agents/*.yml")
_OTHERS = ("!agents/*.conversations.yaml", "!agents/*.conversations.yml")  # files of another kind beside them
_CONVERSATIONS_SCHEMA = ".agent-run/conversations.schema.json"
_CONVERSATIONS = ("*.conversations.yaml", "*.conversations.yml")


@click.command("editor")
@click.argument("name", metavar="EDITOR", type=click.Choice(["vscode", "jetbrains"]))
def editor(name: str) -> Exit:
    """Make EDITOR (vscode or jetbrains) complete and check the manifests in agents/, and *.conversations.yaml anywhere.

    Writes the project's schemas and the editor's settings; what stands in them is kept. A file with comments is left as
    it is, and what to add to it is shown.
    """
    from runner.loading import project_root
    from runner.schemas.project import refresh

    root = project_root(Path.cwd() / "agents")
    refresh(root)
    changes = _vscode(root) if name == "vscode" else _jetbrains(root)
    refused = [text for file, change in changes.items() if (text := _applied(file, change, root))]
    if refused:
        raise click.ClickException(f"left as they are: {'; '.join(refused)}")
    return Exit.DONE


def _vscode(root: Path) -> dict[Path, Callable[[str | None], str]]:
    from runner.schemas.vscode import with_extension, with_schema

    folder = root / ".vscode"

    def settings(text: str | None) -> str:
        for_manifests = with_schema(text, f"./{_SCHEMA}", [*_PATTERNS, *_OTHERS])
        return with_schema(for_manifests, f"./{_CONVERSATIONS_SCHEMA}", _CONVERSATIONS)

    return {
        folder / "settings.json": settings,
        folder / "extensions.json": with_extension,
    }


def _jetbrains(root: Path) -> dict[Path, Callable[[str | None], str]]:
    from runner.schemas.jetbrains import with_mapping

    def mappings(text: str | None) -> str:
        for_manifests = with_mapping(text, "agent-run", _SCHEMA, _PATTERNS)
        return with_mapping(for_manifests, "agent-run conversations", _CONVERSATIONS_SCHEMA, _CONVERSATIONS)

    return {root / ".idea" / "jsonSchemas.xml": mappings}


def _applied(file: Path, change: Callable[[str | None], str], root: Path) -> str | None:
    """Apply a change to a file and say so; why it was refused, after showing what to add."""
    from runner.schemas.vscode import UnmergeableError

    out, shown = Output(sys.stdout), visible_line(str(file.relative_to(root)))
    before = _read(file)
    try:
        after = change(before)
    except UnmergeableError as error:
        out.write_now(visible(f"add to {shown}:\n{change(None)}"))
        return f"{shown}: {error}"
    if after == before:
        out.write_now(f"unchanged {shown}\n")
        return None
    _write(file, after)
    out.write_now(f"wrote {shown}\n")
    return None


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeError) as error:
        raise AgentRunError(f"{file} cannot be read: {error}") from error


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    except OSError as error:
        raise AgentRunError(f"{file} cannot be written: {error.strerror or error}") from error
