"""The text of the files a new agent begins with; NAME, TOOLS and the schemas' paths are filled in."""

MANIFEST = """\
# yaml-language-server: $schema=SCHEMA
# Try it:  agent-run agents/NAME.yaml "Roll two dice"
name: NAME
description: Rolls dice.
model: gemini-3.8-flash
instructions: |
  You roll dice for the user, with the tool; never make a result up.
  Answer in one short sentence.
tools:
  - TOOLS
"""

CONVERSATIONS = """\
# yaml-language-server: $schema=CASES_SCHEMA
# Try it:  agent-run test agents/NAME.conversations.yaml
agent: NAME.yaml
defaults:
  model: offline  # needs no key; without this line, the model of the manifest is asked
cases:
  - name: rolls as many dice as it is asked for
    turns:
      - user: Roll two dice
        expect:
          calls:
            - tool: roll_dice
              args: {count: 2}
          reply:
            - regex: '\\d'
"""

TOOL = '''\
"""The tools of the agent NAME: every function below that is marked with @tool.

What the model is told about one is its signature and its docstring; what it returns, the model reads as JSON.
"""

import random
from typing import Annotated

from pydantic import Field

from runner import tool


@tool(effects="none", timeout=10)
def roll_dice(
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    sides: Annotated[int, Field(ge=2, le=1000)] = 6,
) -> dict[str, object]:
    """Roll dice and tell what they show.

    Args:
        count: How many dice are rolled.
        sides: How many sides each of them has.
    """
    rolls = [random.randint(1, sides) for _ in range(count)]
    return {"rolls": rolls, "total": sum(rolls)}
'''
