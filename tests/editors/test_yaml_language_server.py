"""What an editor shows while a manifest is written: the real server behind YAML in VS Code, Neovim, Helix and Zed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.cli import main
from runner.loading.finding import is_conversations_name
from runner.loading.known_tools import KnownTool
from runner.manifest import AgentManifest
from runner.schemas.files import schema_text
from runner.schemas.tools import arguments_by_tool, tool_names
from tests.docs.fences import fences
from tests.editors.language_server import CURSOR, LanguageServer, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

ROOT = Path(__file__).resolve().parents[2]
MODELINE = "# yaml-language-server: $schema=../.agent-run/agent.schema.json\n"
PUBLISHED = f"# yaml-language-server: $schema={(ROOT / 'schemas' / 'agent.schema.json').as_uri()}\n"

WEATHER = '''\
from typing import Literal
from runner import tool

@tool
def get_weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict:
    """Tell the weather.

    Args:
        city: The city.
    """
    raise SystemExit

@tool
def get_forecast(city: str, days: int = 3) -> dict:
    """Tell the weather of the coming days."""
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a tool module, its schema, and the settings that `agent-run editor vscode` writes."""
    folder = tmp_path_factory.mktemp("project").resolve()
    for name in ("agents", "tools"):
        (folder / name).mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "tools" / "weather.py").write_text(WEATHER)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["schema", "--project"]) == 0
        assert main(["editor", "vscode"]) == 0
        assert main(["new", "dice"]) == 0
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[LanguageServer]:
    settings = json.loads((project / ".vscode" / "settings.json").read_text())
    with LanguageServer(project, settings["yaml.schemas"]) as running:
        yield running


@pytest.fixture(scope="module")
def manifest(project: Path) -> Path:
    """A file that no setting gives a schema: it has the one it names itself."""
    return project / "elsewhere" / "agent.yaml"


def said(problems: list[dict[str, Any]], header: str = MODELINE) -> list[tuple[int, int, str]]:
    """Line (0 is the first below the header), column and text of each problem."""
    lines = header.count("\n")
    places = [(each["range"]["start"], each["message"]) for each in problems]
    return [(start["line"] - lines, start["character"], message) for start, message in places]


def test_every_key_is_offered_with_its_sentence(server: LanguageServer, manifest: Path) -> None:
    offered = server.completions(manifest, f"{MODELINE}{CURSOR}")
    for name, field in AgentManifest.model_fields.items():
        assert offered[field.alias or name]["documentation"] == field.description


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("tool_mode: ‸", {"auto", "any", "none", "validated"}),
        ("executor: ‸", {"async", "rate_limiting"}),
        ("executor:\n  type: ‸", {"async", "rate_limiting"}),
        ("executor:\n  type: rate_limiting\n  ‸", {"batch_size"}),
        ("executor:\n  type: async\n  ‸", set()),
        ("model: ‸", {"gemini-3.8-flash", "offline"}),
        ("model:\n  ‸", {"type", "name"}),
        ("storage: ‸", {"memory", "sqlite:///.agent-run/chats.db"}),
        ("tools:\n  - ‸", {"tools.weather", "tools.weather:get_weather", "tools.weather:get_forecast"}),
        ("tools: [‸]", {"tools.weather", "tools.weather:get_weather", "tools.weather:get_forecast"}),
        ("limits:\n  ‸", {"max_iterations", "max_tool_calls", "turn_timeout", "tool_timeout", "max_output_chars"}),
        ("cache:\n  ‸", {"name", "ttl"}),
        ("generation:\n  thinking:\n    level: ‸", {"minimal", "low", "medium", "high", "xhigh"}),
        ("generation:\n  thinking:\n    include_thoughts: ‸", {"true", "false"}),
        ("variables:\n  unit:\n    ‸", {"type", "default", "description", "choices"}),
        ("variables:\n  unit:\n    type: ‸", {"string", "integer", "number", "boolean", "list"}),
    ],
)
def test_what_may_stand_somewhere_is_offered_there(
    text: str, labels: set[str], server: LanguageServer, manifest: Path
) -> None:
    offered = server.completions(manifest, MODELINE + text)
    assert labels <= offered.keys()
    if not labels:
        assert not offered


def test_a_tool_is_offered_with_what_its_docstring_says(server: LanguageServer, manifest: Path) -> None:
    offered = server.completions(manifest, f"{MODELINE}tools:\n  - {CURSOR}")
    texts = {label: item.get("documentation") for label, item in offered.items()}
    assert texts["tools.weather"] == "All tools of the module: get_weather, get_forecast."
    assert texts["tools.weather:get_forecast"] == "Tell the weather of the coming days."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("‸retries: 2", "How often a failed model call is sent again"),
        ("limits:\n  ‸turn_timeout: 90s", "How long a turn may take"),
        ("‸tool_mode: any", "Whether the model may call tools"),
        ("tool_mode: ‸any", "* `any`: The model must call a tool on the first step of a turn"),
        ("executor:\n  type: rate_limiting\n  ‸batch_size: 2", "How many calls of `rate_limiting` run at once"),
        ("executor:\n  type: ‸rate_limiting", "* `rate_limiting`: At most `batch_size` calls at once"),
        ("tools:\n  - ‸tools.weather:get_weather", "* `tools.weather:get_weather`: Tell the weather."),
        ("variables:\n  unit:\n    ‸choices: [a]", "The values allowed"),
    ],
)
def test_a_key_and_a_value_are_explained(text: str, shown: str, server: LanguageServer, manifest: Path) -> None:
    assert shown in server.hover(manifest, MODELINE + text).replace("\\_", "_")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("modl: x", (0, 0, "Property modl is not allowed.")),
        ("name:\n  - x", (1, 2, 'Incorrect type. Expected "string".')),
        ("tool_mode: auto_", (0, 11, 'Value is not accepted. Valid values: "auto", "any", "none", "validated".')),
        ("retries: many", (0, 9, 'Incorrect type. Expected "integer".')),
        ("retries: 9", (0, 9, "Value is above the maximum of 3.")),
        ("limits:\n  turn_timeout: soon", (1, 16, "A time above 0: 90s, 2m, 1h30m, or a number of seconds.")),
        ("limits:\n  max_output_chars: big", (1, 20, "A size above 0: 200kB, 10MB, or a number of characters.")),
        ("executor: {type: rate_limiting, batch_siz: 3}", (0, 32, "Property batch_siz is not allowed.")),
        ("executor: {type: async, batch_size: 3}", (0, 24, "Property batch_size is not allowed.")),
        ("variables: {unit: {typ: string}}", (0, 19, "Property typ is not allowed.")),
        ("variables: {1st: a}", (0, 12, "Property 1st is not allowed.")),
        ("generation: {thinking: {budge: 1}}", (0, 24, "Property budge is not allowed.")),
    ],
)
def test_what_is_wrong_is_underlined_where_it_stands(
    text: str, problem: tuple[int, int, str], server: LanguageServer, manifest: Path
) -> None:
    assert said(server.diagnostics(manifest, f"{MODELINE}{text}\n")) == [problem]


def test_a_tool_that_the_project_does_not_have_is_underlined(server: LanguageServer, manifest: Path) -> None:
    ((line, column, message),) = said(server.diagnostics(manifest, f"{MODELINE}tools:\n  - tools.wether\n"))
    assert (line, column) == (1, 4)
    assert "Value is not accepted. Valid values:" in message
    assert '"tools.weather:get_weather"' in message


@pytest.mark.parametrize(
    "text",
    [
        "tools: [../tools/weather.py, '../tools/weather.py:get_weather', '${TOOLS}']",
        "retries: ${RETRIES}",
        "tool_mode: ${MODE:-auto}",
        "executor: {type: 'tools.queue:Queue', workers: 4}",
        "storage: 'tools.chats:Chats'",
        "model: some-new-model",
        "limits: {turn_timeout: 90, tool_timeout: 1h 30m, max_output_chars: 5MB}",
        "variables: {city: Paris, days: 3, units: [c, f], shout: {type: boolean, default: false}}",
    ],
)
def test_what_is_right_is_not_underlined(text: str, server: LanguageServer, manifest: Path) -> None:
    assert server.diagnostics(manifest, f"{MODELINE}{text}\n") == []


@pytest.mark.parametrize(
    "header",
    [
        "# yaml-language-server: $schema=../.agent-run/agent.schema.json\n",
        "# $schema: ../.agent-run/agent.schema.json\n",
        "$schema: ../.agent-run/agent.schema.json\n",
    ],
    ids=["long modeline", "short modeline", "key"],
)
def test_each_way_to_name_the_schema_does(header: str, server: LanguageServer, project: Path) -> None:
    file = project / "named" / f"{len(header)}.yaml"
    assert said(server.diagnostics(file, f"{header}modl: x\n"), header) == [(0, 0, "Property modl is not allowed.")]
    assert {"auto", "any"} <= server.completions(file, f"{header}tool_mode: {CURSOR}").keys()
    assert "How often" in server.hover(file, f"{header}{CURSOR}retries: 2")
    assert server.diagnostics(file, f"{header}name: x\n") == []


def test_the_settings_of_vs_code_give_the_manifests_in_agents_their_schema(
    server: LanguageServer, project: Path
) -> None:
    assert said(server.diagnostics(project / "agents" / "own.yaml", "modl: x\n"), "") == [
        (0, 0, "Property modl is not allowed.")
    ]
    assert server.diagnostics(project / "other" / "own.yaml", "modl: x\n") == []
    told = said(server.diagnostics(project / "agents" / "own.conversations.yaml", "agent: a.yaml\nmodl: x\n"), "")
    assert (1, 0, "Property modl is not allowed.") in told  # by the schema of conversations, which has another
    assert (0, 0, 'Missing property "cases".') in told


def test_a_new_agent_begins_without_a_problem(server: LanguageServer, project: Path) -> None:
    file = project / "agents" / "dice.yaml"
    assert server.diagnostics(file, file.read_text()) == []


def test_the_published_schema_accepts_the_examples(server: LanguageServer, manifest: Path) -> None:
    files = sorted((ROOT / "agents").glob("[!_]*.yaml"))
    examples = [file.read_text() for file in files if not is_conversations_name(file.name)]
    documented = [fence.text for fence in fences("yaml") if fence.path.name == "manifest.md"]
    for text in [*examples, *documented]:
        assert server.diagnostics(manifest, f"{PUBLISHED}{text}") == [], text


def test_the_published_schema_knows_the_keys_and_no_tools(server: LanguageServer, manifest: Path) -> None:
    assert said(server.diagnostics(manifest, f"{PUBLISHED}modl: x\n"), PUBLISHED) == [
        (0, 0, "Property modl is not allowed.")
    ]
    assert server.diagnostics(manifest, f"{PUBLISHED}tools: [tools.wether]\n") == []


# the arguments of tools, for files that say which tool is called with what

TOOLS = [
    KnownTool(
        "get_weather",
        "Tell the weather.",
        {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The city."}, "unit": {"enum": ["c", "f"]}},
            "required": ["city"],
        },
    ),
    KnownTool("send_mail", "Send a mail.", {"type": "object", "properties": {"to": {"type": "string"}}}),
]
MATCHER = {"type": "object", "properties": {"$regex": {"type": "string"}}, "additionalProperties": False}


@pytest.fixture(scope="module")
def calls(project: Path) -> Path:
    """A file of calls: `- tool: NAME` with `args: {...}`, a value or a matcher each."""
    call = {
        "type": "object",
        "properties": {"tool": tool_names(TOOLS), "args": {"type": "object"}},
        "allOf": arguments_by_tool(TOOLS, value=lambda schema: {"anyOf": [schema, MATCHER]}),
    }
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": call}
    (project / "calls.schema.json").write_text(schema_text(schema))
    return project / "calls.yaml"


CALLS = "# yaml-language-server: $schema=calls.schema.json\n"


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("- tool: ‸", ["get_weather", "send_mail"]),
        ("- tool: get_weather\n  args:\n    ‸", ["city", "unit"]),
        ("- tool: send_mail\n  args:\n    ‸", ["to"]),
        ("- tool: get_weather\n  args:\n    unit: ‸", ["c", "f"]),
    ],
)
def test_the_arguments_follow_from_the_tool(text: str, labels: list[str], server: LanguageServer, calls: Path) -> None:
    offered = server.completions(calls, CALLS + text)
    assert [label for label in offered if label != "object"] == labels


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("- tool: get_wether", ['Value is not accepted. Valid values: "get_weather", "send_mail".']),
        ("- {tool: get_weather, args: {town: x}}", ["Property town is not allowed."]),
        ('- {tool: get_weather, args: {city: {$regex: "^par"}}}', []),
        ("- {tool: get_weather, args: {unit: c}}", []),
    ],
)
def test_wrong_arguments_are_underlined_and_matchers_are_not(
    text: str, messages: list[str], server: LanguageServer, calls: Path
) -> None:
    assert [each["message"] for each in server.diagnostics(calls, f"{CALLS}{text}\n")] == messages
