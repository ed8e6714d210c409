"""The documents are true: what they show as Python runs and prints what they say, what they show as YAML loads."""

from __future__ import annotations

import ast
import shutil
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from runner import Agent, load_manifest
from runner.events import TurnEnded
from runner.manifest import AgentManifest
from tests.docs.fences import ROOT, Fence, fences
from tests.models.gemini.signing import TOKEN, service_account
from tests.servers.raw_http import RawServer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import GeminiServer


@pytest.mark.parametrize("fence", fences("python"), ids=str)
def test_a_python_block_runs_as_it_stands(
    fence: Fence, gemini: GeminiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a namespace and a folder of its own, against the real SDK; it prints what the `text` block after it says."""
    execute(fence, monkeypatch)
    printed = capsys.readouterr().out
    if fence.output is None:
        assert printed or "assert " in fence.text, f"{fence} neither prints nor asserts anything"
    else:
        assert printed == fence.output


def execute(fence: Fence, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    source = "\n" * (fence.line - 1) + fence.text  # a traceback names the document's own line
    exec(compile(source, str(fence.path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102  # the documents' own


def manifests() -> list[Fence]:
    """The YAML blocks that describe an agent: mappings with one of its keys; others show other files."""
    return [fence for fence in fences("yaml") if AgentManifest.model_fields.keys() & (yaml.safe_load(fence.text) or ())]


WEATHER = """
from runner import tool

@tool(effects="none")
def get_weather(city: str) -> str:
    "The weather in a city."
    return "dry"
"""
QUEUEING = """
from runner import AsyncToolExecutor

class QueueExecutor(AsyncToolExecutor):
    def __init__(self, workers):
        super().__init__()
        self.workers = workers
"""
MESSAGES = {"output": "A table for 4 at Chez Anna.", "tools": "Will it rain in Paris?"}


@pytest.mark.parametrize("fence", manifests(), ids=str)
async def test_a_manifest_block_runs(
    fence: Fence, gemini: GeminiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One turn of it is answered over the wire; where it keeps its chats on a server, in memory instead."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "weather.py").write_text(WEATHER)
    (tmp_path / "tools" / "queueing.py").write_text(QUEUEING)
    shutil.copytree(ROOT / "agents" / "receipts", tmp_path / "receipts")
    path = tmp_path / "documented.yaml"
    path.write_text(fence.text, encoding="utf-8")
    loaded = load_manifest(path)
    if loaded.manifest.storage.type not in {"memory", "sqlite"}:
        monkeypatch.setenv("AGENT_RUN_STORAGE", "memory:")
    async with RawServer(TOKEN) as google:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, google.url))
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", gemini.url)
        told = next((text for key, text in MESSAGES.items() if getattr(loaded.manifest, key)), "Say hello.")
        async with Agent(loaded) as agent:
            ended = [event async for event in agent.run(told, chat_id="c")][-1]
    assert isinstance(ended, TurnEnded)
    assert (ended.reason, ended.message) == ("answered", None)


DOCSTRING_NAMES = """
from runner import GeminiClient, tool

@tool(effects="none")
async def get_weather(city: str) -> str:
    "Tell the weather."
    return "18 degrees"
"""


def docstring_examples() -> list[Any]:
    """The indented examples in docstrings: what parses as Python and is more than one line."""
    found = []
    for path in sorted((ROOT / "runner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            place = f"{path.relative_to(ROOT)}:{getattr(node, 'name', 'module')}"
            found += [pytest.param(example, id=place) for example in indented(ast.get_docstring(node) or "")]
    return found


def indented(docstring: str) -> list[str]:
    paragraphs = [part for part in docstring.split("\n\n") if part.startswith("    ")]
    return [text for part in paragraphs if is_python(text := "\n".join(line[4:] for line in part.splitlines()))]


def is_python(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.stmt) and not isinstance(node, ast.Expr) for node in tree.body)


@pytest.mark.parametrize("example", docstring_examples())
async def test_a_docstrings_example_runs(example: str, gemini: GeminiServer) -> None:
    names: dict[str, Any] = {}
    exec(DOCSTRING_NAMES, names)  # noqa: S102  # written above
    code = compile(example, "docstring", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    work = eval(code, names)  # noqa: S307  # our own docstrings
    if work is not None:
        await work
