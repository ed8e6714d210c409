"""The loader and the schema accept the same files: what an editor underlines is what `run` refuses."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from hypothesis import given, settings

from runner.loading import check_manifest
from runner.schemas.agent import agent_schema
from tests.schemas.manifests import manifests

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json

SCHEMA = agent_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
SEEN: Counter[bool] = Counter()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("agreement") / "agent.yaml"


def problems_of(manifest: Json, file: Path) -> list[str]:
    """What the loader has against a manifest's form: keys, values, variables' names (E150), executors' options (E174).

    What it says about files, modules, templates and models that are named, no schema of a form can know.
    """
    file.write_text(json.dumps(manifest, ensure_ascii=False), "utf-8")
    told = [each for each in check_manifest(file) if each.severity == "error"]
    return [f"{each.code} {each.message}" for each in told if each.code < "E120" or each.code in {"E150", "E174"}]


@given(manifest=manifests(SCHEMA))
@settings(max_examples=400, deadline=None)
def test_the_loader_and_the_schema_agree(manifest: Json, file: Path) -> None:
    refused = problems_of(manifest, file)
    wrong = [error.message for error in VALIDATOR.iter_errors(manifest)]
    SEEN[bool(wrong)] += 1
    assert bool(refused) == bool(wrong), f"{json.dumps(manifest)}\nloader: {refused}\nschema: {wrong}"
