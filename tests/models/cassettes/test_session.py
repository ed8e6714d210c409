"""One case's cassette: what each mode does with it, where it lives, and what is different since it was recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import CassetteError, CassetteMissError
from runner.loading.secrets import secret_values
from runner.models.cassettes import Cassette, CassetteSession, RecordMode, cassette_path, changes, decide, fingerprint
from runner.models.scripted import ScriptedModel, call, error, say
from runner.requests import Usage
from tests.models.asking import answer, asking
from tests.models.cassettes.making import COMMAND, NOON, SAMPLE, exchanges, get_weather, header, lines, session, told

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json


def scripted(*texts: str) -> ScriptedModel:
    return ScriptedModel(*map(say, texts), name="m")


async def case(one: CassetteSession, *queries: str, live: ScriptedModel | None = None) -> list[str]:
    """The answers of a case, one a turn."""
    events = await told(one.model("m", live), *queries)
    return [event["text"] for event in events if event["type"] == "turn_ended"]


async def recording(path: Path, *texts: str) -> None:
    one = session(path)
    await case(one, *(f"ask {text}" for text in texts), live=scripted(*texts))
    assert one.save()


@pytest.mark.parametrize(
    ("mode", "there", "way"),
    [
        ("once", False, "record"),
        ("once", True, "replay"),
        ("all", False, "record"),
        ("all", True, "record"),
        ("new", False, "record"),
        ("new", True, "extend"),
        ("none", True, "replay"),
    ],
)
def test_a_mode_decides_for_each_cassette(tmp_path: Path, mode: RecordMode, there: bool, way: str) -> None:
    path = tmp_path / "c.jsonl"
    if there:
        path.write_bytes(SAMPLE.read_bytes())
    one = session(path, mode)
    assert (decide(mode, path), one.way, one.needs_live) == (way, way, way != "replay")


def test_nothing_to_replay_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with pytest.raises(CassetteError) as caught:
        session(path, "none")
    assert str(caught.value) == f"{path}: there is no cassette to replay; record it anew: {COMMAND}"


def test_a_damaged_cassette_is_an_error_before_anything_is_asked_but_not_where_it_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("{")
    modes: tuple[RecordMode, ...] = ("once", "new", "none")
    for mode in modes:
        with pytest.raises(CassetteError, match="not a cassette"):
            session(path, mode)
    assert session(path, "all").way == "record"


def test_recording_needs_a_model_to_record(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a live model is needed"):
        session(tmp_path / "c.jsonl").model("m")


async def test_a_replay_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one")
    before = path.read_bytes()
    one = session(path, "none", record_tools=True)
    assert await case(one, "ask one") == ["one"]
    one.add_tool("f", {}, "ok", {})
    assert not one.save()
    assert path.read_bytes() == before


async def test_all_puts_a_new_recording_in_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one", "two")
    one = session(path, "all", header=header(clock=NOON + timedelta(days=1)))
    assert one.clock == NOON + timedelta(days=1)
    await case(one, "ask anew", live=scripted("new"))
    assert one.save()
    assert [each["reply"][0]["text"] for each in exchanges(path)] == ["new"]


async def test_new_leaves_a_cassette_alone_that_holds_everything(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one", "two")
    before = path.read_bytes()
    one = session(path, "new", header=header(clock=NOON + timedelta(days=1)))
    assert await case(one, "ask one", live=scripted()) == ["one"]
    assert (one.missed, one.save(), one.clock) == (False, False, NOON)
    assert path.read_bytes() == before


async def test_new_replays_what_is_there_and_records_the_rest_live(tmp_path: Path) -> None:
    """From the first request that is not recorded on, and under the recorded clock."""
    path = tmp_path / "c.jsonl"
    await recording(path, "one", "two", "three")
    before = lines(path)
    live = scripted("other", "third")
    later = header(clock=NOON + timedelta(days=1), agent_hash="#2", recorded_at=NOON + timedelta(days=1))
    one = session(path, "new", header=later)
    assert await case(one, "ask one", "ask other", "ask three", live=live) == ["one", "other", "third"]
    assert one.missed
    assert len(live.requests) == 2
    assert one.save()
    after = lines(path)
    assert after[1:3] == before[1:3]  # the exchange that was replayed, as it was
    assert [each["reply"][0]["text"] for each in exchanges(path)] == ["one", "other", "third"]
    cassette = Cassette.read(path)
    assert (cassette.header.clock, cassette.header.agent_hash) == (NOON, "#2")
    again = session(path, "none")
    assert await case(again, "ask one", "ask other", "ask three") == ["one", "other", "third"]
    assert again.unused() == []


async def test_after_the_first_miss_every_role_is_live(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    for role in ("agent", "judge", "judge"):
        await answer(one.model("m", scripted(f"old {role}"), role=role), asking("Hi", model="m"))
    one.save()
    one = session(path, "new")
    judge = one.model("m", scripted("new judge"), role="judge")
    agent = one.model("m", scripted("new agent"))
    got = [
        (await answer(model, asking(text, model="m"))).text
        for model, text in ((judge, "Hi"), (agent, "something else"), (judge, "Hi"))
    ]
    assert got == ["old judge", "new agent", "new judge"]
    assert one.save()
    assert [each["role"] for each in exchanges(path)] == ["judge", "agent", "judge"]


async def test_new_hands_on_what_the_live_model_amends_and_how_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one")
    one = session(path, "new")
    live = ScriptedModel(error(400, "INVALID_ARGUMENT"), name="m")
    assert await case(one, "something else", live=live) == [""]
    assert one.save()
    assert exchanges(path)[0]["failure"]["status"] == "INVALID_ARGUMENT"


async def test_results_of_tools_are_recorded_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path, record_tools=True)
    assert one.tools is None
    for number, city in enumerate(("Paris", "Rome", "Paris")):
        one.add_tool("get_weather", {"city": city, "unit": "c"}, "ok", {"number": number})
    one.add_tool("get_weather", {"city": "Atlantis"}, "error", {"error": "unknown city"})
    one.save()
    tools = session(path).tools
    assert tools is not None
    assert tools.answer("get_weather", {"unit": "c", "city": "Paris"}) == ("ok", {"number": 0})
    assert tools.answer("get_weather", {"unit": "c", "city": "Paris"}) == ("ok", {"number": 2})
    assert tools.answer("get_weather", {"unit": "c", "city": "Paris"}) is None
    assert tools.answer("get_time", {"city": "Rome", "unit": "c"}) is None
    assert tools.answer("get_weather", {"city": "Atlantis"}) == ("error", {"error": "unknown city"})


async def test_results_of_tools_are_not_recorded_unasked(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    one.add_tool("f", {}, "ok", {})
    one.save()
    assert session(path).tools is None


async def test_new_keeps_the_results_it_used_and_asks_the_tools_after_a_miss(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path, record_tools=True)
    await case(one, "ask", live=ScriptedModel(call("get_weather", {"city": "Paris"}), say("one"), name="m"))
    for number in range(3):
        one.add_tool("get_weather", {"city": "Paris"}, "ok", {"number": number})
    one.save()
    one = session(path, "new", record_tools=True)
    assert one.tools is not None
    assert one.tools.answer("get_weather", {"city": "Paris"}) == ("ok", {"number": 0})
    await case(one, "something else", live=scripted("new"))
    assert one.tools.answer("get_weather", {"city": "Paris"}) is None
    one.add_tool("get_weather", {"city": "Paris"}, "ok", {"number": "new"})
    one.save()
    assert [line["result"]["number"] for line in lines(path) if "tool" in line] == [0, "new"]


async def test_what_is_left_over_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one", "two")
    one = session(path)
    await case(one, "ask one")
    assert one.unused() == ["line 4: agent, turn 2, step 1: user: ask two"]
    assert session(tmp_path / "other.jsonl").unused() == []


BEFORE: Json = {
    "model": "gemini-3.8-flash",
    "instructions": fingerprint("a"),
    "temperature": 0.5,
    "thinking": "low",
    "tools": {
        "get_weather": {"declaration": "#1", "code": "#2"},
        "get_time": {"declaration": "#3", "code": "#4"},
        "send_mail": "#5",
    },
}


def test_what_changed_since_the_recording_is_told_in_words(tmp_path: Path) -> None:
    now: Json = {
        "model": "gemini-4-hydrogen",
        "instructions": fingerprint("b"),
        "temperature": 0.6,
        "seed": 7,
        "tools": {
            "get_weather": {"declaration": "#1x", "code": "#2"},
            "send_mail": "#5x",
            "get_date": {"declaration": "#6", "code": "#7"},
        },
    }
    told = [
        "model gemini-3.8-flash -> gemini-4-hydrogen",
        "instructions changed",
        "temperature 0.5 -> 0.6",
        "thinking gone",
        "tool get_weather: declaration changed",
        "tool get_time gone",
        "tool send_mail changed",
        "tool get_date new",
        "seed set",
    ]
    assert changes(BEFORE, now) == told
    assert changes(now, now) == []
    path = tmp_path / "c.jsonl"
    session(path, header=header(made_from=BEFORE)).save()
    assert session(path, header=header(made_from=now)).changes == told
    assert session(path, header=header(made_from=BEFORE)).changes == []


def test_a_cassette_lies_beside_its_suite(tmp_path: Path) -> None:
    suite = tmp_path / "tests" / "weather.conversations.yaml"
    folder = tmp_path / "tests" / "cassettes" / "weather"
    assert cassette_path(suite, "asks for the unit") == folder / "asks-for-the-unit.jsonl"
    assert cassette_path(suite, "asks for the unit", 10) == folder / "asks-for-the-unit.10.jsonl"
    for name in (
        "asks for the unit, then answers",
        "Asks for the unit",
        "asks-for-the-unit",
        "\u5929\u6c17",
        "../..",
        "nul",
    ):
        path = cassette_path(suite, name)
        assert path.parent == folder
        assert path.stem.rpartition("_")[0] in {"asks-for-the-unit-then-answers", "asks-for-the-unit", "case", "nul"}
    assert len(cassette_path(suite, "long " * 100).name) < 90


@given(names=st.lists(st.text(alphabet="aB1 -_./\u00e4\u0000\ud800", max_size=70), min_size=2, max_size=2, unique=True))
def test_two_cases_never_share_a_cassette(names: list[str]) -> None:
    """Nor on a file system that takes capitals for small letters."""
    one, other = (str(cassette_path(SAMPLE, name)).lower() for name in names)
    assert one != other
    assert one.isascii()


def test_the_values_of_variables_with_secret_names_are_secrets() -> None:
    environment = {"DB_PASSWORD": "a", "GITHUB_TOKEN": "b", "SOME_KEY": "c", "HOME": "d", "EMPTY_SECRET": ""}
    assert secret_values(environment) == ["a", "b", "c"]


async def test_tokens_are_told_again(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    one = session(path)
    usage = Usage(prompt_tokens=100, cached_tokens=60, output_tokens=5, total_tokens=105)
    await told(one.model("m", ScriptedModel(say("x", usage=usage), name="m")), "Hi", tools=[get_weather])
    one.save()
    events = await told(session(path).model("m"), "Hi", tools=[get_weather])
    assert events[-1]["usage"] == usage.to_json()


async def test_a_miss_of_a_session_without_a_command_still_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    await recording(path, "one")
    with pytest.raises(CassetteMissError, match=r"; record it anew$"):
        await answer(session(path, rerecord="").model("m"), asking("else"))


def test_tools_in_another_order_are_a_change() -> None:
    turned: Json = {**BEFORE, "tools": dict(reversed(BEFORE["tools"].items()))}
    assert changes(BEFORE, turned) == ["tools in another order"]
