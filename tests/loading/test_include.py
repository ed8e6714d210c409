"""`extends:` and `include:`: one rule of merging, paths relative to their own file, nothing outside of the project."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from runner import Agent, load_manifest
from runner.loading import InvalidManifestError, LoadedManifest


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


def load(project: Path, **files: str) -> LoadedManifest:
    for name, text in files.items():
        path = project / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return load_manifest(project / "agent.yaml")


def test_mappings_are_merged_and_all_else_is_taken_from_the_nearest(project: Path) -> None:
    """This file over its includes, a later include over an earlier one, all over what is extended."""
    loaded = load(
        project,
        agent="extends: base.yaml\ninclude: [_a.yaml, _b.yaml]\nlimits: {max_iterations: 1}\nexamples: [own]\n",
        base="description: base\nlimits: {max_iterations: 9, max_tool_calls: 9, turn_timeout: 9m}\nexamples: [a, b]\n",
        _a="description: first\nlimits: {max_tool_calls: 2, tool_timeout: 2s}\nwelcome: first\n",
        _b="welcome: second\nlimits: {tool_timeout: 3s}\n",
    )
    limits = loaded.manifest.limits
    assert (limits.max_iterations, limits.max_tool_calls, limits.turn_timeout, limits.tool_timeout) == (1, 2, 540, 3)
    assert loaded.manifest.examples == ["own"]
    assert (loaded.manifest.description, loaded.manifest.welcome) == ("first", "second")
    assert [path.name for path in loaded.files] == ["agent.yaml", "base.yaml", "_a.yaml", "_b.yaml"]


def test_each_value_knows_the_file_it_is_from(project: Path) -> None:
    loaded = load(
        project,
        agent="include: _a.yaml\nname: x\n",
        _a="\nlimits:\n  retries: 1\n".replace("retries", "max_iterations"),
    )
    place = loaded.positions["limits.max_iterations"]
    assert (place.path.name, place.line, place.column) == ("_a.yaml", 3, 3)
    assert loaded.positions["name"].path.name == "agent.yaml"


def test_names_are_not_handed_down(project: Path) -> None:
    """Chats are kept under the agent's name: two agents on one base do not share theirs."""
    assert load(project, agent="extends: base.yaml\n", base="name: base\ndescription: d\n").name == "agent"


def test_fragments_may_have_fragments(project: Path) -> None:
    loaded = load(
        project,
        agent="include: [_one.yaml, _two.yaml]\n",
        _one="include: _deep.yaml\nwelcome: one\n",
        _two="include: _deep.yaml\n",
        _deep="welcome: deep\ndescription: deep\n",
    )
    assert (loaded.manifest.welcome, loaded.manifest.description) == ("deep", "deep")
    assert [path.name for path in loaded.files] == ["agent.yaml", "_one.yaml", "_deep.yaml", "_two.yaml"]


async def test_paths_in_a_fragment_are_relative_to_it(project: Path) -> None:
    (project / "shared").mkdir()
    (project / "shared" / "tools.py").write_text(
        'def shout(text: str) -> str:\n    """Shout."""\n    return text.upper()\n'
    )
    (project / "shared" / "prompt.md").write_text("You shout.")
    load(
        project,
        agent="description: nothing here\n",
        agents__loud="extends: ../shared/_base.yaml\nmodel: offline\n",
        shared___base="tools: [tools.py]\ninstructions_file: prompt.md\nstorage: 'memory:'\n",
    )
    async with Agent.from_file(project / "agents" / "loud.yaml") as agent:
        assert agent.toolbox.names == ["shout"]
        assert agent.chat_manager.system_instruction() == {"parts": [{"text": "You shout."}]}


def test_files_and_patterns_to_cache_are_relative_to_their_fragment_and_texts_stay(project: Path) -> None:
    """An item is a file where it looks like a path or names one that is there; a text of several words is a text."""
    (project / "shared" / "docs").mkdir(parents=True)
    for name in ("shared/a guide.md", "shared/faq.md", "shared/docs/a.txt", "top.md"):
        (project / name).write_text("Long.")
    loaded = load(
        project,
        agent="include: shared/_cache.yaml\ncache: {ttl: 1h}\n",
        shared___cache="cache:\n  content: [faq.md, docs/*.txt, a guide.md, ../top.md, 'A text/of words.', Hello, "
        "'https://example.com/x.pdf', \"two\\nlines.md\"]\n",
    )
    assert loaded.manifest.cache is not None
    assert loaded.manifest.cache.content == [
        "shared/faq.md",
        "shared/docs/*.txt",
        "shared/a guide.md",
        "top.md",
        "A text/of words.",
        "Hello",
        "https://example.com/x.pdf",
        "two\nlines.md",
    ]


def refusal(project: Path, **files: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidManifestError) as caught:
        load(project, **files)
    return [(each.code, Path(each.path).name) for each in caught.value.diagnostics]


@pytest.mark.parametrize(
    "path",
    [
        "../outside.yaml",
        "a/../../outside.yaml",
        "./../outside.yaml",
        "link.yaml",
        "folder/outside.yaml",
        "/etc/passwd",
        "~/x.yaml",
        "~root/x.yaml",
        "C:\\\\x.yaml",
        "\\\\\\\\host\\\\x.yaml",
        "file:///etc/passwd",
        "file:x.yaml",
        "https://example.com/x.yaml",
        "data:text/yaml,x",
        "%2e%2e/outside.yaml",
        "..%2foutside.yaml",
        "a\\0b.yaml",
        "x" * 5000 + ".yaml",
        "x" * 300 + ".yaml",
        "x/" * 3000 + "x.yaml",
        "agent.yaml/x.yaml",
        "pyproject.toml",
        ".",
        "..",
        " ",
    ],
)
@pytest.mark.parametrize("key", ["include", "extends", "instructions_file"])
def test_no_path_leaves_the_project(project: Path, key: str, path: str) -> None:
    """Neither by dots nor by links, nor as a URL, nor by tricks with names."""
    outside = project.parent / "outside.yaml"
    outside.write_text("description: stolen\n")
    (project / "link.yaml").symlink_to(outside)
    (project / "folder").symlink_to(project.parent, target_is_directory=True)
    if key == "instructions_file" and path == "pyproject.toml":
        pytest.skip("a text file of the project, if an odd one")
    codes = {code for code, _ in refusal(project, agent=f'{key}: "{path}"\n')}
    assert codes <= {"E120", "E121"}


def test_a_link_inside_of_the_project_is_followed(project: Path) -> None:
    (project / "_link.yaml").symlink_to("_real.yaml")
    assert load(project, agent="include: _link.yaml\n", _real="welcome: hi\n").manifest.welcome == "hi"


def test_files_are_told_by_the_links_that_lead_to_them(project: Path) -> None:
    """So that who watches them sees a link that comes to lead elsewhere; dots alone are undone."""
    (project / "v1").mkdir()
    (project / "now").symlink_to("v1", target_is_directory=True)
    (project / "v1" / "prompt.md").write_text("You shout.")
    loaded = load(
        project,
        agent="include: [now/_a.yaml, v1/../v1/_b.yaml, v1/_a.yaml]\ninstructions_file: now/prompt.md\n",
        v1___a="welcome: hi\n",
        v1___b="description: b\n",
    )
    told = [str(path.relative_to(project)) for path in loaded.files]
    assert told == ["agent.yaml", "now/_a.yaml", "v1/_b.yaml", "v1/_a.yaml", "now/prompt.md"]


def test_ten_thousand_includes_are_refused_at_the_limit(project: Path) -> None:
    for number in range(60):
        (project / f"_{number}.yaml").write_text("welcome: hi\n")
    names = ", ".join(f"_{number % 60}.yaml" for number in range(10_000))
    codes = {code for code, _ in refusal(project, agent=f"include: [{names}]\n")}
    assert codes == {"E110"}


def test_a_chain_of_files_is_refused_at_the_limit(project: Path) -> None:
    files: dict[str, Any] = {f"_{number}": f"include: _{number + 1}.yaml\n" for number in range(60)}
    assert refusal(project, agent="include: _0.yaml\n", _60="welcome: hi\n", **files) == [("E110", "_49.yaml")]


def test_problems_of_all_files_are_told_in_one_pass(project: Path) -> None:
    found = refusal(
        project,
        agent="include: [_a.yaml, _b.yaml, _c.yaml]\nretries: 9\n",
        _a="limits: {max_iterations: 0}\n",
        _b="tool_mode: sometimes\n",
        _c="welcome: [\n",
    )
    assert sorted(found) == [("E101", "_c.yaml"), ("E105", "_b.yaml"), ("E106", "_a.yaml"), ("E106", "agent.yaml")]


def test_a_manifest_loads_the_same_from_any_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(project, agent="include: shared/_a.yaml\n", shared___a="welcome: hi\n")
    for folder in (project, project / "shared", Path("/")):
        monkeypatch.chdir(folder)
        path = os.path.relpath(project / "agent.yaml")
        assert load_manifest(path).manifest.welcome == "hi"
