"""The tools that are named: in expected and excluded calls, in stubs, and in the replies of a scripted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.loading.diagnostics import Fix
from runner.loading.nodes import Mapping, Scalar
from runner.loading.suite_checks.subject import text_of
from runner.loading.words import certain, nearest, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.loading.diagnostics import Diagnostic
    from runner.loading.locations import Located
    from runner.loading.suite_checks.subject import AgentFacts, Expectation, Suite


def check_tools(suite: Suite) -> Iterator[Diagnostic]:
    """Whether the agent has the tools that are named."""
    if suite.agent is None or not suite.agent.has_all_tools:
        return
    known = suite.agent.tools
    for place in suite.stubs:
        if str(place.path[-1]) not in known:
            yield _unknown(suite, suite.agent, place, str(place.path[-1]), place.key)
    expected = [found for expectation in suite.expectations for found in _named(expectation)]
    scripted = [found for case in suite.cases for found in case.scripted_calls]
    for place in (*expected, *scripted):
        name = text_of(place.node)
        if name is not None and name not in known:
            yield _unknown(suite, suite.agent, place, name, place.node)


def _named(expectation: Expectation) -> Iterator[Located]:
    """The names of tools that are expected, or excluded."""
    for call in expectation.calls:
        if isinstance(call.node, Mapping):
            yield from expectation.suite.below(call, "tool")
        else:
            yield call
    yield from expectation.below("no_calls", "+")


def _unknown(suite: Suite, agent: AgentFacts, place: Located, name: str, node: object) -> Diagnostic:
    known = list(agent.tools)
    sure = certain(name, known)
    near = sure or nearest(name, known)
    is_plain = isinstance(node, Scalar) and node.written is None and node.plain
    return suite.subject.say(
        "E181",
        f"the agent has no tool {quoted(name)}",
        place,
        span=node.span if isinstance(node, Scalar) else place.span,
        hint=f"did you mean {quoted(near)}?" if near else None,
        nearest=near,
        notes=(f"its tools: {', '.join(known)}" if known else "it has no tools",),
        fix=Fix(node.span, sure) if sure and is_plain and isinstance(node, Scalar) else None,
    )
