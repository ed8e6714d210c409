"""`agent-run graph`: what a manifest builds, told from the agent itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    import pytest

    from tests.commands import Run

SVG = "{http://www.w3.org/2000/svg}"


def graph(run: Run, *arguments: str) -> dict[str, Any]:
    """The graph as JSON: the parts by kind, or for what is there twice by name."""
    ran = run("graph", "agents/post.yaml", "--format", "json", *arguments)
    assert (ran.code, ran.err) == (0, "")
    root = json.loads(ran.out)["graph"]
    found: dict[str, Any] = {}

    def add(part: dict[str, Any]) -> None:
        found[part["kind"] if part["kind"] not in {"tool", "tools"} else part["name"]] = part
        for below in part.get("parts", ()):
            add(below)

    add(root)
    return found


def test_the_tree_tells_each_part_with_the_line_of_its_key_and_of_its_code(run: Run) -> None:
    ran = run("graph", "agents/post.yaml")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0] == "post  tool_mode auto  agents/post.yaml:1"
    assert "├── model        gemini-3.8-flash  GeminiModel  retries 3  agents/post.yaml:3" in lines
    assert "│   └── send(to, text?)  effects once  timeout 20 s  tools/letters.py:16" in lines
    assert "├── tools        tools.stamps:Price  agents/post.yaml:9" in lines
    assert "│   └── price()  effects none  tools/stamps.py:4" in lines
    assert "├── executor     tools.letters:Slow  Slow  workers 4  tools/letters.py:23  agents/post.yaml:10" in lines
    assert "├── storage      memory:  LocalChatStorage  agents/post.yaml:13" in lines


def test_the_files_that_chats_begin_with_are_counted(run: Run) -> None:
    manifest = Path("agents/post.yaml")
    manifest.write_text(f"{manifest.read_text()}files: [../tools/*.py]\n")
    setting = graph(run)["agent"]["settings"]["files"]
    assert setting["value"] == "../tools/*.py (2 files)"
    assert setting["origin"]["key"] == "files"


def test_what_is_sent_of_a_long_chat_is_told_with_its_line(run: Run) -> None:
    manifest = Path("agents/post.yaml")
    text = manifest.read_text()
    manifest.write_text(f"{text}history: 200 turns\n")
    setting = graph(run)["agent"]["settings"]["history"]
    assert (setting["value"], setting["origin"]["key"]) == ("200 turns", "history")
    manifest.write_text(f"{text}history: {{keep: 60%, window: 32000}}\n")
    settings = graph(run)["agent"]["settings"]
    assert (settings["history"]["value"], settings["history.window"]["value"]) == ("60% of the window", "32,000")


def test_the_rates_and_fallbacks_of_a_model_are_told_with_their_lines(run: Run) -> None:
    manifest = Path("agents/post.yaml")
    text = manifest.read_text()
    line = next(line for line in text.splitlines() if line.startswith("model:"))
    more = "model: {name: gemini-3.8-flash, requests_per_minute: 60, fallback: gemini-4-argon}"
    manifest.write_text(text.replace(line, more))
    settings = graph(run)["model"]["settings"]
    assert settings["requests_per_minute"]["value"] == "60"
    assert settings["fallback"]["origin"]["key"] == "model.fallback"


def test_it_needs_no_key_and_shows_the_model_that_the_manifest_names(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert graph(run)["model"]["name"] == "gemini-3.8-flash"


def test_what_the_environment_chose_is_told_as_that(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_RUN_MODEL", "offline")
    monkeypatch.setenv("AGENT_RUN_STORAGE", "sqlite:///other.db")
    parts = graph(run)
    assert (parts["model"]["name"], parts["model"]["built"]) == ("offline", "OfflineModel")
    assert parts["model"]["origin"] == {"key": "model", "override": "AGENT_RUN_MODEL"}
    assert parts["storage"]["name"] == "sqlite:///other.db"
    assert not Path("other.db").exists()


def test_a_default_is_told_as_that(run: Run, project: Path) -> None:
    (project / "agents" / "post.yaml").write_text("tools: [tools.letters]\n")
    parts = graph(run)
    assert parts["executor"]["origin"] == {"key": "executor"}
    assert parts["limits"]["settings"]["max_iterations"]["origin"] == {"key": "limits.max_iterations"}
    assert "instructions" not in parts


def test_a_part_built_by_the_project_names_the_line_of_its_class(run: Run) -> None:
    parts = graph(run)
    assert parts["executor"]["code"] == "tools/letters.py:23"
    assert parts["executor"]["settings"]["workers"]["value"] == "4"
    assert parts["executor"]["settings"]["workers"]["origin"]["place"] == "agents/post.yaml:12"


def test_tools_stand_under_the_line_that_names_them(run: Run) -> None:
    parts = graph(run)
    assert [part["name"] for part in parts["tools.letters"]["parts"]] == ["send"]
    assert parts["tools.letters"]["origin"]["place"] == "agents/post.yaml:8"
    assert parts["send"]["parameters"] == ["to", "text?"]
    assert parts["send"]["text"] == "Send a letter."


def test_paths_are_those_of_the_folder_one_is_in(run: Run, monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """In the tree, to be opened from there; diagrams and JSON are for others and relative to the project."""
    monkeypatch.chdir(project / "agents")
    assert "post  tool_mode auto  post.yaml:1" in run("graph", "post.yaml").out
    assert '"tools/letters.py:16"' in run("graph", "post.yaml", "--format", "json").out


def test_the_diagrams_have_a_box_for_each_part_and_an_arrow_to_each_but_the_first(run: Run) -> None:
    boxes = len(graph(run))
    mermaid = run("graph", "agents/post.yaml", "--format", "mermaid").out.splitlines()
    assert mermaid[0] == "flowchart LR"
    assert sum('"' in line for line in mermaid) == boxes
    assert sum(" --> " in line for line in mermaid) == boxes - 1
    dot = run("graph", "agents/post.yaml", "--format", "dot").out
    assert dot.count("[label=") == boxes
    assert dot.count(" -> ") == boxes - 1


def test_the_picture_has_a_box_for_each_part_and_they_do_not_overlap(run: Run, project: Path) -> None:
    assert run("graph", "agents/post.yaml", "--svg", "post.svg").code == 0
    drawn = picture(project)
    boxes = drawn.findall(f".//{SVG}rect[@class='box']")
    assert len(boxes) == len(graph(run))
    places = [[float(box.get(side, "")) for side in ("x", "y", "width", "height")] for box in boxes]
    for index, (x, y, width, height) in enumerate(places):
        assert x >= 0 <= y
        assert x + width <= float(drawn.get("width", ""))
        assert y + height <= float(drawn.get("height", ""))
        for other_x, other_y, other_width, other_height in places[index + 1 :]:
            is_beside = x + width <= other_x or other_x + other_width <= x
            assert is_beside or y + height <= other_y or other_y + other_height <= y


def picture(project: Path) -> ET.Element:
    return ET.fromstring((project / "post.svg").read_text())  # noqa: S314  # our own


HOSTILE = 'a"b <c> & ]]> \\ #end; `x` -->|y|'


def test_names_are_text_in_every_format_whatever_is_in_them(run: Run, project: Path) -> None:
    (project / "agents" / "post.yaml").write_text(f"name: {json.dumps(HOSTILE)}\n")
    assert graph(run)["agent"]["name"] == HOSTILE
    mermaid = run("graph", "agents/post.yaml", "--format", "mermaid").out
    assert '(["a#34;b #60;c#62; #38;' in mermaid
    assert 'label="a\\"b <c> & ]]> \\\\ #end;' in run("graph", "agents/post.yaml", "--format", "dot").out
    assert run("graph", "agents/post.yaml", "--svg", "post.svg").code == 0
    names = picture(project).findall(f".//{SVG}text[@class='name']")
    assert HOSTILE in [name.text for name in names]


def test_a_name_does_not_command_the_terminal(run: Run, project: Path) -> None:
    (project / "agents" / "post.yaml").write_text('name: "a\\e]0;owned\\a"\n')
    for form in ("tree", "mermaid", "dot", "json"):
        assert "\x1b" not in run("graph", "agents/post.yaml", "--format", form).out
    assert run("graph", "agents/post.yaml", "--svg", "post.svg").code == 0
    assert len(picture(project))


def test_a_picture_that_cannot_be_written_is_told(run: Run) -> None:
    ran = run("graph", "agents/post.yaml", "--svg", "no/such/folder/post.svg")
    assert ran.code == 2
    assert ran.err == "error: no/such/folder/post.svg cannot be written: No such file or directory\n"


def test_what_is_wrong_with_the_manifest_is_told_as_run_tells_it(run: Run, project: Path) -> None:
    with (project / "tools" / "letters.py").open("a") as module:
        module.write("1 / 0\n")
    ran = run("graph", "agents/post.yaml")
    assert (ran.code, ran.out) == (2, "")
    assert "ZeroDivisionError" in ran.err
