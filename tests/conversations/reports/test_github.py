"""GitHub: annotations at their lines, capped as GitHub caps them, and a summary that nothing can break."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from runner.conversations.reports.github import MOST_ANNOTATIONS, Mute, annotated, job_summary
from tests.conversations.reports.samples import (
    HOSTILE,
    ROOT,
    attempt,
    case,
    failed_case,
    hostile_case,
    mixed_run,
    run,
    turn,
)


def test_every_failed_check_is_an_annotation_at_its_line() -> None:
    lines = annotated(run(failed_case()), ROOT).splitlines()
    assert [line.partition("::turn")[0] for line in lines] == [
        "::error file=agents/weather.conversations.yaml,title=weather%3A asks for the unit%2C then answers,line=24",
        "::error file=agents/weather.conversations.yaml,title=weather%3A asks for the unit%2C then answers,line=27",
    ]
    message = lines[1].partition("::turn")[2].split("%0A")
    assert message == [
        ' 2: reply: does not contain "18"',
        'expected: contains "18"',
        "actual: Tomorrow it will be 19 °C.",
    ]


def test_trouble_comes_first_and_says_what_to_do() -> None:
    first = annotated(mixed_run(), ROOT).splitlines()[0]
    assert first.startswith("::error file=tests/travel.conversations.yaml,")
    assert "record it again" in first


def test_the_last_annotation_counts_what_github_would_drop() -> None:
    lines = annotated(run(*(failed_case(f"case {number}") for number in range(20))), ROOT).splitlines()
    assert len(lines) == MOST_ANNOTATIONS
    assert lines[-1] == "::error title=agent-run test::31 more: see the log or the job's summary"
    assert len(annotated(run(*(failed_case(str(number)) for number in range(5))), ROOT).splitlines()) == 10


def test_nothing_in_a_text_is_a_command() -> None:
    for line in annotated(run(hostile_case()), ROOT).splitlines():
        assert line.startswith("::error file=agents/weather.conversations.yaml,")
        assert "\x1b" not in line
    mute = Mute()
    word = mute.begin.removeprefix("::stop-commands::").strip()
    assert mute.end == f"::{word}::\n"
    assert len(word) >= 32
    assert Mute().begin != mute.begin


def test_the_summary_is_a_table_with_the_worst_first() -> None:
    text = job_summary(mixed_run(), ROOT)
    assert text.startswith("### ❌ agent-run test: 2 failed, 1 error, 2 passed (1 flaky), 1 skipped, 2 deselected\n")
    page = MarkdownIt("commonmark").enable("table").render(text)
    rows = re.findall(r"<tr>\s*<td[^>]*>(.*?)</td>\s*<td[^>]*>(.*?)<br>", page)
    assert [mark for mark, _ in rows] == ["⚠️", "❌", "❌", "✅ flaky", "✅", "⏭️"]
    assert "8/10 runs passed" in page
    assert page.count("<details>") == 3


def test_nothing_in_a_text_is_markup_of_the_summary() -> None:
    page = MarkdownIt("commonmark").enable("table").render(job_summary(run(hostile_case()), ROOT))
    assert "<script" not in page
    assert "<img" not in page
    assert "<a " not in page
    assert page.count("<pre>") == page.count("</pre>") == 1
    assert page.count("<tr>") == 2
    assert "&lt;script" in page or "&#60;" in page
    assert HOSTILE not in page


def test_the_summary_stays_below_what_github_takes() -> None:
    long = attempt(turn(reply="x" * 5_000), outcome="failed")
    text = job_summary(run(*(case(f"case {number}", "failed", long) for number in range(2_000))), ROOT)
    assert len(text.encode()) < 1024 * 1024
    assert text.endswith("The rest did not fit: see the log.\n")
