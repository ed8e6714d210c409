"""`agent-run chats export CHAT --as-test`: a conversations file made from a chat."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from runner.cli.screen import visible_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.chats.place import Kept
    from runner.cli.door import Door


class Sink(Protocol):
    """Where an export is written to."""

    async def write(self, text: str) -> None:
        """Write `text`."""


class TestWriter:
    """Writes one chat as a test. `agent` is the manifest, `output` the file that is written, each if it was given."""

    def __init__(
        self, *, agent: str | None, output: str | None, is_case: bool, is_scripted: bool, has_stubs: bool
    ) -> None:
        self._agent, self._output = agent, None if output == "-" else output
        self._is_case, self._is_scripted, self._has_stubs = is_case, is_scripted, has_stubs
        if self._output is not None and not is_case and os.path.lexists(self._output):
            where = visible_line(self._output)
            raise click.UsageError(f"{where} exists already; --case makes a case to paste into it")

    async def __call__(self, kept: Kept, chats: Sequence[str], out: Sink) -> str:
        """Write it; what was written, in words."""
        from runner.conversations.exporting import Wanted, as_case, as_file
        from runner.loading import project_root
        from runner.loading.suite_checks.agent import tools_known

        key = kept.key(chats[0])
        log = await kept.log(key)
        manifest = Path(self._agent) if self._agent is not None else _manifest_of(key)
        wanted = Wanted(
            agent=self._from_here(manifest),
            scripted=self._is_scripted,
            stubs=self._has_stubs,
            tools=tools_known(manifest),
            schema=self._from_here(_schema_of(manifest)) if self._output is not None else None,
            folder=self._folder(manifest),
            root=project_root(manifest),
        )
        await out.write(as_case(log, wanted) if self._is_case else as_file(log, wanted))
        return "a case" if self._is_case else "a conversation"

    def _from_here(self, path: Path) -> str:
        """A path as the file will write it; what goes to standard output is taken to lie beside the manifest."""
        if self._output is None:
            return path.name
        return os.path.relpath(path.absolute(), self._folder(path)).replace(os.sep, "/")

    def _folder(self, manifest: Path) -> Path:
        """Where the file will stand."""
        return (manifest if self._output is None else Path(self._output)).absolute().parent

    async def tell_problems(self, door: Door) -> None:
        """Say what `agent-run validate` has against the file that was written."""
        from runner.loading.formats import as_text
        from runner.loading.suites import check_suite

        if self._output is not None and not self._is_case:
            problems = check_suite(self._output)
            if problems:
                await door.tell(as_text(problems))
            await door.aside(f"run it: agent-run test {visible_line(self._output)}")


def _schema_of(manifest: Path) -> Path:
    from runner.loading import project_root
    from runner.schemas.files import project_schema_path

    return project_schema_path(project_root(manifest)).with_name("conversations.schema.json")


def _manifest_of(key: str) -> Path:
    """The manifest of the agent that a chat of the project's is kept for, found by its name."""
    from runner.chats import named
    from runner.loading import project_root
    from runner.loading.finding import manifests_of

    agent = named(key)[0]
    found = [path for path in manifests_of(project_root(Path.cwd() / "agent.yaml")) if _name_of(path) == agent]
    if len(found) != 1:
        which = "no manifest" if not found else f"{len(found)} manifests"
        raise click.UsageError(
            f'{which} of this project has the name "{visible_line(agent)}": name it with --agent FILE'
        )
    return found[0]


def _name_of(path: Path) -> str:
    from runner.loading import InvalidManifestError, load_manifest

    try:
        name = load_manifest(path).manifest.name
    except InvalidManifestError as error:
        name = error.manifest.name if error.manifest is not None else None
    return name or path.name.partition(".")[0]
