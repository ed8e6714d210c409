"""The loader and the schema accept the same files: what an editor underlines is what `run` refuses."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
from hypothesis import given, settings

from runner.loading import check_manifest
from runner.schemas.agent import agent_schema
from tests.schemas.manifests import manifests

if TYPE_CHECKING:
    from runner.messages import Json

SCHEMA = agent_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
SEEN: Counter[bool] = Counter()


FILE = Path(tempfile.mkdtemp()) / "agent.yaml"


def problems_of(manifest: Json) -> list[str]:
    """What the loader has against a manifest's form: E1.. about keys and values, of variables (E150), of executors (E174).

    What it says about files, modules, templates and models that are named, no schema of a form can know.
    """
    FILE.write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
    told = [each for each in check_manifest(FILE) if each.severity == "error"]
    return [f"{each.code} {each.message}" for each in told if each.code < "E120" or each.code in {"E150", "E174"}]


@given(manifests(SCHEMA))
@settings(max_examples=3000, deadline=None)
def test_the_loader_and_the_schema_agree(manifest: Json) -> None:
    refused = problems_of(manifest)
    wrong = [error.message for error in VALIDATOR.iter_errors(manifest)]
    SEEN[bool(wrong)] += 1
    assert bool(refused) == bool(wrong), f"{json.dumps(manifest)}\nloader: {refused}\nschema: {wrong}"
