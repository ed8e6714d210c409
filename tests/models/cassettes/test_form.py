"""A file that is no whole cassette of a format known here is refused, by name and line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.exits import Exit, exit_for_error
from runner.errors import CassetteError
from runner.models.cassettes import Cassette, Recorder, RecordingModel, Redactor, ReplayModel, ToolResult
from runner.models.cassettes.replaying import Player
from runner.models.finish import joined
from runner.models.scripted import Reply, ScriptedModel
from runner.requests import Finish
from tests.models.asking import answer, asking
from tests.models.cassettes.making import NOON, SAMPLE, header

if TYPE_CHECKING:
    from pathlib import Path

    from runner.messages import Json


NEWER = "the cassette was written"


def sample() -> list[Json]:
    return [json.loads(line) for line in SAMPLE.read_text("ascii").splitlines()]


def refused(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CassetteError) as caught:
        Cassette.read(path)
    assert exit_for_error(caught.value) is Exit.USAGE
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ":1: this is not a cassette: its first line is no JSON"),
        ("agent: weather\n", ":1: this is not a cassette: its first line is no JSON"),
        ("[1]\n", ":1: a line of a cassette is a JSON object"),
        ('{"interactions": []}\n', ":1: this is not a cassette: its first line is no header"),
        ('{"cassette": 2, "version": "9"}\n', f":1: {NEWER} by agent-run 9, in format 2; this one reads 1"),
        ('{"cassette": 3}\n', f":1: {NEWER} by a newer agent-run, in format 3; this one reads 1"),
        ('{"cassette": 1, "recorded_at": null}\n', ":1: not a header that agent-run wrote: 'agent' is missing"),
        (b"\xff\xfe\x00", ": the cassette cannot be read: it is not UTF-8"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_cassette(tmp_path: Path, text: str | bytes, words: str) -> None:
    assert refused(tmp_path / "c.jsonl", text) == words


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="there is no such cassette"):
        Cassette.read(tmp_path / "c.jsonl")


def test_wherever_a_file_is_torn_it_is_no_cassette_any_more(tmp_path: Path) -> None:
    """But at the end of a line: then the missing exchange is a miss."""
    text = SAMPLE.read_text("ascii")
    ends = {index for index, char in enumerate(text) if char == "\n"}
    for length in range(0, len(text), 7):
        if length not in ends and length - 1 not in ends:
            line = text[:length].count("\n") + 1
            assert refused(tmp_path / "c.jsonl", text[:length]).startswith(f":{line}: ")


def test_marks_of_a_merge_are_found(tmp_path: Path) -> None:
    text = SAMPLE.read_text("ascii").splitlines(keepends=True)
    merged = "".join([*text[:3], "<<<<<<< ours\n", *text[3:]])
    assert refused(tmp_path / "c.jsonl", merged).startswith(":4: the cassette is torn: no JSON")


@pytest.mark.parametrize(
    ("line", "change", "words"),
    [
        (0, {"clock": "2026-03-01T12:00:00"}, "header that agent-run wrote: a cassette's times need a zone"),
        (0, {"made_from": []}, "header that agent-run wrote: not an object"),
        (2, {"reply": ["text"]}, "line that agent-run wrote: not an object"),
        (2, {"request": {"kept": 5, "new": []}}, "line that agent-run wrote: it continues a request that is not there"),
        (2, {"request": {"kept": 0, "new": [], "fingerprint": "#1", "model": "m", "options": "#9"}}, "'#9' is missing"),
        (2, {"usage": {"tokens": 1}}, "line that agent-run wrote: "),
        (2, {"failure": {"code": 503}}, "'retryable' is missing"),
        (3, {"args": None}, "line that agent-run wrote: not an object"),
        (3, {"tool": 1}, "line that agent-run wrote: not a text"),
    ],
)  # fmt: skip
def test_a_line_that_was_edited_by_hand_and_is_wrong_is_named(
    tmp_path: Path, line: int, change: Json, words: str
) -> None:
    lines = sample()
    lines[line] |= change
    told = refused(tmp_path / "c.jsonl", "".join(f"{json.dumps(each)}\n" for each in lines))
    assert told.startswith(f":{line + 1}: ")
    assert words in told


def test_a_kind_of_line_that_is_unknown_is_refused(tmp_path: Path) -> None:
    text = SAMPLE.read_text("ascii") + '{"music": "loud"}\n'
    assert refused(tmp_path / "c.jsonl", text) == ':6: a cassette has no such line: {"music": "loud"}'


def test_blank_lines_and_line_ends_of_windows_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(SAMPLE.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    read, sample = Cassette.read(path), Cassette.read(SAMPLE)
    assert (read.header, read.entries) == (sample.header, sample.entries)


def test_the_header_tells_what_was_recorded() -> None:
    cassette = Cassette.read(SAMPLE)
    assert cassette.header == header(
        made_from={"model": "gemini-3.8-flash"}, repeat=2, recorded_at=NOON, version="0.1.0"
    )
    assert [exchange.line for exchange in cassette.exchanges("agent")] == [3, 5]
    assert cassette.exchanges("judge") == []
    assert cassette.tool_results() == [ToolResult("f", {"x": "1"}, "ok", {"temp_c": 18})]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.fixed_dictionaries({"text": st.text(max_size=8)}, optional={"thought": st.booleans()})
SIGNED = st.fixed_dictionaries({"text": st.text(max_size=3), "thoughtSignature": st.text(max_size=5)})
CALLS = st.builds(lambda args: {"functionCall": {"name": "f", "args": {"a": args}}}, VALUES)
PARTS = st.lists(TEXTS | SIGNED | CALLS | st.builds(lambda value: {"newKind": value}, VALUES), max_size=6)


@settings(deadline=None, max_examples=150)
@given(parts=PARTS, details=st.dictionaries(st.text(max_size=3), VALUES, max_size=2))
async def test_any_reply_survives(tmp_path_factory: Any, parts: list[Json], details: Json) -> None:
    """As it is stored, and in pieces as it streamed, but for pieces without anything in them."""
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    recorder = Recorder(path, header(), Redactor())
    reply = Reply(parts, finish=Finish(details=details))
    live = await answer(RecordingModel(ScriptedModel(reply), recorder), asking("Hi"))
    assert recorder.save()
    again = await answer(ReplayModel(Player(Cassette.read(path), Redactor()), "m"), asking("Hi"))
    assert (joined(again.parts), again.usages, again.finish) == (joined(live.parts), live.usages, live.finish)
    shown = [[part["text"] for part in each.parts if part.get("text")] for each in (again, live)]
    assert shown[0] == shown[1]
