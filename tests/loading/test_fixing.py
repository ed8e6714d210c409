"""`--fix`: what can only have been meant otherwise is renamed; every other byte of the file stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.loading import check_manifest
from runner.loading.fixing import apply_fixes

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = """\
# An agent.   
modle:   gemini-3.8-flash   # the model

"system_prompt": |
  Be brief: modle is no key here.
tool-mode: AUTO
executor: { type: rate-limiting,  batch_siz: 3 }
limits:
    maxIterations: 3   # few
tools: [ 'tools.wether:get_wether' ]
"""  # noqa: W291  # blanks at the end of a line stay, too
AFTER = """\
# An agent.   
model:   gemini-3.8-flash   # the model

instructions: |
  Be brief: modle is no key here.
tool_mode: auto
executor: { type: rate_limiting,  batch_size: 3 }
limits:
    max_iterations: 3   # few
tools: [ 'tools.weather:get_weather' ]
"""  # noqa: W291  # blanks at the end of a line stay, too


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "weather.py").write_text(
        'def get_weather(city: str) -> str:\n    """Tell."""\n    return city\n'
    )
    return tmp_path / "agent.yaml"


def fixed(agent: Path) -> bytes:
    for _ in range(5):
        if not apply_fixes(check_manifest(agent)):
            break
    return agent.read_bytes()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_comments_and_layout_are_kept(agent: Path, line_end: str, mark: bytes) -> None:
    """Line ends and a byte order mark, too."""
    agent.write_bytes(mark + BEFORE.replace("\n", line_end).encode())
    assert fixed(agent) == mark + AFTER.replace("\n", line_end).encode()
    assert check_manifest(agent) == []


@pytest.mark.parametrize(
    "text",
    [
        "colour: blue\n",  # nothing is near
        "model: a\nmodle: b\n",  # the right one is there already
        "system: a\nprompt: b\n",  # two for one
        "tool_mode: required\n",  # another word, and not quite the same
        "temperature: 3\n",  # belongs elsewhere
        "max_tokens: 3\n",
        "executor: parallel\n",
        "storage: {type: sqlite, path: x.db}\n",
        "tools: [wether]\n",
        "tools: ['tools.weather:weather']\n",
        "tool_mode: ${MODE:-AUTO}\n",
    ],
)
def test_what_is_not_certain_is_left(agent: Path, text: str) -> None:
    agent.write_text(text)
    assert fixed(agent).decode() == text


def test_included_files_are_fixed_too(agent: Path) -> None:
    agent.write_text("include: _a.yaml\n")
    fragment = agent.with_name("_a.yaml")
    fragment.write_text("welcom: hi  # there\n")
    fixed(agent)
    assert fragment.read_text() == "welcome: hi  # there\n"


def test_a_file_keeps_its_permissions_and_its_link(agent: Path) -> None:
    real = agent.with_name("real.yaml")
    real.write_text("modle: gemini-3.8-flash\n")
    real.chmod(0o640)
    agent.symlink_to(real)
    fixed(agent)
    assert agent.is_symlink()
    assert real.read_text() == "model: gemini-3.8-flash\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in agent.parent.iterdir()) == [
        "agent.yaml",
        "pyproject.toml",
        "real.yaml",
        "tools",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(agent: Path) -> None:
    agent.write_text("modle: x\n")
    agent.parent.chmod(0o500)
    try:
        with pytest.raises(OSError, match="denied"):
            apply_fixes(check_manifest(agent))
    finally:
        agent.parent.chmod(0o700)
    assert agent.read_text() == "modle: x\n"
