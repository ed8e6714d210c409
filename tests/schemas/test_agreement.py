"""The loader and the schema accept the same files: what an editor underlines is what `run` refuses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import jsonschema_rs
from hypothesis import given, settings

from runner.loading.diagnostics import Diagnostic
from runner.loading.nodes import Mapping, compose
from runner.loading.source import Source
from runner.loading.structure import checked
from runner.loading.substitution import substitute
from runner.loading.vocabulary import AGENT
from runner.manifest import AgentManifest
from runner.messages import Json
from runner.schemas.agent import agent_schema
from tests.schemas.manifests import manifests

SCHEMA = agent_schema()
VALIDATOR = jsonschema_rs.validator_for(SCHEMA)
SEEN: Counter[bool] = Counter()


def problems_of(manifest: Json) -> list[Diagnostic]:
    """What the structural layer of the loader has against a manifest."""
    source = Source(Path("agent.yaml"), "agent.yaml", json.dumps(manifest, ensure_ascii=False))
    problems: list[Diagnostic] = []
    tree = compose(source, problems)
    assert isinstance(tree, Mapping), problems
    problems += [each for each in substitute(tree, {}, "W") if each.severity == "error"]
    checked(tree, AgentManifest, AGENT, problems)
    return problems


@given(manifests(SCHEMA))
@settings(max_examples=400, deadline=None)
def test_the_loader_and_the_schema_agree(manifest: Json) -> None:
    refused = [f"{each.code} {each.message}" for each in problems_of(manifest)]
    wrong = [error.message for error in VALIDATOR.iter_errors(manifest)]
    SEEN[bool(wrong)] += 1
    assert bool(refused) == bool(wrong), f"{json.dumps(manifest)}\nloader: {refused}\nschema: {wrong}"
