"""Where a project keeps its schemas, and how they are written: `.agent-run/`, which git leaves alone."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import AgentRunError
from runner.files import OWN_FOLDER, write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json


Kind: TypeAlias = Literal["agent", "conversations"]


def project_schema_path(root: Path, kind: Kind = "agent") -> Path:
    """The file of a project's own schema for a kind of file."""
    return root / OWN_FOLDER / f"{kind}.schema.json"


def schema_text(schema: Json) -> str:
    """A schema as it is written to a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path, schema: Json) -> bool:
    """Write a schema whole or not at all; whether the file changed. An editor never reads half of one."""
    text = schema_text(schema).encode()
    with suppress(OSError):
        if path.read_bytes() == text:
            return False
    try:
        write_whole(path, text)
    except OSError as error:
        raise AgentRunError(f"{path} cannot be written: {error.strerror or error}") from error
    return True
