"""YAML as it is read here: the scalars of 1.2, positions in characters, limits that hold before all else."""

from __future__ import annotations

import math
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from runner.loading import check_manifest
from runner.loading.nodes import Mapping, compose, data_of, walked
from runner.loading.source import Source
from runner.loading.words import nearest


def source(text: str) -> Source:
    return Source(Path("a.yaml"), "a.yaml", text)


def read(text: str) -> Any:
    problems: list[Any] = []
    tree = compose(source(text), problems)
    assert not problems, problems
    assert tree is not None
    return data_of(tree)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("on", "on"),
        ("No", "No"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("", None),
        ("null", None),
        ("NULL", None),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("0123", 123),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("+5", 5),
        ("-7", -7),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-1.5E-2", -0.015),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("2026-11-22", "2026-11-22"),
        ("=", "="),
        ("9" * 500, "9" * 500),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
        ("|\n  5\n", "5\n"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    """As editors read them: `on` and `1:30` are text, `0123` is 123."""
    found = read(f"a: {written}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_positions_are_lines_and_columns_in_characters() -> None:
    """Whatever stands before: emoji, Windows line ends, characters that YAML takes for line ends."""
    text = 'a: \U0001f600é\r\nb: "x\u2028 y"\r\n\U0001f600: [c,\x85 d]\r\n'
    problems: list[Any] = []
    whole = source(text)
    tree = compose(whole, problems)
    assert isinstance(tree, Mapping)
    places = {node.text: whole.place(node.span.start) for _, node in walked(tree) if hasattr(node, "text")}
    assert places == {"\U0001f600é": (1, 4), "x\u2028y": (2, 4), "c": (3, 5), "d": (3, 9)}
    assert whole.place(tree.entries["b"].key.span.start) == (2, 1)


def test_aliases_stand_for_what_they_name() -> None:
    assert read("a: &x {k: [1, 2]}\nb: *x\nc: &y text\nd: *y") == {
        "a": {"k": [1, 2]},
        "b": {"k": [1, 2]},
        "c": "text",
        "d": "text",
    }


@pytest.mark.parametrize("levels", [5, 6, 9, 12])
def test_alias_bombs_are_refused_before_they_go_off(tmp_path: Path, levels: int) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    assert told(tmp_path, "\n".join(lines)) == ["E110"]


@pytest.mark.parametrize("text", ["[" * 20_000, "a: " + "{a: " * 20_000, "- " * 20_000, "? " * 20_000])
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    assert told(tmp_path, text) == ["E110"]


def test_a_large_flat_file_is_read(tmp_path: Path) -> None:
    """The limit is on what aliases stand for and on bytes, not on honest size."""
    examples = "".join(f"- question number {number}\n" for number in range(20_000))
    assert told(tmp_path, f"examples:\n{examples}") == []


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A pipe does not hang it, a device does not fill it, a huge file is not read."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    with (tmp_path / "huge.yaml").open("wb") as file:
        file.truncate(100_000_000)
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    began = time.process_time()
    for name, code in {"pipe": "E100", "device": "E100", "huge": "E110", "loop": "E100", "none": "E100"}.items():
        (found,) = check_manifest(tmp_path / f"{name}.yaml")
        assert (found.code, found.line, found.span) == (code, 1, None)
    assert time.process_time() - began < 30


def test_refusals_take_little_memory(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
    )
    told(tmp_path, bomb)
    tracemalloc.start()
    told(tmp_path, bomb)
    told(tmp_path, "[" * 900_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"\xff\xfen\x00a\x00", "E111", "UTF-16"),
        (b"\xfe\xff\x00n", "E111", "UTF-16"),
        (b"name: caf\xe9\n", "E111", "0xe9"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "E111", "binary"),
        (b"name: a\x00b\n", "E101", "U+0000"),
        (b"\xef\xbb\xbfmodle: x\n", "E102", "modle"),
    ],
)
def test_other_encodings_are_told(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    (found,) = check_manifest(path)
    assert found.code == code
    assert words in found.message


def test_the_place_of_a_wrong_byte_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("name: ok\ndescription: é caf".encode() + b"\xe9\n")
    (found,) = check_manifest(path)
    assert (found.line, found.column) == (2, 19)


FORMS = (
    """
!!python/name:os.system|!!python/name:yaml.unsafe_load|!!python/module:os|!!python/object:os.system {}
!!python/object/apply:os.system ["touch canary"]|!!python/object/apply:subprocess.run [["touch", "canary"]]
!!python/object/new:os.system ["touch canary"]|!!python/object/new:type {}|!!python/tuple [1]|!!python/bytes x
!!python/str x|!!python/unicode x|!!python/int 1|!!python/long 1|!!python/float 1|!!python/complex 1|!!python/bool true
!!python/none ~|!!python/list [1]|!!python/dict {a: 1}|!!python/object/apply:eval ["1"]|!!python/name:builtins.eval
!<tag:yaml.org,2002:python/name:os.system>|!<tag:yaml.org,2002:python/object/apply:os.system> [x]|!!binary aGVsbG8=
!!set {a}|!!omap [a: 1]|!!pairs [a: 1]|!!timestamp 2026-11-22|!!int "3"|!!float "3"|!!bool "yes"|!!null ""|!!map {a: 1}
!!seq [1]|!!merge <<|!!value =|!!yaml x|!include x|!env HOME|!ENV ${HOME}|!secret x|!reference [a]|!Ref x|!vault x
!!js/function x|!!js/regexp x|!!js/undefined ""|!ruby/object:Gem {}|!!ruby/object:Gem {}|!local x|!a!b x|!!foo x
!x {a: 1}
""".replace("\n", "|")
    .strip("|")
    .split("|")
)  # a list of sixty lines would not be read


@pytest.mark.parametrize("form", FORMS)
def test_tags_never_make_anything(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is refused with its place, and nothing of it happens."""
    monkeypatch.chdir(tmp_path)
    codes = told(tmp_path, f"description: {form}\n")
    assert codes
    assert set(codes) <= {"E112", "E101"}
    assert not (tmp_path / "canary").exists()


def told(folder: Path, text: str) -> list[str]:
    (folder / "agent.yaml").write_text(text, encoding="utf-8")
    return [each.code for each in check_manifest(folder / "agent.yaml")]


def test_the_nearest_name_is_the_one_that_was_meant() -> None:
    known = ["model", "tools", "tool_mode", "max_output_tokens", "batch_size"]
    assert nearest("modle", known) == "model"
    assert nearest("maxOutputTokens", known) == "max_output_tokens"
    assert nearest("max_output", known) == "max_output_tokens"
    assert nearest("batch-siz", known) == "batch_size"
    assert nearest("colour", known) is None
