"""Instructions as templates: rendered once a turn, with values that are only values, within limits."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from runner import Agent
from runner.loading import InvalidManifestError, check_manifest
from runner.loading.substitution import pieces_of
from runner.loading.templates.language import Parsed
from runner.loading.templates.template import AgentFacts, RenderingError, Template, ToolFacts, turn_values

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
AGENT = AgentFacts("weather", "Tells the weather.", "gemini-3.8-flash")
TOOLS = [ToolFacts("get_weather", "Tell the weather."), ToolFacts("send_mail", "Send a mail.")]


def rendered(text: str, /, **variables: Any) -> str:
    parsed = Parsed(text)
    known = {**dict.fromkeys(variables), "now": None, "today": None, "agent": AGENT, "tools": None}
    assert not [*parsed.mistakes, *parsed.unknown(known)]
    return Template(parsed).render(turn_values(NOON, AGENT, TOOLS, variables))


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("You are {{ agent.name }} on {{ agent.model }}.", "You are weather on gemini-3.8-flash."),
        ("{{ agent }}: {{ agent.description }}", "weather: Tells the weather."),
        ("{{ tools }}", "get_weather, send_mail"),
        ("{{ tools | map(attribute='name') | join(' and ') }}", "get_weather and send_mail"),
        ("{% for tool in tools %}\n- {{ tool.name }}\n{% endfor %}\n.", "- get_weather\n- send_mail\n."),
        ("{% for tool in tools %}{{ loop.index }}{{ '' if loop.last else ',' }}{% endfor %}", "1,2"),
        ("{{ tools | length }} {{ tools[0] }} {{ tools | first }}", "2 get_weather get_weather"),
        ("{% if tools %}yes{% else %}no{% endif %}", "yes"),
        ("{{ city | upper }} {{ city ~ '!' }} {{ 'x' * 3 }}", "PARIS Paris! xxx"),
        ("{% set place = city | lower %}{{ place }}", "paris"),
        ("{{ days + 1 }} {{ days * 2 }} {{ 7 // days }} {{ days ** 2 }}", "4 6 2 9"),
        ("{{ cities | sort | join(', ') }} {{ 'Rome' in cities }}", "Paris, Rome True"),
        ("{{ '%s' }} {% raw %}{{ not this }}{% endraw %} {# nor this #}", "%s {{ not this }} "),
        ("a { b } {x} $ {{ '{{' }}", "a { b } {x} $ {{"),
        ("  {% if true %}\n  x\n  {% endif %}\n", "  x\n"),
        ("ends with a line\n", "ends with a line\n"),
        ("{{ [1, days] }} {{ {'a': days}['a'] }}", "[1, 3] 3"),
        ("{{ 1.25 | round(1) }} {{ 'a-b' | replace('-', '_') }} {{ 'a\nb' | indent(2) }}", "1.2 a_b a\n  b"),
    ],
)
def test_templates_say_what_they_know(text: str, result: str) -> None:
    assert rendered(text, city="Paris", days=3, cities=["Rome", "Paris"]) == result


def test_the_time_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person asks for their own time; a turn's moment comes from an injected clock."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert rendered("{{ now }} {{ today }} {{ now.hour }} {{ now.strftime('%A %H:%M') }}") == (
            "2026-11-22 21:30 2026-11-22 21 Sunday 21:30"
        )
        late = datetime(2026, 11, 22, 20, 0, tzinfo=timezone(timedelta(hours=2)))
        assert str(turn_values(late, AGENT, TOOLS, {})["today"]) == "2026-11-23"
    finally:
        monkeypatch.undo()
        time.tzset()


HOSTILE = [
    "{{ 1/0 }}",
    "{{ ''.__class__ }}",
    "{{ config }}",
    "{% include '/etc/passwd' %}",
    "{{ 'a' * 500000000 }}",
    "{% for a in range(9**9) %}{% endfor %}",
    "${HOME}",
    "{{",
    "{%",
    "{#",
    "}}",
    "{% raw %}",
    "{% endraw %}{{ 7 * 7 }}",
    "\ue000" + "0" + "\ue000",
    "{{ agent.name }}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_inert(value: str) -> None:
    """Of a variable, of a tool's name, of the environment: what is in them is never a part of the template."""
    assert rendered("<{{ value }}>", value=value) == f"<{value}>"
    tools = [ToolFacts(value, value)]
    text = "{% for tool in tools %}{{ tool.name }}{{ tool.description }}{% endfor %}"
    assert Template(Parsed(text)).render(turn_values(NOON, AGENT, tools, {})) == value * 2
    pieces = pieces_of("${V} and {{ agent.name }} and {{ '${V}' }}", {"V": value})
    parsed = Parsed("", pieces)
    assert not parsed.mistakes
    assert Template(parsed).render(turn_values(NOON, AGENT, [], {})) == f"{value} and weather and {value}"


PAYLOADS = """
{{ ''.__class__.__mro__[1].__subclasses__() }}
{{ ''['__class__'] }}
{{ ''|attr('__class__') }}
{{ ''['__cla' ~ 'ss__'] }}
{{ ().__class__.__bases__[0] }}
{{ [].append.__self__ }}
{{ {}.__init__.__globals__ }}
{{ self }}
{{ self.__init__.__globals__.__builtins__ }}
{{ self._TemplateReference__context }}
{{ cycler.__init__.__globals__.os.popen('id').read() }}
{{ joiner.__init__.__globals__ }}
{{ namespace.__init__.__globals__ }}
{{ lipsum.__globals__['os'].popen('id').read() }}
{{ lipsum(n=100000) }}
{{ dict.__mro__ }}
{{ range.__class__ }}
{{ range.__init__ }}
{{ request.application.__globals__ }}
{{ config.items() }}
{{ get_flashed_messages.__globals__ }}
{{ url_for.__globals__ }}
{{ loop }}
{{ caller() }}
{{ super() }}
{{ varargs }}
{{ _budget }}
{{ _budget.__class__ }}
{% set _budget = none %}
{{ now.__class__ }}
{{ now.__reduce__() }}
{{ now.strftime.__self__ }}
{{ now.strftime.__func__ }}
{{ agent.__dict__ }}
{{ agent.__init__.__globals__ }}
{{ agent.readable }}
{{ agent.label }}
{{ tools.__class__ }}
{{ tools[0].__dict__ }}
{{ tools | map(attribute='__class__') | list }}
{{ tools | map(attribute='name.__class__') | list }}
{{ tools | selectattr('__class__') | list }}
{{ tools | sort(attribute='__class__') }}
{{ tools | sum(attribute='__class__') }}
{{ tools | join(attribute='__class__') }}
{{ tools | groupby('__class__') }}
{{ tools | map('attr', '__class__') | list }}
{{ ['x'] | map('eval') | list }}
{{ 'x' | eval }}
{{ '%s' % agent }}
{{ '%(a)s' % {'a': 1} }}
{{ '{0.__class__}'.format(agent) }}
{{ '{0.__class__}'.format_map({}) }}
{{ 'x'.join(['a']) }}
{{ 'x'.encode() }}
{{ 'x'.translate({}) }}
{{ 'x'.maketrans('a', 'b') }}
{{ 'x'.center(1000000000) }}
{{ 'x'.ljust(1000000000) }}
{{ 'x'.rjust(1000000000) }}
{{ 'x'.zfill(1000000000) }}
{{ 'x'.expandtabs(1000000000) }}
{{ 'x' | center(1000000000) }}
{{ 'x' | wordwrap(1) }}
{{ 'x' | xmlattr }}
{{ 'x' | urlize }}
{{ 'x' | pprint }}
{{ 'x' | random }}
{{ [1] | batch(1000000000, 'x') | list }}
{{ [1] | slice(1000000000) | list }}
{{ '%1000000000d' | format(1) }}
{{ 'a' * 500000000 }}
{{ 500000000 * 'a' }}
{{ [0] * 500000000 }}
{{ ('a' * 1000000) ~ ('a' * 1000000) }}
{{ ('a' * 1000000) + 'a' }}
{{ ('a' * 1000000) | replace('a', 'bb') }}
{{ ('ab' * 500000) | replace('', 'x' * 1000) }}
{{ ['a' * 1000000, 'a'] | join }}
{{ ('a' * 1000) | list | join('b' * 10000) }}
{{ ('\\n' * 900000) | indent(80) }}
{{ 9 ** 9 ** 9 ** 9 }}
{{ 10 ** 10000 }}
{{ (10 ** 300) * (10 ** 300) }}
{{ -9 ** 99999 }}
{{ 2.0 ** 99999 }}
{{ 1.5 | round(1000000000, 'ceil') }}
{{ range(1000000000) | list }}
{{ range(0, 1000000000, 2) | sum }}
{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}
{% for a in 'x' * 100000 %}{% for b in 'x' * 100000 %}y{% endfor %}{% endfor %}
{% for a in range(20) recursive %}{{ loop(range(20)) }}{% endfor %}
{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}
{% call f() %}{% endcall %}
{% filter upper %}x{% endfilter %}
{% block x %}{% endblock %}
{% extends 'x' %}
{% import 'os' as os %}
{% from 'os' import system %}
{% include 'x' %}
{% set x %}y{% endset %}
{% set ns = namespace() %}{% set ns.x = 1 %}
{% do 1 %}
{% autoescape true %}{% endautoescape %}
{% debug %}
{% trans %}x{% endtrans %}
{% break %}
""".strip().splitlines()
DOUBLING = ["{% set x = x ~ x %}", "{% set x = x + x %}", "{% set x = [x, x] %}", "{% set x = {'a': x, 'b': x} %}"]


@pytest.mark.parametrize(
    "payload", [*PAYLOADS, *(f"{{% set x = 'aaaaaaaa' %}}{each * 60}{{{{ x }}}}" for each in DOUBLING)]
)
def test_hostile_templates_are_refused_or_capped(payload: str) -> None:
    """In a moment and in little memory; none of them reaches anything."""
    began = time.process_time()
    parsed = Parsed(payload)
    known = {"now": None, "today": None, "agent": AGENT, "tools": None}
    if not [*parsed.mistakes, *parsed.unknown(known)]:
        with pytest.raises(RenderingError):
            Template(parsed).render(turn_values(NOON, AGENT, TOOLS, {}))
    assert time.process_time() - began < 5


def test_the_sum_of_all_pieces_is_capped() -> None:
    with pytest.raises(RenderingError, match="1,000,000 characters"):
        rendered("{% for a in range(1000) %}{{ 'x' * 10000 }}{% endfor %}")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "t.py").write_text('def double(x: int) -> int:\n    """Double a number."""\n    return 2 * x\n')
    return tmp_path


def write(project: Path, text: str) -> Path:
    path = project / "agent.yaml"
    path.write_text(f"model: offline\nstorage: 'memory:'\ntools: [t]\n{text}")
    return path


async def test_an_agent_renders_its_instructions_for_every_turn(project: Path) -> None:
    """With the turn's time from the chat's clock, its own tools, and the values given."""
    path = write(
        project,
        "instructions: '{{ city }} {{ days }} {{ today }} {{ tools[0].name }}: {{ tools[0].description }}'\n"
        "variables: {city: {choices: [Paris, Rome], default: Paris}, days: {type: integer}}\n",
    )
    async with Agent.from_file(path, variables={"city": "Rome", "days": "3"}) as agent:
        manager = agent.chat_manager
        for day in (22, 23):
            manager.clock = lambda day=day: datetime(2026, 11, day, 12, tzinfo=UTC)
            assert manager.system_instruction() == {
                "parts": [{"text": f"Rome 3 2026-11-{day} double: Double a number."}]
            }


def test_what_fails_with_the_agents_own_tools_is_told_before_a_chat(project: Path) -> None:
    """The trial while checking knows one tool only."""
    path = write(project, "instructions: '{{ tools[0].name[20] }}'\n")
    assert [each.code for each in check_manifest(path)] == ["E143"]
    path = write(project, "instructions: '{% if tools[0].name == \"double\" %}{{ 1 / 0 }}{% endif %}'\n")
    assert check_manifest(path) == []
    with pytest.raises(InvalidManifestError, match=r"agent.yaml:4:15: error\[E190\]: .*division by zero"):
        Agent.from_file(path)


def test_plain_instructions_never_load_the_template_engine(project: Path) -> None:
    async_free = write(project, "instructions: Be brief. {not a template}\n")
    agent = Agent.from_file(async_free)
    assert agent.chat_manager.instructions == "Be brief. {not a template}"


def test_a_default_from_the_environment_is_read_as_its_type(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYS", "3")
    manifest = """
instructions: '{{ days + 1 }} {{ more + 1 }} {{ formal and "sir" }}'
variables:
  days: {type: integer, default: "${DAYS}"}
  more: {type: number, default: "${MORE:-0.5}"}
  formal: {type: boolean, default: "${FORMAL:-true}"}
"""
    agent = Agent.from_file(write(project, manifest))
    assert agent.chat_manager.system_instruction() == {"parts": [{"text": "4 1.5 sir"}]}


def test_values_of_the_environment_in_instructions_are_text(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITY", "{{ 1/0 }}{% for %}")
    agent = Agent.from_file(write(project, "instructions: 'In ${CITY}, {{ agent.name }} $${CITY}'\n"))
    assert agent.chat_manager.system_instruction() == {"parts": [{"text": "In {{ 1/0 }}{% for %}, agent ${CITY}"}]}
