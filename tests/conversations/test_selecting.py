"""Which cases are run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.conversations.last import failed_last, remember
from runner.conversations.options import Options, Selection, Shard
from runner.conversations.progress import CaseId
from runner.conversations.results import CaseResult, Outcome, RunResult
from runner.conversations.selecting import is_in_shard, is_selected, matches
from runner.errors import ManifestError
from runner.suite import CasePart

ROOT = Path("/project")


def case(name: str, *tags: str) -> CasePart:
    return CasePart.model_validate({"name": name, "turns": [{"user": "hi"}], **({"tags": list(tags)} if tags else {})})


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("unit", ["Asks for the unit", "unit: slow"]),
        ("FOR THE UNIT", ["Asks for the unit"]),
        ("unit and not slow", ["Asks for the unit"]),
        ("asks or slow", ["Asks for the unit", "unit: slow"]),
        ("(asks or slow) and unit", ["Asks for the unit", "unit: slow"]),
        ("not unit", ["greets and leaves", "what [now]?"]),
        ("smoke", ["greets and leaves"]),
        ("'greets and leaves'", ["greets and leaves"]),
        ("greets and leaves", ["greets and leaves"]),
        ("and leaves", ["greets and leaves"]),
        ("*unit", ["Asks for the unit"]),
        ("what*", ["what [now]?"]),
        ("unit*", ["unit: slow"]),
        ("nothing", []),
        ("unit and", []),
    ],
)
def test_a_pattern_is_words_or_a_glob_or_a_part_of_the_name(pattern: str, names: list[str]) -> None:
    cases = [case("Asks for the unit"), case("unit: slow"), case("greets and leaves", "smoke"), case("what [now]?")]
    assert [each.name for each in cases if matches(pattern, each)] == names


def test_all_parts_of_a_selection_must_let_a_case_through() -> None:
    one = CaseId(ROOT / "a.conversations.yaml", "one")
    part = case("one", "smoke", "slow")
    assert is_selected(part, one, ROOT, Selection())
    assert is_selected(part, one, ROOT, Selection(tags=["slow", "other"]))
    assert not is_selected(part, one, ROOT, Selection(tags=["other"]))
    assert is_selected(part, one, ROOT, Selection(only={one}))
    assert not is_selected(part, one, ROOT, Selection(only=set()))
    assert not is_selected(part, one, ROOT, Selection(tags=["slow"], pattern="two"))


def test_shards_are_parts_of_all_cases_and_stay_when_cases_come() -> None:
    cases = [CaseId(ROOT / "agents" / f"{n % 3}.conversations.yaml", f"case {n}") for n in range(300)]
    shards = [[each for each in cases if is_in_shard(each, ROOT, Shard(index, 5))] for index in range(1, 6)]
    assert Counter(each for shard in shards for each in shard) == Counter(cases)
    assert all(30 < len(shard) < 90 for shard in shards)
    assert [each for each in cases[:150] if is_in_shard(each, ROOT, Shard(2, 5))] == [
        each for each in shards[1] if each in cases[:150]
    ]


def test_a_shard_is_the_same_wherever_the_project_lies() -> None:
    for n in range(20):
        here, there = CaseId(Path("/a/x.conversations.yaml"), f"{n}"), CaseId(Path("/b/c/x.conversations.yaml"), f"{n}")
        assert is_in_shard(here, Path("/a"), Shard(1, 2)) is is_in_shard(there, Path("/b/c"), Shard(1, 2))


@pytest.mark.parametrize(("index", "count"), [(0, 2), (3, 2), (1, 0)])
def test_there_is_no_shard_outside_of_its_count(index: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"no shard {index}/{count}"):
        Shard(index, count)


def test_at_least_one_case_runs_at_a_time() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Options(concurrency=0)


def result(root: Path, **outcomes: Outcome) -> RunResult:
    cases = [
        CaseResult(
            suite=root / "a.conversations.yaml", agent="a", name=name, line=1, tags=[], outcome=outcome, attempts=[]
        )
        for name, outcome in outcomes.items()
    ]
    return RunResult(cases=cases, started=datetime.now(UTC), ms=0.0)


def test_what_failed_last_is_remembered_over_runs_that_left_it_out(tmp_path: Path) -> None:
    def names() -> set[str]:
        return {each.name for each in failed_last(tmp_path)}

    remember(result(tmp_path, one="failed", two="error", three="passed", four="skipped"), tmp_path)
    assert names() == {"one", "two"}
    remember(result(tmp_path, one="passed", five="failed"), tmp_path)
    assert names() == {"two", "five"}
    remember(result(tmp_path, two="passed", five="passed"), tmp_path)
    assert names() == set()
    assert {each.name for each in (tmp_path / ".agent-run").iterdir()} == {"last-test.json", ".gitignore"}


def test_without_a_run_there_is_nothing_that_failed_last(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="run the tests once without --only-failed"):
        failed_last(tmp_path)
    (tmp_path / ".agent-run").mkdir()
    (tmp_path / ".agent-run" / "last-test.json").write_text("{")
    with pytest.raises(ManifestError, match="cannot be read"):
        failed_last(tmp_path)
    remember(result(tmp_path, one="failed"), tmp_path)
    assert failed_last(tmp_path) == {CaseId(tmp_path / "a.conversations.yaml", "one")}
