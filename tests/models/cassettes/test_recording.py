"""Recording changes nothing for who asks, and leaves a file that people can read and that holds no secret."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import CassetteError, GeminiAPIError
from runner.events import Notice
from runner.loading.secrets import secret_values, without_secrets
from runner.models.cassettes import Recorder, RecordingModel, Redactor, ReplayModel
from runner.models.cassettes.cassette import Cassette
from runner.models.cassettes.replaying import Player
from runner.models.scripted import Reply, ScriptedModel, call, error, finish, say
from runner.requests import Finish, Usage
from tests.models.asking import NAME, Answer, answer, asking
from tests.models.cassettes.making import (
    NOON,
    SAMPLE,
    SAMPLE_REPLIES,
    SAMPLE_REQUESTS,
    exchanges,
    header,
    lines,
    recorded,
    session,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "c4nary-in-the-coal-mine"
SIGNATURE = "AIzaSyA-this-has-the-shape-of-a-key-but-is-none+/=="


async def test_a_cassette_is_a_line_for_each_exchange_after_its_header(tmp_path: Path) -> None:
    """`format_1.jsonl` is the whole text of a small one: what users read in their reviews."""
    path = tmp_path / "deep" / "case.jsonl"
    described = header(made_from={"model": "gemini-3.8-flash"}, repeat=2, recorded_at=NOON, version="0.1.0")
    one = session(path, header=described, record_tools=True)
    model = one.model(NAME, ScriptedModel(*SAMPLE_REPLIES, name=NAME))
    for request in SAMPLE_REQUESTS[:1]:
        await answer(model, request)
    one.add_tool("f", {"x": "1"}, "ok", {"temp_c": 18})
    for request in SAMPLE_REQUESTS[1:]:
        await answer(model, request)
    assert one.save()
    assert path.read_text("ascii") == SAMPLE.read_text("ascii")


async def test_who_asks_gets_what_the_model_gives_at_once(tmp_path: Path) -> None:
    """Piece by piece: nothing waits for the end of the reply."""
    async with recorded(tmp_path / "c.jsonl", ScriptedModel(say("a b c"), say("a b c"))) as model:
        assert (await answer(model)).text == "a b c"
        async with contextlib.aclosing(model.generate(asking("again"))) as items:
            assert await anext(items) == {"text": "a"}
            assert [item async for item in items][-1] == Finish()
    assert (model.name, model.family) == ("scripted", "scripted")


async def test_everything_that_a_reply_says_is_kept(tmp_path: Path) -> None:
    odd = {"newKind": {"deep": [1.0, 1, None, True, "\ud800\x00\N{SNOWMAN}"]}, "thoughtSignature": "c2ln"}
    signed = {"text": "", "thoughtSignature": "bGFzdA=="}
    ending = Finish("MAX_TOKENS", "cut", "gemini-3.8-flash-001", "id-1", {"safetyRatings": [{"p": 0.25}]})
    reply = Reply([{"text": "a"}, {"text": "b"}, odd, {"text": "c"}, signed], Usage(thoughts_tokens=3), ending)

    class Telling(ScriptedModel):
        async def generate(self, request: Any) -> Any:
            async for item in super().generate(request):
                if isinstance(item, Finish):
                    yield Notice("model_version", "another one")
                yield item

    path = tmp_path / "c.jsonl"
    async with recorded(path, Telling(reply)) as model:
        live = await answer(model)
    again = await answer(ReplayModel(Player(Cassette.read(path), Redactor()), "gemini-3.8-flash"))
    assert again == live
    assert again.parts == [{"text": "a"}, {"text": "b"}, odd, {"text": "c"}, signed]
    assert repr(again.parts[2]) == repr(odd)  # 1.0 is not 1


async def test_a_failure_is_recorded_after_what_was_said_before(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    failures = error(GeminiAPIError(429, "RESOURCE_EXHAUSTED", "wait", retryable=True, retry_after=7.5))
    model = ScriptedModel(failures, error(503, after=say("so far")), finish("SAFETY"))
    async with recorded(path, model) as recording:
        for _ in range(2):
            with pytest.raises(GeminiAPIError):
                await answer(recording)
        await answer(recording)
    limited, broken, refused = exchanges(path)
    assert limited["failure"] == {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "message": "wait",
        "retryable": True,
        "retry_after": 7.5,
    }
    assert (broken["reply"], broken["failure"]["status"]) == ([{"text": "so far"}], "UNAVAILABLE")
    assert refused["finish"] == {"reason": "SAFETY"}


@pytest.mark.parametrize("way", ["left", "cancelled", "a bug"])
async def test_an_exchange_that_was_cut_off_keeps_the_old_cassette(tmp_path: Path, way: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("old")

    class Slow(ScriptedModel):
        async def generate(self, request: Any) -> Any:
            yield {"text": "so far"}
            if way == "a bug":
                raise ValueError("bug")
            await asyncio.sleep(60)

    recorder = Recorder(path, header(), Redactor())
    model = RecordingModel(Slow(), recorder)
    if way == "left":
        async with contextlib.aclosing(model.generate(asking())) as items:
            await anext(items)
    else:
        with pytest.raises(ValueError if way == "a bug" else TimeoutError):
            async with asyncio.timeout(0.01):
                await answer(model)
    assert not recorder.is_whole
    assert not recorder.save()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


async def test_a_case_that_ends_before_its_cassette_is_saved_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("old")
    one = session(path, "all")
    await told(one.model("scripted", ScriptedModel(say("new"))), "Hi")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


async def test_a_disk_that_is_full_leaves_the_old_cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("old")
    one = session(path, "all")
    await told(one.model("scripted", ScriptedModel(say("new"))), "Hi")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CassetteError, match=r"c\.jsonl: the cassette cannot be written: No space left on device"):
        one.save()
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


async def test_no_secret_reaches_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever carries it: a question, a call, a tool's result, pieces of a reply, a notice, a failure, the header."""
    monkeypatch.setenv("WEATHER_TOKEN", CANARY)
    monkeypatch.setenv("GEMINI_API_KEY", f"{CANARY}-too")
    keys = (
        f"{CANARY} {CANARY}-too AIza{'x' * 35} ghp_{'x' * 36} Bearer {'x' * 40} https://me:{CANARY}@host/ key={CANARY}"
    )

    def leak(secret: str) -> dict[str, str]:
        """Tell a secret."""
        return {secret: keys}

    path = tmp_path / "c.jsonl"
    live = ScriptedModel(
        call("leak", {"secret": keys}),
        say(keys, pieces=9, thought=keys),
        finish("SAFETY", message=keys, details={"deep": [{keys: keys}]}),
        error(400, "INVALID_ARGUMENT", keys),
        name=f"models/{CANARY}",
    )
    one = session(
        path,
        header=header(made_from={"model": keys}, source=f"local http://me:{CANARY}@127.0.0.1"),
        secrets=secret_values({"WEATHER_TOKEN": CANARY}),
        cover=without_secrets,
        record_tools=True,
    )
    one.add_tool("leak", {"secret": keys}, "ok", {keys: [keys]})
    await told(one.model("m", live), keys, keys, keys, tools=[leak], generation_config={"stopSequences": [keys]})
    assert one.save()
    text = path.read_text("ascii")
    assert len(exchanges(path)) == 4
    assert "[hidden]" in text
    for secret in ("c4nary", "AIza", "ghp_", "x" * 16):
        assert secret not in text


async def test_a_short_value_is_no_secret_but_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "test")
    async with recorded(tmp_path / "c.jsonl", ScriptedModel(say("a test"))) as model:
        await answer(model, asking("test?"))
    assert exchanges(tmp_path / "c.jsonl")[0]["reply"] == [{"text": "a test"}]


async def test_exchanges_stand_in_the_order_in_which_they_were_asked(tmp_path: Path) -> None:
    """Also where the one asked first is answered last."""
    free = asyncio.Event()

    class Judge(ScriptedModel):
        async def generate(self, request: Any) -> Any:
            await free.wait()
            async for item in super().generate(request):
                yield item

    recorder = Recorder(tmp_path / "c.jsonl", header(), Redactor())
    slow = RecordingModel(Judge(say("fine")), recorder, role="judge")
    quick = RecordingModel(ScriptedModel(say("one")), recorder)
    verdict = asyncio.create_task(answer(slow, asking("judge this")))
    await asyncio.sleep(0)
    await answer(quick, asking("and this"))
    free.set()
    await verdict
    assert recorder.save()
    assert [(each["role"], each["reply"][0]["text"]) for each in exchanges(recorder.path)] == [
        ("judge", "fine"),
        ("agent", "one"),
    ]


async def test_long_texts_and_files_are_told_in_short(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    image = {"inlineData": {"mimeType": "image/png", "data": "QUJD" * 1000}}
    async with recorded(path, ScriptedModel(say("ok"), say("ok"))) as model:
        await answer(model, asking({"role": "user", "parts": [{"text": "look"}, image]}))
        await answer(model, asking("long " * 10_000))
    [[_, first]], [[_, second]] = (each["request"]["new"] for each in exchanges(path))
    assert first == "user: look\n[image/png, 3 KB] 5c409b6f"
    assert second.endswith("\n... and 46006 more characters")
    assert len(path.read_text()) < 8_000


async def test_options_are_told_once_and_again_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    async with recorded(path, ScriptedModel.repeating(say("ok"))) as model:
        for text in ("a", "a", "b", "a"):
            await answer(model, asking("Hi", system_instruction={"parts": [{"text": text}]}))
    kinds = ["".join(line.get("instructions", ("request" in line and "-") or "")) for line in lines(path)]
    assert kinds == ["", "a", "-", "-", "b", "-", "-"]


async def test_closing_it_closes_the_model(tmp_path: Path) -> None:
    class Closing(ScriptedModel):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    inner = Closing()
    async with session(tmp_path / "c.jsonl").model("m", inner):
        pass
    assert inner.closed


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="need a zone"):
        header(clock=header().clock.replace(tzinfo=None))


async def test_the_answer_of_the_helper_is_whole() -> None:
    """The tests' own reader of items, compared here by value."""
    assert await answer(ScriptedModel(say("x"))) == Answer(
        [{"text": "x"}], [Usage(10, 0, 5, total_tokens=15)], finishes=[Finish()]
    )
    assert json.loads(json.dumps(SIGNATURE)) == SIGNATURE
