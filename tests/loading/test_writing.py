"""Values written as YAML are read as they were."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.loading.nodes import compose, data_of
from runner.loading.source import Source
from runner.loading.writing import block_of, entry, item, line_of

ODD = [
    *("- a", "a: b", "a #b", "a:", "a, b", "[x", "{x}", "'", '"', "*x", "&x", "!x", "%x", "@x", "`x", "|"),
    *("> x", "? x"),
    *("yes", "null", "~", "", "<<", "=", "---", "...", "1e5", "0o17", "012", "1:30", "1_000", "inf", ".inf", "on", "N"),
    *("a\nb", "a\nb\n\n", " a\nb", "a\n b", "a\n\tb", "a \nb", "\n", "\r\n", "\ufeff", "\x85\u2028"),
    *("\x00", "\U0001f600"),
]  # fmt: skip
texts = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def read(text: str) -> object:
    problems: list[object] = []
    tree = compose(Source(Path("x.yaml"), "x.yaml", text), problems)  # type: ignore[arg-type]  # any list takes them
    assert not problems, text
    assert tree is not None
    return data_of(tree)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(value=values, indent=st.integers(0, 3))
def test_what_is_written_is_read_the_same(value: object, indent: int) -> None:
    assert read(line_of([value])) == [value]
    assert read("\n".join(item(value, 2 * indent)) + "\n") == [value]
    assert read("\n".join(["top:", *entry("key", [value, value], 2 * indent + 2)]) + "\n") == {
        "top": {"key": [value] * 2}
    }


def test_plain_texts_stay_plain_and_long_values_stand_on_lines_of_their_own() -> None:
    assert line_of({"city": "Paris", "path": "../a.yaml", "m": "18", "no": "no"}) == (
        '{city: Paris, path: ../a.yaml, m: "18", "no": "no"}'
    )
    assert entry("key", {"one": "x" * 60, "two": ["y" * 60]}, 0) == [
        "key:",
        f"  one: {'x' * 60}",
        f"  two: [{'y' * 60}]",
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", ["|-", "  a", "  b"]),
        ("a\n\nb\n", ["|", "  a", "", "  b"]),
        ("a\nb\n\n", ["|+", "  a", "  b", ""]),
        ("a", None),
        ("a \nb", None),
        (" a\nb", None),
    ],
)
def test_a_text_of_several_lines_is_a_block_where_one_holds_it(text: str, lines: list[str] | None) -> None:
    assert block_of(text, 2) == lines


def test_a_lone_surrogate_which_no_yaml_holds_is_replaced() -> None:
    assert read(line_of(["\ud800"])) == ["\N{REPLACEMENT CHARACTER}"]
