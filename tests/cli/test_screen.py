from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cli.screen import VisibleStream, visible, visible_line

C0 = [chr(code) for code in range(0x20) if chr(code) not in "\t\n"] + ["\x7f"]
C1 = [chr(code) for code in range(0x80, 0xA0)]
BIDI = [chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
NOTHING = ["\xad", "\u034f", "\u115f", "\u200b", "\u2060", "\u2062", "\u3164", "\ufeff", "\uffa0", "\ufff9", "\u2028"]
SEQUENCES = [
    "\x1b[31mred\x1b[0m",  # colour
    "\x1b[2J\x1b[H",  # clear
    "\x1b[1A\x1b[2Kgone",  # overwrite the line above
    "\x1b]0;title\x07",  # window title
    "\x1b]2;title\x1b\\",
    "\x1b]8;;https://evil.example\x1b\\bank\x1b]8;;\x1b\\",  # link
    "\x1b]52;c;cm0gLXJmIH4=\x07",  # clipboard
    "\x1b]1337;File=name=x:AAAA\x07",  # a terminal's own downloads
    "\x1bP$q q\x1b\\",  # device control
    "\x1bP+q544e\x1b\\",
    "\x1b_Ga=T;AAAA\x1b\\",  # graphics
    "\x1b^private\x1b\\",
    "\x1bXstring\x1b\\",
    "\x1b[6n",  # answers that would be typed into the shell
    "\x1b[c",
    "\x1b[>c",
    "\x1b[21t",
    "\x1b[?1049h",  # other screen
    "\x1b[?1000h",  # mouse
    "\x1b[?2004l",  # pasting
    "\x1b(0lqk",  # line drawing
    "\x1b#8",
    "\x1bc",  # reset
    "\x1b7\x1b8",
    "\x1b=\x1b>",
    "\x1b[5i",  # printer
    "\x9b31mred",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x1b\x1b[A",
    "\x1b[\x1b[31m",
    "\x1b",
    "safe\rEVIL",
    "ok\b\b\bno",
    "\x07" * 50,
    "\x0e\x0f",
    "a\x00b",
    "a\x0bb\x0cc",
    "user\u202etxt.exe",
    "\u2066right\u2069",
    "p\u200ba\u200by\u200bpal",
    "\U000e0041\U000e0042",  # tags: letters nobody sees
    "a\ufe00\ufe01\ufe02\ufe03",  # selectors: bytes nobody sees
    "a\U000e0100\U000e0101",
    "\u200d\u200d\u200d",
    "x\u200c\u200cy",
    "\ud800",
    "\udc9b",
    "\r\r\n\r",
    "\x1b[31;1;4;38;5;200;48;2;1;2;3m",
]
PAYLOADS = [*C0, *C1, *BIDI, *NOTHING, *SEQUENCES]
FOREIGN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def test_the_corpus_has_at_least_120_payloads() -> None:
    assert len(set(PAYLOADS)) >= 120


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_payload_is_shown_and_not_obeyed(payload: str) -> None:
    shown = visible(f"before {payload} after")
    assert not FOREIGN.search(shown)
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert "\\" in shown


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_payload_is_shown_alike_wherever_the_stream_cuts_it(payload: str) -> None:
    text = f"before {payload} after\r\n"
    for cut in range(len(text) + 1):
        stream = VisibleStream()
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.end() == visible(text)


@given(st.lists(st.text(alphabet=st.sampled_from("a \r\n\t\x1b[\u200d\u200c\ufe0f\u2764\U0001f525\u0645\u202e\x9b"))))
def test_any_cuts_of_any_text_show_the_same(pieces: list[str]) -> None:
    stream = VisibleStream()
    assert "".join(map(stream.feed, pieces)) + stream.end() == visible("".join(pieces))


@given(st.text())
def test_nothing_that_hides_or_commands_is_left_in_any_text(text: str) -> None:
    shown = visible(text)
    assert not FOREIGN.search(shown)
    assert visible(shown) == shown
    assert all(unicodedata.category(char) != "Cc" or char in "\n\t" for char in shown)


@pytest.mark.parametrize(
    "text",
    [
        "plain\n\ttext\n",
        "naïve café, Ελληνικά, עברית, العربية, 漢字, ไทย",
        "❤️‍🔥 👩‍👩‍👧 🏴 👍🏽 ☎️",
        "می‌خواهم",  # Persian needs its joiner
        "क्‍ष",
        "non\u00a0breaking",
        "e\u0301",
        "\ue0b0",
    ],
)
def test_honest_text_of_any_language_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_line_end_of_any_system_is_a_newline_and_a_lone_carriage_return_is_shown() -> None:
    assert visible("a\r\nb\rc\n") == "a\nb\\rc\n"


def test_a_line_has_no_newlines_and_at_most_the_length_asked_for() -> None:
    assert visible_line("  several\n  lines\tof\x1b text ") == "several lines of\\x1b text"
    assert visible_line("0123456789", 5) == "0123…"
