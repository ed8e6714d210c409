"""What is sent of a log: the same in every process, valid at every instant, and never less than what is kept."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.chats.form import entry_line
from runner.messages import ChatMessage, responses_to, to_json
from runner.recovery import closing
from runner.rendering import Rendering, history, said
from runner.requests import Usage
from tests.invariants import assert_sound, assert_valid_history

NOW = "2026-11-22T08:00:00.000+00:00"
NEXT = ChatMessage.user("and now?")


class Log:
    """A log that is written turn by turn."""

    def __init__(self) -> None:
        self.entries: list[ChatMessage] = []
        self.turn = 0
        self.prompt = 0

    def meta(self, kind: Any, **more: Any) -> Any:
        return {"kind": kind, "turn": self.turn, "time": NOW, **more}

    def begin(self, text: str) -> None:
        self.turn += 1
        self.entries.append(ChatMessage.user(text, meta=self.meta("user")))

    def cut(self, before: int, summary: str | None) -> None:
        content = None if summary is None else {"role": "user", "parts": [{"text": summary}]}
        self.entries.append(ChatMessage(content, self.meta("summary", before=before)))

    def call(self, names: list[str], step: int) -> None:
        calls = [{"functionCall": {"name": name, "args": {}, "id": f"{self.turn}-{i}"}} for i, name in enumerate(names)]
        meta = self.meta("model", step=step, effects=["once"] * len(names))
        model = ChatMessage({"role": "model", "parts": calls}, meta)
        started = ChatMessage(None, self.meta("started", step=step, calls=[0]))
        results = responses_to(model.calls, [{"output": name} for name in names])
        responses = ChatMessage(results, self.meta("responses", step=step, results=["ok"] * len(names)))
        self.entries += [model, started, responses]

    def end(self, text: str | None, counted: int) -> None:
        if text is None:
            self.entries.append(ChatMessage(None, self.meta("closed", status="failed", reason="X", message="y")))
            return
        usage = Usage(prompt_tokens=counted, output_tokens=len(text), total_tokens=counted + len(text)).to_json()
        meta = self.meta("model", status="answered", **({"usage": usage} if counted else {}))
        self.entries.append(ChatMessage.model(text, meta=meta))


names = st.lists(st.sampled_from(["find", "send"]), min_size=1, max_size=3)
texts = st.text(min_size=1, max_size=20)
turns = st.tuples(
    texts,
    st.lists(names, max_size=2),
    st.none() | texts,
    st.integers(0, 300),
    st.none() | st.tuples(st.integers(0, 40), st.none() | texts, st.booleans()),
)


@st.composite
def logs(draw: st.DrawFn) -> list[ChatMessage]:
    """Turns with calls, failed ones, and cuts, of which each leaves out no less than the one before."""
    log, cut = Log(), 0
    for text, steps, answer, counted, cutting in draw(st.lists(turns, max_size=12)):
        log.begin(text)
        late = False
        if cutting is not None:
            share, summary, late = cutting
            cut = max(cut, min(log.turn, log.turn * share // 30))
            if not late:
                log.cut(cut, summary)
        for number, called in enumerate(steps, 1):
            log.call(called, number)
        if late and cutting is not None:
            log.cut(cut, cutting[1])
        log.end(answer, counted)
    return log.entries


@settings(max_examples=50)
@given(logs())
def test_gemini_accepts_what_is_sent_and_it_is_the_newest_turns(log: list[ChatMessage]) -> None:
    assert_sound(log)
    messages = history(log)
    assert_valid_history([message.content for message in messages if message.content is not None])
    cuts = [entry for entry in log if entry.kind == "summary"]
    before = cuts[-1].meta["before"] if cuts else 0
    rest = [entry for entry in log if entry.is_sent and entry.kind != "summary" and entry.meta["turn"] >= before]
    top = [cuts[-1]] if cuts and cuts[-1].is_sent else []
    assert messages == [*top, *rest]


@settings(max_examples=50)
@given(logs())
def test_all_that_was_said_stays(log: list[ChatMessage]) -> None:
    kinds = {"user", "model", "responses"}
    assert said(log) == [entry for entry in log if entry.kind in kinds]


@settings(max_examples=50)
@given(logs(), st.data())
def test_what_is_read_piece_by_piece_is_what_is_read_at_once(log: list[ChatMessage], data: st.DataObject) -> None:
    """A process that has held the chat, one that opens it, and one that looked at it in between send the same."""
    rendering, at = Rendering(), 0
    while at < len(log):
        size = data.draw(st.integers(1, 5))
        rendering.extend(log[at : at + size])
        if data.draw(st.booleans()):
            assert rendering.tokens >= 0
            assert len(rendering.sizes()) == len(rendering.turns)
        at += size
    whole = Rendering(log)
    assert rendering.messages == whole.messages
    assert (rendering.turns, rendering.tokens, rendering.sizes()) == (whole.turns, whole.tokens, whole.sizes())
    for turn in rendering.turns:
        assert rendering.messages[turn.start].kind == "user"


@settings(max_examples=50)
@given(logs())
def test_a_chat_that_was_exported_and_imported_sends_the_same(log: list[ChatMessage]) -> None:
    again = [ChatMessage.from_json(entry_line(entry)) for entry in log]
    stored = [ChatMessage.from_stored(entry.content_json, entry.meta_json) for entry in log]
    assert history(again) == history(stored) == history(log)
    assert to_json([entry.content for entry in said(again)]) == to_json([entry.content for entry in said(log)])


@settings(max_examples=50)
@given(logs(), st.data())
def test_what_a_crash_or_a_fork_leaves_of_a_log_sends_what_gemini_accepts(
    log: list[ChatMessage], data: st.DataObject
) -> None:
    left = log[: data.draw(st.integers(0, len(log)))]
    closed = [*left, *closing(left, NOW)]
    assert_sound(closed)
    assert_valid_history([message.content for message in history(closed) if message.content is not None])


def test_a_cut_never_leaves_out_the_turn_that_it_stands_in() -> None:
    log = Log()
    for _ in range(3):
        log.begin("hi")
        log.end("ho", 0)
    log.begin("again")
    log.cut(99, "a summary")
    assert [message.text for message in history(log.entries)] == ["a summary", "again"]


def test_turns_of_other_programs_are_numbered_in_order() -> None:
    """Entries without a turn, and turns that are numbered anew where two chats were made one."""
    bare = [ChatMessage.user("a"), ChatMessage.model("b")] * 2
    numbered = [ChatMessage.user("c", meta={"turn": 7}), ChatMessage.user("d", meta={"turn": 1})]
    rendering = Rendering([*bare, *numbered])
    assert [turn.number for turn in rendering.turns] == [1, 2, 7, 8]
    assert rendering.next_number == 9
    rendering.extend([ChatMessage(None, {"kind": "summary", "turn": 1, "before": 7})])
    assert [message.text for message in rendering.messages] == ["c", "d"]


def test_tokens_are_those_counted_and_an_estimate_of_what_is_newer() -> None:
    log = Log()
    log.begin("x" * 30)
    assert Rendering(log.entries).tokens == 10
    log.end("y" * 10, 1000)
    log.begin("x" * 30)
    log.end("y" * 10, 1200)
    log.begin("x" * 30)
    rendering = Rendering(log.entries)
    assert rendering.tokens == 1210 + 10
    assert rendering.sizes() == [13, 200, 10], "the instructions are no part of the first turn"
    log.cut(2, "z" * 60)
    rendering.extend(log.entries[-1:])
    assert rendering.tokens == 1220 - 13 + 20
    assert rendering.sizes() == [13, 10]


def test_of_a_reply_that_took_several_requests_the_last_one_counts() -> None:
    usage = Usage(prompt_tokens=100, output_tokens=5, total_tokens=105)
    both = usage + Usage(prompt_tokens=120, output_tokens=10, total_tokens=130)
    assert (both.prompt_tokens, both.context_tokens) == (220, 130)
    assert (both + Usage()).context_tokens == 130
    assert Usage.from_json(both.to_json()) == both
    assert "context" not in " ".join(both.to_json())
