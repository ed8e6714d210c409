"""Tools and plug-ins are found by reading their source: nothing of a project runs while its manifests are checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from runner import LocalChatStorage
from runner.loading import check_manifest
from runner.loading.checks import project_modules
from runner.loading.checks.python_source import python_file
from runner.loading.checks.tools import TOOL_NAME
from runner.modules import ModuleTable
from runner.plugins import STORAGES
from runner.tools import base
from tests.loading.projects import write_project

ROOT = Path(__file__).resolve().parents[2]

REFERENCES = (
    """
os|os.path|os:system|subprocess|subprocess:run|yaml:unsafe_load|yaml|cProfile:run|builtins|builtins:eval|sys|sys:exit
__main__|__init__|__builtins__|tools.__init__|tools.__class__|a..b|.tools|tools.|..|.|tools.weather:__builtins__
tools.weather:get_weather.__globals__|tools/weather|/tools/weather|../tools|../../x.py|/etc/passwd|/etc/x.py|~/x.py
tools\\\\weather|tools:weather:x|runner|runner.modules|runner.cli:main|google.genai|pydantic|json|importlib:import_module
site|sitecustomize|pip|http.server|antigravity|this|linked|linked.evil|linked:run|linked.py|outside.py|-m|--help|%2e%2e
""".replace("\n", "|")
    .strip("|")
    .split("|")
)  # sixty lines would not be read

WATCHER = """
import json, sys
from pathlib import Path
project = str(Path.cwd())
seen = []
def hook(event, arguments):
    if event == "import":
        seen.append(["import", arguments[0]])
    elif event == "exec" and str(getattr(arguments[0], "co_filename", "")).startswith(project):
        seen.append(["exec", arguments[0].co_filename])
    elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        seen.append(["write", str(arguments[0])])
    elif event.startswith(("socket.connect", "subprocess.", "os.system", "os.mkdir", "os.remove", "os.rename")):
        seen.append([event, ""])
sys.addaudithook(hook)
sys.path.insert(0, {root!r})
sys.dont_write_bytecode = True
from runner.cli.main import main
code = main({arguments!r})
print(json.dumps([code, seen]))
"""


def watched(folder: Path, *arguments: str) -> tuple[int, list[list[str]]]:
    """The exit code of a command, and what the interpreter's own audit tells that it did."""
    program = WATCHER.format(root=str(ROOT), arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    code, seen = json.loads(done.stdout.splitlines()[-1])
    return code, seen


def project_in(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    write_project(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil.py").write_text("raise SystemExit('this ran')\ndef run() -> None: ...\n")
    (tmp_path / "outside.py").write_text("raise SystemExit('this ran')\n")
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "linked.py").symlink_to(outside / "evil.py")
    return folder


def test_nothing_of_a_project_is_run_or_written_whatever_its_manifests_name(tmp_path: Path) -> None:
    """Good names and bad ones, in each key that takes a name; the interpreter itself is the witness."""
    folder = project_in(tmp_path)
    (folder / "agents").mkdir()
    forms = (
        "tools: [{}]\n",
        "executor: {}\n",
        "storage: {}\n",
        "model: {{type: {}}}\n",
        "model: {}\n",
        "executor: {{type: {}}}\n",
    )
    names = [*REFERENCES, "tools.weather", "tools.mail:send_mail", "tools/mail.py", "parts:Executor", "parts:Storage"]
    for number, form in enumerate(forms):
        for index, name in enumerate(names):
            (folder / "agents" / f"a{number}_{index}.yaml").write_text(form.format(json.dumps(name)))
    code, seen = watched(folder, "validate", "--format", "json")
    assert code == 2
    own = {"tools", "parts", "linked", "outside", "evil", "prompts", "sitecustomize"}
    imported = {name.partition(".")[0] for kind, name in seen if kind == "import"}
    assert not imported & own
    assert not any(name.startswith("_agent_run") for name in imported)
    assert [each for each in seen if each[0] != "import"] == []
    assert not imported & {
        "google",
        "httpx2",
        "rich",
        "prompt_toolkit",
        "sqlite3",
        "jsonschema_rs",
        "cProfile",
    }


@pytest.mark.parametrize("name", REFERENCES)
def test_what_is_no_part_of_the_project_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project_in(tmp_path)
    monkeypatch.chdir(folder)
    for form in ("tools: [{}]\n", "executor: {{type: {}}}\n", "storage: {{type: {}}}\n"):
        (folder / "agent.yaml").write_text(form.format(json.dumps(name)))
        found = check_manifest("agent.yaml")
        assert any(each.severity == "error" for each in found), form.format(name)


NAMES = [
    *("tools", "tools.weather", "tools.nested", "tools.nested.search", "tools.none", "parts", "weather", "os", "json"),
    *("linked", "linked.evil", "agents", "prompts", "runner", "tools.weather.get_weather", "_circle", "pyproject"),
]


@pytest.mark.parametrize("name", NAMES)
def test_names_mean_the_same_files_as_when_an_agent_runs(tmp_path: Path, name: str) -> None:
    folder = project_in(tmp_path).resolve()
    table = ModuleTable([folder, folder / "tools"])
    try:
        path = project_modules.find(name, [folder, folder / "tools"])
        assert path == table.find(name)
        assert (path is not None and not project_modules.is_foreign(name)) == (table.owns(name) and path is not None)
    finally:
        table.close()


def test_tool_names_are_judged_as_when_an_agent_runs() -> None:
    assert TOOL_NAME.pattern == base._NAME.pattern


SOURCES = {
    "plain functions": ("def a(x: int) -> int: ...\ndef _b(x): ...\nasync def c() -> None: ...\n", ["a", "c"]),
    "decorated ones win": ("from runner import tool\n@tool\ndef a() -> None: ...\ndef b() -> None: ...\n", ["a"]),
    "a decorator with options": ("import runner\n@runner.tool(name='z')\ndef a() -> None: ...\n", ["z"]),
    "another name for the decorator": ("from runner import tool as t\n@t\ndef a() -> None: ...\n", ["a"]),
    "a tool made by hand": ("from runner import tool\ndef a() -> None: ...\nb = tool(a, name='z')\n", ["z"]),
    "a tool class": ("from runner import Tool\nclass A(Tool):\n    name = 'z'\n", ["z"]),
    "a class of a class": ("from runner import Tool\nclass A(Tool): name = 'y'\nclass B(A): name = 'z'\n", ["y", "z"]),
    "all": ("__all__ = ['b']\ndef a() -> None: ...\ndef b() -> None: ...\n", ["b"]),
    "in a condition": ("if True:\n    def a() -> None: ...\nelse:\n    def b() -> None: ...\n", ["a", "b"]),
    "in a try": ("try:\n    import x\nexcept ImportError:\n    def a() -> None: ...\n", ["a"]),
    "values are none": ("A = 1\nB: int = 2\nC, D = 1, 2\n", []),
    "classes are none": ("class A: ...\n", []),
    "the last definition counts": ("def a() -> None: ...\na = 1\n", []),
}
UNKNOWN = {
    "a star import": "from tools.other import *\ndef a() -> None: ...\n",
    "computed names": "globals()['a'] = print\ndef a() -> None: ...\n",
    "a module getattr": "def __getattr__(name): ...\ndef a() -> None: ...\n",
    "an unknown decorator": "from x import y\n@y\ndef a() -> None: ...\n",
    "an unknown value": "from x import y\nz = y()\ndef a() -> None: ...\n",
    "a computed list of names": "__all__ = [name for name in dir()]\ndef a() -> None: ...\n",
    "a longer list of names": "__all__ = ['a']\n__all__ += ['b']\ndef a() -> None: ...\n",
    "an import from the project": "from tools.weather import get_weather\ndef a() -> None: ...\n",
    "an import from beside": "from .weather import get_weather\ndef a() -> None: ...\n",
}


@pytest.mark.parametrize("name", SOURCES)
def test_tools_are_read_off_the_source(tmp_path: Path, name: str) -> None:
    source, tools = SOURCES[name]
    (tmp_path / "m.py").write_text(source)
    found = python_file(tmp_path / "m.py").tools()
    assert found is not None
    assert [each.tool for each in found] == tools


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_a_source_does_not_tell_is_not_guessed(tmp_path: Path, name: str) -> None:
    """And so never called wrong."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "m.py").write_text(UNKNOWN[name])
    assert python_file(tmp_path / "tools" / "m.py", {"tools"}).tools() is None
    (tmp_path / "agent.yaml").write_text("tools: [tools.m]\n")
    assert check_manifest(tmp_path / "agent.yaml") == []


def test_a_storage_without_its_driver_is_told_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver is looked for and not loaded."""
    for name, driver in {"far": "no_such_driver", "near": "sqlite3"}.items():
        monkeypatch.setitem(STORAGES._builtins, name, "runner.plugins:memory")
        monkeypatch.setitem(STORAGES._drivers, name, driver)
    path = tmp_path / "agent.yaml"
    path.write_text("storage: far://host/chats\n")
    (found,) = check_manifest(path)
    assert (found.code, found.message) == ("E173", 'the storage "far" needs the package no_such_driver')
    assert found.hint == "pip install 'agent-run[far]'"
    path.write_text("storage: near://host/chats\n")
    assert check_manifest(path) == []


def test_plug_ins_that_a_program_registered_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STORAGES, "_registered", {})
    STORAGES.register("elsewhere", LocalChatStorage)
    path = tmp_path / "agent.yaml"
    path.write_text("storage: elsewhere://host\n")
    assert check_manifest(path) == []


def test_a_module_in_another_encoding_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_bytes(b"# -*- coding: latin-1 -*-\nNAME = '\xe9'\ndef a() -> None: ...\n")
    (tmp_path / "agent.yaml").write_text("tools: [m]\n")
    assert check_manifest(tmp_path / "agent.yaml") == []
