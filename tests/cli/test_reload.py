"""Editing an agent while chatting with it, in a real terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.saving import save
from tests.cli.tty import Terminal

if TYPE_CHECKING:
    from pathlib import Path

PROMPT = "\n>"


def edit(path: Path, old: str, new: str) -> None:
    content = path.read_text()
    assert content.count(old) == 1, content
    save(path, content.replace(old, new))


def test_an_edit_is_told_above_the_prompt_and_what_was_typed_stays(project: Path, env: dict[str, str]) -> None:
    agent, kept = project / "agent.yaml", (project / "agent.yaml").read_text()
    with Terminal(["agent.yaml", "--chat", "mine"], cwd=project, env=env) as terminal:
        terminal.wait_for(PROMPT)
        terminal.send("one\r")
        terminal.wait_for(PROMPT, count=2)
        terminal.send("half a mess")
        terminal.wait_for("> half a mess")
        save(agent, kept + "instructions: Be kind.\n")
        terminal.wait_for("reloaded: instructions")
        terminal.send("age\r")
        terminal.wait_for(PROMPT, count=3)
        save(agent, kept + "instuctions: Be kind.\n")
        terminal.wait_for("still running the version of ")
        terminal.send("two\r")
        terminal.wait_for(PROMPT, count=4)
        terminal.send("/history\r")
        terminal.wait_for(PROMPT, count=5)
        terminal.send("\x04")
        assert terminal.wait() == 0
    text = terminal.text
    assert "reloaded: instructions\n> half a message\nhalf a message\n" in text
    assert 'unknown key "instuctions"' in text
    assert text.count("agent.yaml:") == 1
    assert text.endswith("> one\none\n> half a message\nhalf a message\n> two\ntwo\n>"), text


def test_a_new_tool_is_there_for_the_next_message(project: Path, env: dict[str, str]) -> None:
    source = project / "deeds.py"
    with Terminal(["agent.yaml"], cwd=project, env=env) as terminal:
        terminal.wait_for(PROMPT)
        added = '\n@tool(effects="none")\ndef added_now() -> str:\n    """Added while chatting."""\n    return "new"\n'
        save(source, source.read_text() + added)
        terminal.wait_for("reloaded: tools +1")
        terminal.send("/tools\r")
        terminal.wait_for("added_now  Added while chatting.")
        save(source, source.read_text().replace('return "new"', "return new new"))
        terminal.wait_for("still running the version of ")
        terminal.send("batch added_now\r")
        terminal.wait_for("added_now()")
        terminal.wait_for("done")
        terminal.send("\x04\x04")
        assert terminal.wait() == 0


def test_without_reload_an_edit_is_not_seen(project: Path, env: dict[str, str]) -> None:
    with Terminal(["agent.yaml", "--no-reload"], cwd=project, env=env) as terminal:
        terminal.wait_for(PROMPT)
        edit(project / "agent.yaml", "name: tester", "name: other")
        terminal.send("one\r")
        terminal.wait_for(PROMPT, count=2)
        terminal.send("\x04")
        assert terminal.wait() == 0
    assert "reloaded" not in terminal.text


def test_in_a_terminal_that_cannot_draw_the_prompt_is_written_anew(project: Path, env: dict[str, str]) -> None:
    with Terminal(["agent.yaml"], cwd=project, env={**env, "TERM": "dumb"}) as terminal:
        terminal.wait_for(PROMPT)
        save(project / "agent.yaml", (project / "agent.yaml").read_text() + "instructions: Be kind.\n")
        terminal.wait_for("reloaded: instructions\n>")
        terminal.send("hello\n")
        terminal.wait_for("hello\n", count=2)
        terminal.send("\x04")
        assert terminal.wait() == 0


MISTAKES = {
    "a wrong key": ("agent.yaml", "tools: [deeds]", "tolls: [deeds]", ["agent.yaml:3:1: ", '"tolls"', "tools"]),
    "a wrong indent": ("agent.yaml", "tools: [deeds]", " tools: [deeds]", ["agent.yaml:3:"]),
    "an open bracket": ("agent.yaml", "[deeds]", "[deeds", ["agent.yaml:"]),
    "a module that is not there": ("agent.yaml", "[deeds]", "[deds]", ["agent.yaml:3:9: ", "deds", '"deeds"']),
    "a function that is not there": ("agent.yaml", "[deeds]", "['deeds:qick']", ["agent.yaml:3:", "qick", "quick"]),
    "a tab": ("agent.yaml", "tools: [deeds]", "tools:\n\t- deeds", ["agent.yaml:4:"]),
    "a syntax error": ("deeds.py", "import asyncio", "import asyncio,", ["deeds.py:", "SyntaxError"]),
    "a module that is not installed": (
        "deeds.py",
        "import asyncio",
        "import asinkio",
        ["deeds.py:3:1: ", "asinkio", "| ^^^^^^^^^^^^^^"],
    ),
    "a name that is not defined": (
        "deeds.py",
        "import asyncio",
        "import asyncio\nasync_io.run",
        ["deeds.py:4:1: ", "async_io"],
    ),
    "a tool without hints": ("deeds.py", "(city: str)", "(city)", ["get_weather", "city"]),
}


def test_ten_mistakes_are_told_where_they_are_and_the_chat_goes_on(project: Path, env: dict[str, str]) -> None:
    with Terminal(["agent.yaml"], cwd=project, env=env, columns=160, rows=50) as terminal:
        terminal.wait_for(PROMPT)
        for number, (what, (file, right, wrong, words)) in enumerate(MISTAKES.items(), 1):
            before = len(terminal.text)
            edit(project / file, right, wrong)
            terminal.wait_for("still running the version of ", count=number)
            told = terminal.text[before - 2 :]
            for word in words:
                assert word in told, f"{what}: {told}"
            terminal.send(f"after {what}\r")
            terminal.wait_for(f"> after {what}\nafter {what}\n")
            edit(project / file, wrong, right)
            terminal.wait_for("reloaded: back to the version of ", count=number)
        terminal.send("/history\r")
        for what in MISTAKES:
            terminal.wait_for(f"> after {what}\nafter {what}\n", count=2)
        terminal.send("\x04")
        assert terminal.wait() == 0
