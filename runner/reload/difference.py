"""What a reload changed, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.agent import Agent
    from runner.reload.generation import Generation

_TOLD_APART = {"model", "tools", "storage", "name"}  # keys of the manifest that have words of their own


def difference(old: Generation, new: Generation) -> str:
    """`tools +1, model a -> b`: what is another thing now; else the files whose content is another."""
    files = _changed_files(old, new)
    code = [file for file in files if file.endswith(".py")]
    tools = list(_of_tools(old.agent, new.agent)) or ([f"code of {', '.join(code)}"] if code else [])
    told = [*tools, *_of_agents(old.agent, new.agent), *_of_keys(old.agent, new.agent)]
    return ", ".join(told or files) or "the same again"


def _changed_files(old: Generation, new: Generation) -> list[str]:
    """The files that one was made from and the other was not, or not with this content; as seen from the project."""
    paths = old.files.keys() | new.files.keys()
    return sorted(_shown(path, new.agent.root) for path in paths if old.files.get(path) != new.files.get(path))


def _of_agents(old: Agent, new: Agent) -> Iterator[str]:
    if old.model.name != new.model.name:
        yield f"model {old.model.name} -> {new.model.name}"
    elif old.model_spec != new.model_spec:
        yield "model settings"
    elif old.manifest.model != new.manifest.model:  # another one stands in for both
        yield f"model {_called(old)} -> {_called(new)} ({new.model.name} answers)"
    if old.storage is not new.storage:
        kinds = old.storage_spec.type, new.storage_spec.type
        yield f"storage {kinds[0]} -> {kinds[1]}" if kinds[0] != kinds[1] else f"another {kinds[0]} storage"
    if old.name != new.name:
        yield f"name {old.name} -> {new.name} (chats are kept by name)"


def _called(agent: Agent) -> str:
    """The model that the manifest asks for."""
    spec = agent.manifest.model
    return str(spec.options.get("name", spec.type))


def _of_tools(old: Agent, new: Agent) -> Iterator[str]:
    before = {tool.name: tool.declaration() for tool in old.toolbox}
    after = {tool.name: tool.declaration() for tool in new.toolbox}
    counts = (("+", after.keys() - before.keys()), ("-", before.keys() - after.keys()))
    if signs := " ".join(f"{sign}{len(names)}" for sign, names in counts if names):
        yield f"tools {signs}"
    if redeclared := sorted(name for name in before.keys() & after.keys() if before[name] != after[name]):
        yield f"declaration of {', '.join(redeclared)}"


def _of_keys(old: Agent, new: Agent) -> Iterator[str]:
    for key in type(new.manifest).model_fields:
        if key not in _TOLD_APART and getattr(old.manifest, key) != getattr(new.manifest, key):
            yield key


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
