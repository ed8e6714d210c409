"""`${VAR}`: replaced after parsing, once, in scalars; the value is text, whatever it looks like, and is not shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.loading import InvalidManifestError, check_manifest, load_manifest
from runner.loading.formats import as_github, as_json, as_text
from runner.loading.sarif import as_sarif
from runner.loading.substitution import MalformedError, pieces_of

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = {"A": "one", "B": "${A}", "EMPTY": "", "YAML": "{type: x}", "N": "7", "DOLLARS": "$$"}


def substituted(text: str) -> str:
    return "".join(piece.text for piece in pieces_of(text, ENVIRONMENT))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${A}", "one"),
        ("x${A}y${A}z", "xoneyonez"),
        ("${MISSING:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("${A:-other}", "one"),
        ("${MISSING:-}", ""),
        ("${MISSING:-a:-b}", "a:-b"),
        ("${MISSING:-${A}}", "one"),
        ("${MISSING:-x${GONE:-y}z}", "xyz"),
        ("${MISSING:-a$$b}", "a$b"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$$${A}", "$one"),
        ("$A $ {A} 5$", "$A $ {A} 5$"),
        ("${B}", "${A}"),
        ("${DOLLARS}", "$$"),
        ("${YAML}", "{type: x}"),
        ("}${A}{", "}one{"),
    ],
)
def test_references_are_replaced_once(text: str, result: str) -> None:
    assert substituted(text) == result


@pytest.mark.parametrize(
    "text", ["${", "${}", "${A", "${A B}", "${1}", "${A-b}", "${A:b}", "${A:-", "${A:-${B}", "${a.b}"]
)
def test_what_is_malformed_is_told_with_its_place(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        pieces_of(f"before {text}", ENVIRONMENT)
    assert caught.value.offset >= len("before ")


@given(st.text(), st.text())
def test_a_value_is_never_read_again(before: str, value: str) -> None:
    """Whatever is in it: references, braces, dollars."""
    text = before.replace("$", "$$") + "${V}"
    assert "".join(piece.text for piece in pieces_of(text, {"V": value})) == before + value


def loaded(folder: Path, text: str) -> Any:
    (folder / "pyproject.toml").touch()
    (folder / "agent.yaml").write_text(text)
    return load_manifest(folder / "agent.yaml").manifest


def test_a_value_becomes_what_its_key_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number where a number is wanted, text where text is; never a list or a mapping."""
    for name, value in {"SIZE": "7", "SHARE": "0.5", "SHOW": "True", "WAIT": "1h30m", "NAME": "1.10"}.items():
        monkeypatch.setenv(name, value)
    manifest = loaded(
        tmp_path,
        """
        name: ${NAME}
        executor: {type: rate_limiting, batch_size: "${SIZE}"}
        retries: ${RETRIES:-2}
        limits: {turn_timeout: "${WAIT}", max_output_chars: "${SIZE}kB"}
        generation: {top_p: "${SHARE}", thinking: {include_thoughts: "${SHOW}"}}
        """,
    )
    assert manifest.name == "1.10"
    assert (manifest.executor.batch_size, manifest.retries) == (7, 2)
    assert (manifest.limits.turn_timeout, manifest.limits.max_output_chars) == (5400, 7000)
    assert (manifest.generation.top_p, manifest.generation.thinking.include_thoughts) == (0.5, True)


def test_the_projects_env_file_is_read_below_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("FIRST=from the file\nSECOND=from the file\n")
    monkeypatch.setenv("SECOND", "from the process")
    manifest = loaded(tmp_path, "name: ${FIRST}\ndescription: ${SECOND}\n")
    assert (manifest.name, manifest.description) == ("from the file", "from the process")
    files = load_manifest(tmp_path / "agent.yaml").files
    assert [file.name for file in files] == ["agent.yaml", ".env"]


def test_an_env_file_that_is_no_utf_8_text_is_told(tmp_path: Path) -> None:
    """As some shells write it: else its variables would be missing, and nobody would know why."""
    (tmp_path / "agent.yaml").write_text("name: a\nstorage: ${CHATS:-memory:}\n")
    (tmp_path / ".env").write_bytes("GEMINI_API_KEY=canary\n".encode("utf-16"))
    (found,) = check_manifest(tmp_path / "agent.yaml")
    assert (found.code, found.message) == ("E111", "UTF-16 text; save it as UTF-8")
    assert found.path.endswith(".env")
    (tmp_path / ".env").write_bytes(b"GEMINI_API_KEY=canary\xff\n")
    with pytest.raises(InvalidManifestError) as caught:
        load_manifest(tmp_path / "agent.yaml")
    assert "canary" not in str(caught.value)
    assert [each.code for each in caught.value.diagnostics] == ["E111"]


def test_a_missing_variable_is_a_warning_when_checking_and_an_error_when_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hangs on it is not judged, and the rest is."""
    monkeypatch.delenv("CHATS", raising=False)
    path = tmp_path / "agent.yaml"
    path.write_text("storage: ${CHATS}\nretries: 9\n")
    assert [each.code for each in check_manifest(path)] == ["W230", "E106"]
    with pytest.raises(InvalidManifestError) as caught:
        load_manifest(path)
    assert [each.code for each in caught.value.diagnostics] == ["E130", "E106"]


CANARY = "canary-7f3a9c"
PLACES = [
    "name: [${SECRET_TOKEN}]\n",
    "model: ${SECRET_TOKEN}\n",
    "model: {type: '${SECRET_TOKEN}'}\n",
    "model: {type: '${SECRET_TOKEN}:Class'}\n",
    "model: 'parts:${SECRET_TOKEN}'\n",
    "tools: ['${SECRET_TOKEN}']\n",
    "tools: ['tools.${SECRET_TOKEN}']\n",
    "tools: ['${SECRET_TOKEN}.py']\n",
    "tools: ['a/${SECRET_TOKEN}']\n",
    "tools: ['tools:${SECRET_TOKEN}()']\n",
    "tools: ['from ${SECRET_TOKEN} import x']\n",
    "tool_mode: ${SECRET_TOKEN}\n",
    "executor: ${SECRET_TOKEN}\n",
    "executor: ${SECRET_TOKEN}://x\n",
    "executor: {type: rate_limiting, batch_size: '${SECRET_TOKEN}'}\n",
    "storage: ${SECRET_TOKEN}\n",
    "storage: sqlite:${SECRET_TOKEN}\n",
    "storage: sqlite://${SECRET_TOKEN}\n",
    "storage: memory:${SECRET_TOKEN}\n",
    "storage: mysql://me:${SECRET_TOKEN}@host/db\n",
    "storage: {type: sqlite, url: '${SECRET_TOKEN}'}\n",
    "limits: {turn_timeout: '${SECRET_TOKEN}'}\n",
    "limits: {max_output_chars: '${SECRET_TOKEN}'}\n",
    "retries: ${SECRET_TOKEN}\n",
    "generation: {thinking: {level: '${SECRET_TOKEN}'}}\n",
    "generation: {temperature: '${SECRET_TOKEN}'}\n",
    "extends: ${SECRET_TOKEN}\n",
    "include: ['../${SECRET_TOKEN}.yaml', '${SECRET_TOKEN}.yaml']\n",
    "instructions: 'x ${SECRET_TOKEN} {{ y }}'\n",
    "instructions_file: ${SECRET_TOKEN}\n",
    "instructions: '{{ x }}'\nvariables: {x: '${SECRET_TOKEN}'}\n",
    "instructions: '{{ x + 1 }}'\nvariables: {x: {type: integer, default: '${SECRET_TOKEN}'}}\n",
    "instructions: '{{ x }}'\nvariables: {x: {choices: [a], default: '${SECRET_TOKEN}'}}\n",
    "version: ${SECRET_TOKEN}\n",
    "$schema: [${SECRET_TOKEN}]\n",
    "unknown: ${SECRET_TOKEN}\n",
]


@pytest.mark.parametrize("text", PLACES, ids=str.strip)
@pytest.mark.parametrize("secret", ["AIzaSyD-this-is-no-key-but-looks-like-one-1", "mysql://me:hunter2@host/db"])
def test_a_secret_in_the_file_is_in_no_text(tmp_path: Path, text: str, secret: str) -> None:
    """Neither in messages and hints, nor in the lines that are shown."""
    path = tmp_path / "agent.yaml"
    path.write_text(text.replace("${SECRET_TOKEN}", secret))
    found = check_manifest(path)
    shown = as_text(found) + as_json(found, 1, 2) + as_github(found) + as_sarif(found)
    assert secret.partition("me:")[2][:7] not in shown or not secret.startswith("mysql")
    assert "AIzaSyD" not in shown


@pytest.mark.parametrize("text", PLACES, ids=str.strip)
def test_a_value_of_the_environment_is_in_no_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Wherever it stands and whatever is wrong with it."""
    monkeypatch.setenv("SECRET_TOKEN", CANARY)
    path = tmp_path / "agent.yaml"
    path.write_text(text.replace("[${SECRET_TOKEN}]", '["${SECRET_TOKEN}"]'))
    for each in check_manifest(path):
        assert CANARY not in str(each.to_json()) + repr(each)
    try:
        load_manifest(path)
    except InvalidManifestError as error:
        assert CANARY not in str(error) + repr(error)  # noqa: PT017  # some of these manifests are good
