"""What an editor shows while conversations are written: the tools of the project, their arguments, and the matchers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.cli import main
from runner.suite import ExpectPart, SuiteFile, TurnPart
from runner.suite.matchers import MATCHERS, TYPES
from tests.docs.fences import fences
from tests.editors.language_server import CURSOR, LanguageServer, missing
from tests.editors.test_yaml_language_server import WEATHER, said

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

ROOT = Path(__file__).resolve().parents[2]
MODELINE = "# yaml-language-server: $schema=../.agent-run/conversations.schema.json\n"
PUBLISHED = f"# yaml-language-server: $schema={(ROOT / 'schemas' / 'conversations.schema.json').as_uri()}\n"
MAIL = '''\
from runner import tool

@tool
def send_mail(to: str, copies: list[str] = []) -> dict:
    """Send a mail."""
'''
TOOLS = {"get_weather", "get_forecast", "send_mail"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two tool modules, its schemas, and the settings that `agent-run editor vscode` writes."""
    folder = tmp_path_factory.mktemp("project").resolve()
    (folder / "tools").mkdir()
    (folder / "pyproject.toml").touch()
    (folder / "tools" / "weather.py").write_text(WEATHER)
    (folder / "tools" / "mail.py").write_text(MAIL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["editor", "vscode"]) == 0
    return folder


@pytest.fixture(scope="module")
def server(project: Path) -> Iterator[LanguageServer]:
    settings = json.loads((project / ".vscode" / "settings.json").read_text())
    with LanguageServer(project, settings["yaml.schemas"]) as running:
        yield running


@pytest.fixture(scope="module")
def file(project: Path) -> Path:
    """A file that no setting gives a schema: it has the one it names itself."""
    return project / "elsewhere" / "talk.yaml"


def turn(text: str) -> str:
    """Conversations with these keys of a turn."""
    lines = "".join(f"        {line}\n" for line in text.splitlines())
    return f"agent: w.yaml\ncases:\n  - name: a\n    turns:\n      - user: Hello\n{lines}"


def expect(text: str) -> str:
    return turn("expect:\n" + "".join(f"  {line}\n" for line in text.splitlines()))


def call(text: str) -> str:
    return expect("calls:\n  - " + text.replace("\n", "\n    "))


def stub(text: str) -> str:
    return f"agent: w.yaml\nstubs:\n  {text}\ncases:\n  - name: a\n    turns: [{{user: Hello}}]\n"


@pytest.mark.parametrize(
    ("before", "model"), [("", SuiteFile), (turn(CURSOR), TurnPart), (expect(CURSOR), ExpectPart)], ids=lambda value: ""
)
def test_every_key_is_offered_with_its_sentence(
    before: str, model: type[SuiteFile], server: LanguageServer, file: Path
) -> None:
    offered = server.completions(file, MODELINE + (before or CURSOR))
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert key == "user" or offered[key]["documentation"] == field.description


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (call("tool: ‸"), TOOLS),
        (call("parallel:\n  - tool: ‸"), TOOLS),
        (expect("calls: [‸]"), TOOLS),
        (expect("no_calls: [‸]"), TOOLS),
        (turn("replies:\n  - call: ‸"), TOOLS),
        ("agent: w.yaml\nstubs:\n  ‸", TOOLS),
        (expect("calls: ‸"), {"any", "none"}),
        (expect("status: ‸"), {"answered", "failed", "limit", "stopped", "interrupted"}),
        (expect("order: ‸"), {"ordered", "any_order", "subset"}),
        (call("tool: get_weather\nstatus: ‸"), {"ok", "error", "timeout"}),
        (call("tool: get_weather\nargs:\n  unit: ‸"), {"celsius", "fahrenheit"}),
        (stub("get_weather:\n    - when:\n        unit: ‸"), {"celsius", "fahrenheit"}),
        (call("tool: get_weather\nargs:\n  city:\n    ‸"), set(MATCHERS)),
        (call("tool: get_weather\nresult:\n  temp_c:\n    ‸"), set(MATCHERS)),
        (expect("reply:\n  json:\n    ‸"), set(MATCHERS)),
        (expect("reply:\n  ‸"), {"contains", "regex", "judge", "json"}),
        (expect("reply:\n  - ‸"), {"contains", "regex", "judge", "json"}),
        ("agent: w.yaml\ndefaults:\n  model: ‸", {"gemini-3.8-flash", "offline"}),
        ("agent: w.yaml\ndefaults:\n  on_turn_failure: ‸", {"stop", "continue"}),
        ("agent: w.yaml\nstubs:\n  get_weather:\n    ‸", {"when", "return", "error", "passthrough", "delay"}),
    ],
)
def test_what_may_stand_somewhere_is_offered_there(
    text: str, labels: set[str], server: LanguageServer, file: Path
) -> None:
    assert labels <= server.completions(file, MODELINE + text).keys()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        (call("tool: get_weather\nargs:\n  ‸"), {"city", "unit"}),
        (call("tool: send_mail\nargs:\n  ‸"), {"to", "copies"}),
        (call("parallel:\n  - tool: send_mail\n    args:\n      ‸"), {"to", "copies"}),
        (stub("get_forecast:\n    when:\n      ‸"), {"city", "days"}),
        (stub("get_forecast:\n    - when:\n        ‸"), {"city", "days"}),
        (turn("replies:\n  - call: get_weather\n    args:\n      ‸"), {"city", "unit"}),
    ],
)
def test_the_arguments_follow_from_the_tool(text: str, labels: set[str], server: LanguageServer, file: Path) -> None:
    assert server.completions(file, MODELINE + text).keys() == labels


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (CURSOR, "conversations"),
        ("agent: w.yaml\ncases:\n  - ‸", "a scripted case"),
        ("agent: w.yaml\nstubs:\n  get_weather:\n    ‸", "a stub"),
        (expect("calls:\n  - ‸"), "a tool call"),
    ],
)
def test_snippets_are_offered(text: str, label: str, server: LanguageServer, file: Path) -> None:
    assert "${1" in str(server.completions(file, MODELINE + text)[label])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (turn("‸expect: {reply: x}"), "What is expected of the turn."),
        (call("tool: ‸get_weather"), "* `get_weather`: Tell the weather."),
        (call("tool: get_weather\nargs:\n  ‸city: Paris"), "The city."),
        (call('tool: get_weather\nargs:\n  city: {‸$regex: "^Par"}'), "A text in which this regular expression"),
        (call("tool: get_weather\nargs:\n  unit: ‸celsius"), "* `fahrenheit`"),
        (expect("‸order: any_order\ncalls: [get_weather]"), "* `any_order`: The calls are made in any order."),
        (stub("‸get_weather: {return: 1}"), "Tell the weather."),
    ],
)
def test_keys_tools_arguments_and_matchers_are_explained(
    text: str, shown: str, server: LanguageServer, file: Path
) -> None:
    assert shown in server.hover(file, MODELINE + text).replace("\\_", "_")


NO_TOOL = 'Value is not accepted. Valid values: "send_mail", "get_weather", "get_forecast".'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (call("tool: get_wether"), (7, 20, NO_TOOL)),
        (expect("calls: [get_wether]"), (6, 18, NO_TOOL)),
        (expect("no_calls: [get_wether]"), (6, 21, NO_TOOL)),
        (call("{tool: get_weather, args: {town: x}}"), (7, 41, "Property town is not allowed.")),
        (call("{parallel: [{tool: send_mail, args: {town: x}}]}"), (7, 51, "Property town is not allowed.")),
        (
            call("{tool: get_weather, args: {unit: kelvin}}"),
            (7, 47, 'Value is not accepted. Valid values: "celsius", "fahrenheit".'),
        ),
        (
            call("{tool: get_weather, args: {city: 3}}"),
            (7, 47, 'Incorrect type. Expected "string | object".'),
        ),
        (call("{tool: get_weather, args: {city: {$regexp: x}}}"), (7, 48, "Property $regexp is not allowed.")),
        (
            call("{tool: get_weather, args: {city: {$len: 3, $regex: x}}}"),
            (7, 47, "Object has more properties than limit of 1."),
        ),
        (
            expect("reply: {json: {$type: str}}"),
            (
                6,
                32,
                f"Value is not accepted. Valid values: {', '.join(json.dumps(name) for name in TYPES)}.",
            ),
        ),
        (expect("reply: {contans: x}"), (6, 18, "Property contans is not allowed.")),
        (expect("reply: [{contans: x}]"), (6, 19, "Property contans is not allowed.")),
        (
            expect("max_latency: soon"),
            (6, 23, "A time above 0: 90s, 2m, 1h30m, or a number of seconds."),
        ),
        (turn("usr: x"), (5, 8, "Property usr is not allowed.")),
        (turn("assistant: x\nexpect: {reply: x}"), (6, 8, "Property expect is not allowed.")),
        (turn("replies: [{call: get_wether}, Done.]"), (5, 25, NO_TOOL)),
        (turn("replies: [{call: get_weather, args: {town: x}}]"), (5, 45, "Property town is not allowed.")),
        (stub("get_wether: {return: 1}"), (2, 2, "Property get_wether is not allowed.")),
        (stub("get_weather: {return: 1, error: x}"), (2, 27, "Property error is not allowed.")),
        (stub("get_weather: [{when: {town: x}, return: 1}]"), (2, 24, "Property town is not allowed.")),
        ("agent: w.yaml\ncases: []\n", (1, 7, "Array has too few items. Expected 1 or more.")),
    ],
)
def test_what_is_wrong_is_underlined_where_it_stands(
    text: str, problem: tuple[int, int, str], server: LanguageServer, file: Path
) -> None:
    assert said(server.diagnostics(file, MODELINE + text)) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        call('{tool: get_weather, args: {city: {$regex: "^par"}, unit: {$in: [celsius]}}}'),
        call("{tool: get_weather, args: {$exact: {city: Paris}}, result: null}"),
        call("{tool: get_forecast, args: {days: '${days}', city: {$all: [{$ne: Rome}, {$len: 5}]}}}"),
        call("{parallel: [get_weather, {tool: send_mail, args: {copies: {$len: 2}}, times: 2}]}"),
        expect("max_tokens: '${env:TOKENS}'\nstatus: ${env:STATUS:-answered}\nmax_latency: 8s"),
        expect("reply:\n  - Paris\n  - {regex: '\\d', judge: {rubric: Polite., model: gemini-3.8-flash}}"),
        turn("replies: [{fail: 503}, {say: a, call: get_weather, args: {city: Rome}}, Done.]"),
        stub("get_weather: [{when: {city: {$icontains: par}}, return: null}, {error: no, delay: 200ms}]"),
    ],
)
def test_what_is_right_is_not_underlined(text: str, server: LanguageServer, file: Path) -> None:
    assert said(server.diagnostics(file, MODELINE + text)) == []


def test_the_settings_of_vs_code_give_conversations_their_schema_wherever_they_are(
    server: LanguageServer, project: Path
) -> None:
    for folder in ("agents", "tests/deep", "."):
        path = project / folder / "own.conversations.yaml"
        told = said(server.diagnostics(path, turn("usr: x")), "")
        assert told == [(5, 8, "Property usr is not allowed.")]


def test_the_published_schema_knows_no_tools(server: LanguageServer, file: Path) -> None:
    assert server.diagnostics(file, PUBLISHED + call("{tool: anything, args: {x: {$gt: 3}}}")) == []
    told = said(server.diagnostics(file, PUBLISHED + call("{tool: anything, args: {x: {$gte_: 3}}}")), PUBLISHED)
    assert told == [(7, 42, "Property $gte_ is not allowed.")]


def test_the_published_schema_accepts_the_examples(server: LanguageServer, file: Path) -> None:
    examples = [path.read_text() for path in sorted((ROOT / "agents").glob("*.conversations.yaml"))]
    documented = [
        fence.text for fence in fences("yaml") if fence.path.name == "conversations.md" and "cases:" in fence.text
    ]
    assert documented
    for text in [*examples, *documented]:
        assert said(server.diagnostics(file, f"{PUBLISHED}{text}"), PUBLISHED) == [], text
