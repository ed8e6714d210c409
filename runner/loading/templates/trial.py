"""Values for a trial of the instructions, before the agent is built."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from runner.loading.nodes import Scalar
from runner.loading.templates.template import AgentFacts, ToolFacts, turn_values
from runner.loading.values import VariableError, declared, values_of

if TYPE_CHECKING:
    from runner.loading.checks.subject import Subject

_SAMPLES: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "list": ["text"]}


def trial_values(subject: Subject) -> dict[str, Any] | None:
    """What the instructions would know now; a sample for what has no value yet. None where the variables are wrong."""
    found = declared(subject.tree)
    variables = {name: variable for name, variable in found.items() if variable is not None}
    if len(variables) < len(found):
        return None
    samples = {name: (variable.choices or [_SAMPLES[variable.type]])[0] for name, variable in variables.items()}
    try:
        values = values_of(variables, subject.given or {})
    except VariableError:
        return None
    description, model = subject.text("description"), subject.tree.get("model")
    name = model.text if isinstance(model, Scalar) else "model"
    agent = AgentFacts(subject.name, description.text if description else None, name)
    return turn_values(datetime.now(UTC), agent, [ToolFacts("a_tool", "What it does.")], samples | values)
