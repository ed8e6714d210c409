"""The page: one file that asks for nothing, shows all there is, and runs nothing that it shows."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

from runner.conversations.reports.html import as_html
from tests.conversations.reports.samples import HOSTILE, ROOT, hostile_case, mixed_run, run

VOID = {"meta", "input", "rect", "br", "img", "link"}


class Page(HTMLParser):
    """The elements of a page, its text, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.texts.append(data)

    def count(self, tag: str, **having: str) -> int:
        return sum(name == tag and having.items() <= attributes.items() for name, attributes in self.tags)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_it_is_whole_and_refers_to_nothing() -> None:
    page = Page(as_html(mixed_run(), ROOT))
    assert page.open == []
    assert not [attributes for _, attributes in page.tags if attributes.keys() & {"src", "href", "action", "srcset"}]
    assert "url(" not in as_html(mixed_run(), ROOT)
    assert "http:" not in as_html(mixed_run(), ROOT)


def test_it_shows_every_case_and_turn_call_and_check() -> None:
    page = Page(as_html(mixed_run(), ROOT))
    shown = [attributes for tag, attributes in page.tags if tag == "details" and "data-outcome" in attributes]
    assert [each["data-outcome"] for each in shown] == ["failed", "flaky", "passed", "failed", "error", "skipped"]
    assert ["open" in each for each in shown] == [True, False, False, True, True, False]
    for text in (
        "asks for the unit, then answers",
        "東京の天気を尋ねる",
        "agents/weather.conversations.yaml:24",
        'get_forecast(city="Paris", days=3)',
        '{ "error": "no data" }',
        "result of the stub stubs.get_weather[0]",
        "429 RESOURCE_EXHAUSTED: asked again after 2 s",
        "1 check passed",
        "8/10 runs passed (49% to 94.3% at 95%), pass^3 46.7%; 80% must pass",
        "→ record it again: agent-run test --record all -k 'books a flight'",
        "exit 2: a case could not be run: see its error",
        "$0.0132",
    ):
        assert text in page.text


def test_expected_and_actual_stand_side_by_side_with_their_differences_marked() -> None:
    text = as_html(mixed_run(), ROOT)
    assert Page(text).count("table") == 5
    assert '<tr class="same"><td>get_forecast(city=&#34;Paris&#34;, days=3)</td>' in re.sub(r">\s+<", "><", text)
    assert "<mark>k</mark>" in text


def test_a_hostile_transcript_runs_nothing() -> None:
    """Nothing is markup that should be text; a policy lets the page's own script alone run."""
    text = as_html(run(hostile_case()), ROOT)
    page = Page(text)
    assert page.count("script") == 1
    assert page.count("img") == 0
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert "window.owned" in page.text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.encode()
    assert HOSTILE.splitlines()[1] in page.text


def test_its_policy_allows_its_own_script_and_style_alone() -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', as_html(mixed_run(), ROOT))
    assert policy
    rules = dict(rule.split(" ", 1) for rule in unescape(policy[1]).split("; "))
    assert rules.keys() == {"default-src", "style-src", "script-src", "base-uri", "form-action"}
    assert {rules.pop(name)[:8] for name in ("style-src", "script-src")} == {"'sha256-"}
    assert set(rules.values()) == {"'none'"}


def test_a_run_of_nothing_is_a_page_too() -> None:
    assert "no case was run" in Page(as_html(run(), ROOT)).text
