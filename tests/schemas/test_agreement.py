"""The loader and the schema accept the same files: what an editor underlines is what `run` refuses."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings

from runner.loading import check_manifest
from runner.loading.suites import check_suite
from runner.schemas.agent import agent_schema
from runner.schemas.conversations import conversations_schema
from tests.schemas.manifests import manifests, matched

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
    assume(all(each.code != "E131" for each in told))  # of a malformed reference nothing more is said
    return [f"{each.code} {each.message}" for each in told if each.code < "E120" or each.code in {"E150", "E174"}]


@given(manifest=manifests(SCHEMA))
@settings(max_examples=400, deadline=None)
def test_the_loader_and_the_schema_agree(manifest: Json, file: Path) -> None:
    refused = problems_of(manifest, file)
    wrong = [error.message for error in VALIDATOR.iter_errors(manifest)]
    SEEN[bool(wrong)] += 1
    assert bool(refused) == bool(wrong), f"{json.dumps(manifest)}\nloader: {refused}\nschema: {wrong}"


SUITE_SCHEMA = conversations_schema()
SUITE_VALIDATOR = jsonschema_rs.validator_for(SUITE_SCHEMA)


def problems_of_suite(suite: Json, file: Path) -> list[str]:
    """What the loader has against the form of a conversations file: keys, values, variables' names and matchers (E184).

    What a JSON schema in it says is not its form.
    """
    file = file.with_name("agent.conversations.yaml")
    file.write_text(json.dumps(suite, ensure_ascii=False), "utf-8")
    told = [each for each in check_suite(file) if each.severity == "error"]
    assume(all(each.code != "E131" for each in told))
    told = [each for each in told if "is no JSON schema" not in each.message and "no such day" not in each.message]
    return [f"{each.code} {each.message}" for each in told if each.code < "E120" or each.code in {"E150", "E184"}]


@given(suite=manifests(SUITE_SCHEMA, odds=60))
@settings(max_examples=200, deadline=None)
def test_the_loader_and_the_schema_agree_on_conversations(suite: Json, file: Path) -> None:
    refused = problems_of_suite(suite, file)
    wrong = [f"{error.instance_path} {error.message}" for error in SUITE_VALIDATOR.iter_errors(suite)]
    assert bool(refused) == bool(wrong), f"{json.dumps(suite)}\nloader: {refused}\nschema: {wrong}"


@given(value=matched(SUITE_SCHEMA))
@settings(max_examples=300, deadline=None)
def test_the_loader_and_the_schema_agree_on_matchers(value: Any, file: Path) -> None:
    expect = {"calls": [{"tool": "x", "result": value}], "reply": {"json": value}}
    suite = {"agent": "x.yaml", "cases": [{"name": "x", "turns": [{"user": "x", "expect": expect}]}]}
    refused = problems_of_suite(suite, file)
    wrong = [f"{error.instance_path} {error.message}" for error in SUITE_VALIDATOR.iter_errors(suite)]
    SEEN[bool(wrong)] += 1
    assert bool(refused) == bool(wrong), f"{json.dumps(value)}\nloader: {refused}\nschema: {wrong}"
