"""The file form of chats: what comes back is what was written, and a file that is not right is told by its line."""

from __future__ import annotations

import json

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cli.chats.form import FiledChat, end_line, entry_line, filed_chats, head_line
from runner.messages import ChatMessage, to_json
from tests.storages.conformance_words import SOAK, texts, values

contents = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "model"]),
        "parts": st.lists(
            st.dictionaries(texts.filter(lambda key: key != "text" and "function" not in key), values), max_size=3
        ),
    }
)
entries = st.builds(ChatMessage, st.none() | contents, st.dictionaries(texts, values, max_size=4))


def written(*chats: tuple[str, str, list[ChatMessage]]) -> list[bytes]:
    lines = []
    for agent, chat, log in chats:
        lines += [head_line(agent, chat, len(log)), *map(entry_line, log)]
    return [line.encode("ascii") for line in [*lines, end_line(len(chats))]]


def texts_of(chats: list[FiledChat]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [(chat.agent, chat.chat, [(e.content_json, e.meta_json) for e in chat.entries]) for chat in chats]


def refused(lines: list[bytes]) -> str:
    with pytest.raises(click.ClickException) as told:
        list(filed_chats(lines, "chats.jsonl"))
    return told.value.message


@settings(max_examples=30 * SOAK, deadline=None, derandomize=True)
@given(
    chats=st.lists(
        st.tuples(st.just("agent") | st.just(""), texts, st.lists(entries, min_size=1, max_size=3)), max_size=3
    )
)
def test_what_is_written_is_read_back_text_for_text(chats: list[tuple[str, str, list[ChatMessage]]]) -> None:
    read = texts_of(list(filed_chats(written(*chats), "f")))
    assert read == [(a, c, [(to_json(e.content), to_json(e.meta)) for e in log]) for a, c, log in chats]
    assert [line for chat in read for line in chat[2]] == [
        (e.content_json, e.meta_json) for _, _, log in chats for e in log
    ]


@pytest.mark.parametrize(
    "value",
    ["1e308", "-0.0", "1.0E+2", str(2**63), str(10**400), '"\\ud83d"', '"\\u0000"', "[ 1 , 2 ]", '{"a":1,"a":2}'],
)
def test_the_stored_text_itself_is_kept_not_what_it_means(value: str) -> None:
    content = f'{{"role":"user","parts":[{{"x":{value}}}]}}'
    entry = ChatMessage.from_stored(content, f'{{"y": {value}}}')
    (chat,) = filed_chats(written(("a", "c", [entry])), "f")
    assert (chat.entries[0].content_json, chat.entries[0].meta_json) == (content, f'{{"y": {value}}}')


def test_json_laid_out_in_rows_becomes_one_line() -> None:
    entry = ChatMessage.from_stored('{"role": "user",\n "parts": []}', "{\n}")
    (chat,) = filed_chats(written(("a", "c", [entry])), "f")
    assert chat.entries == [ChatMessage({"role": "user", "parts": []}, {})]


def test_a_line_written_by_hand_is_read_as_well() -> None:
    lines = written(("a", "c", [ChatMessage.user("x")]))
    lines[1] = '{"meta": {"kind": "user"}, "content": {"role": "user", "parts": [{"text": "é"}]}}\r\n'.encode()
    (chat,) = filed_chats(lines, "f")
    assert chat.entries[0].content_json == '{"role":"user","parts":[{"text":"\\u00e9"}]}'


def test_a_file_that_was_cut_off_anywhere_is_refused() -> None:
    two = [ChatMessage.user("one"), ChatMessage.model("two")]
    whole = b"".join(written(("a", "c", two), ("a", "d", two)))
    assert len(list(filed_chats(whole.splitlines(keepends=True), "f"))) == 2
    for end in range(len(whole) - 1):  # the last newline may be missing
        part = whole[:end]
        line = int(refused(part.splitlines(keepends=True)).split(":")[1])
        assert line in {part.count(b"\n") + 1, part.count(b"\n") + 2}


def test_files_may_be_joined() -> None:
    one = written(("a", "c", [ChatMessage.user("one")]))
    assert [chat.line for chat in filed_chats([*one, *one, *written()], "f")] == [1, 4]


HEAD = head_line("a", "c", 1).encode()
ENTRY = entry_line(ChatMessage.user("x")).encode()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "chats.jsonl:1: the file is empty"),
        ([b"hello\n"], "chats.jsonl:1: this is no export of chats: `agent-run chats export` writes them"),
        ([b'{"contents": []}\n'], "chats.jsonl:1: this is no export of chats"),
        ([b"[1]\n"], "chats.jsonl:1: this is no export of chats"),
        ([b"\x89PNG\r\n"], "chats.jsonl:1: not text in UTF-8"),
        ([b"\n"], "chats.jsonl:1: this is no export of chats"),
        ([HEAD, ENTRY, ENTRY], "chats.jsonl:3: a chat should begin here, or the file end"),
        ([HEAD, HEAD], "chats.jsonl:2: an entry with its content and meta should be here"),
        ([HEAD, b'{"content":1,"meta":{}}\n'], "chats.jsonl:2: an entry with its content"),
        ([HEAD, b'{"content":null,"meta":[]}\n'], "chats.jsonl:2: an entry with its content"),
        ([HEAD, b'{"content":{"role":"x","parts":[]},"meta":{}}\n'], "chats.jsonl:2: an entry with its content"),
        ([HEAD, b'{"content":{"role":"user","parts":["x"]},"meta":{}}\n'], "chats.jsonl:2: an entry with its"),
        ([HEAD, b'{"content":{"role":"user","parts":[{"functionCall":1}]},"meta":{}}\n'], "chats.jsonl:2: an entry"),
        ([HEAD, b"[]\n"], "chats.jsonl:2: not an entry of a chat"),
        ([HEAD, b'{"content":null,"meta":{"x":NaN}}\n'], "chats.jsonl:2: NaN is no JSON"),
        ([HEAD, b'{"content":null,"meta":{"x":1e999}}\n'], "chats.jsonl:2: the number 1e999 is too large"),
        (
            [HEAD, b'{"content":null,"meta":{"x":' + b"9" * 5000 + b"}}\n"],
            "chats.jsonl:2: the number 99999999999999999999... is too long",
        ),
        ([HEAD, b'{"content":null,"meta":' + b"[" * 200_000 + b"\n"], "chats.jsonl:2: nested too deeply"),
        ([HEAD, ENTRY, end_line(2).encode()], "chats.jsonl:3: the end of a file of other chats: 1 came before it"),
        ([HEAD.replace(b'"version":1', b'"version":2')], "chats.jsonl:1: written by a newer agent-run"),
        ([head_line("a", "c", 0).encode()], "chats.jsonl:1: the beginning of a chat lacks its agent"),
        ([HEAD.replace(b'"a"', b"7")], "chats.jsonl:1: the beginning of a chat lacks its agent"),
        ([HEAD.replace(b'"a"', b'"\\ud83d"')], "chats.jsonl:1: the beginning of a chat lacks its agent"),
    ],
)
def test_what_is_not_right_is_told_with_its_line(lines: list[bytes], why: str) -> None:
    told = refused(lines)
    assert told.startswith(why)
    assert told.endswith("; nothing was stored")
    assert "\n" not in told


def test_the_form_is_json_lines_in_ascii() -> None:
    lines = written(("agent", "\ud83d\x00\u00e9", [ChatMessage.user("\u2028\x85\r\n")]))
    assert [json.loads(line)["format"] for line in (lines[0], lines[2])] == ["agent-run-chats"] * 2
    assert all(line.isascii() and line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
