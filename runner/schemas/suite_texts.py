"""Sentences and snippets for conversations files; by the end of the dotted key."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Json

SUITE_CHOICES: dict[str, dict[str, str]] = {
    "on_turn_failure": {
        "stop": "The turns after it are not run.",
        "continue": "The turns after it are run all the same.",
    },
    "expect.status": {
        "answered": "The model answered.",
        "failed": "The model service failed, or its reply was no answer.",
        "limit": "A limit of the agent was reached.",
        "stopped": "The executor ended the turn.",
        "interrupted": "The turn was interrupted.",
    },
    "status": {
        "ok": "The tool returned.",
        "error": "The tool raised an error, or the call did not fit its declaration.",
        "timeout": "The tool took too long.",
        "cancelled": "The call was cancelled.",
        "not_started": "The call never started.",
        "outcome_unknown": "Nobody knows whether the call took effect.",
    },
    "calls": {
        "any": "Any calls, or none.",
        "none": "No calls at all.",
    },
    "order": {
        "ordered": "The calls are made in this order.",
        "any_order": "The calls are made in any order.",
        "subset": "These calls are among those made.",
    },
}
"""A sentence on each choice."""

_CALL: Json = {"tool": "${1:get_weather}", "args": {"${2:city}": "${3:Paris}"}}
_TURN: Json = {"user": "${1:Hello}", "expect": {"reply": "${2:Hello}"}}
SUITE_SNIPPETS: dict[str, list[Json]] = {
    "": [
        {
            "label": "conversations",
            "description": "An agent, and one conversation with it.",
            "body": {"agent": "${1:agent.yaml}", "cases": [{"name": "${2:greets}", "turns": [_TURN]}]},
        }
    ],
    "case": [
        {
            "label": "a case",
            "description": "A conversation of one turn.",
            "body": {"name": "${1:name}", "turns": [{"user": "${2:Hello}", "expect": {"reply": "${3:Hello}"}}]},
        },
        {
            "label": "a scripted case",
            "description": "A conversation whose replies are given: no model is asked.",
            "body": {
                "name": "${1:name}",
                "turns": [
                    {
                        "user": "${2:Hello}",
                        "replies": [{"call": "${3:get_weather}", "args": {"${4:city}": "${5:Paris}"}}, "${6:Done.}"],
                        "expect": {"calls": ["${3:get_weather}"]},
                    }
                ],
            },
        },
    ],
    "turn": [{"label": "a turn", "description": "A message, and what is expected of the answer.", "body": _TURN}],
    "call": [{"label": "a tool call", "description": "A call with arguments that is expected.", "body": _CALL}],
    "stub": [
        {
            "label": "a stub",
            "description": "An answer for calls with these arguments.",
            "body": {"when": {"${1:city}": "${2:Paris}"}, "return": {"${3:temp_c}": "${4:18}"}},
        },
        {
            "label": "a stub that fails",
            "description": "An error that the model is told.",
            "body": {"error": "${1:unknown city}"},
        },
    ],
}
"""What an editor offers to fill in."""
