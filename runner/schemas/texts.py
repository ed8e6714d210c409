"""A sentence on each choice, for hovers and completions; by the dotted key of the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.messages import Json

_THRESHOLD = {
    "off": "The filter is switched off.",
    "block_none": "Nothing is blocked; how probable harm is, is still told.",
    "block_only_high": "Blocked is what is harmful with high probability.",
    "block_medium_and_above": "Blocked is what is harmful with medium or high probability.",
    "block_low_and_above": "Blocked is what is harmful with low, medium or high probability.",
}

CHOICES: dict[str, dict[str, str]] = {
    "model.transport": {
        "auto": "`direct` wherever that can be.",
        "direct": "agent-run's own requests.",
        "sdk": "Requests sent through google-genai.",
    },
    "tool_mode": {
        "auto": "The model chooses whether to call tools.",
        "any": "The model must call a tool on the first step of a turn, and chooses after that.",
        "none": "The model never calls tools.",
        "validated": "The model chooses, and the service checks its calls against their schema.",
    },
    "variables.*.type": {
        "string": "Text.",
        "integer": "A whole number.",
        "number": "A number.",
        "boolean": "true or false.",
        "list": "A list of texts, numbers, or true and false.",
    },
    "generation.thinking.level": {
        "minimal": "Next to no thinking.",
        "low": "A little thinking: quick answers.",
        "medium": "Some thinking.",
        "high": "Much thinking: the best answers.",
        "xhigh": "As much thinking as there is.",
    },
    "generation.media_resolution": {
        "low": "Few tokens for an image.",
        "medium": "More tokens for an image.",
        "high": "Most tokens for an image: small text can be read.",
    },
    "generation.response_modalities.*": {
        "text": "Text.",
        "image": "Images, from models that draw.",
        "audio": "Speech, from models that speak.",
    },
    "generation.service_tier": {
        "flex": "A lower price, answered when there is room.",
        "standard": "The usual price and speed.",
        "priority": "A higher price, answered first.",
    },
    "generation.safety.harassment": _THRESHOLD,
    "generation.safety.hate_speech": _THRESHOLD,
    "generation.safety.sexually_explicit": _THRESHOLD,
    "generation.safety.dangerous_content": _THRESHOLD,
    "generation.safety.civic_integrity": _THRESHOLD,
}

STORAGE_URLS: dict[str, str] = {
    "memory": "Chats live as long as the process.",
    "sqlite:///.agent-run/chats.db": "One SQLite file; three slashes: relative to the project's root.",
    "sqlite:////var/lib/agent/chats.db": "One SQLite file; four slashes: an absolute path.",
    "mongodb://user:${MONGODB_PASSWORD}@host:27017/chats": "A MongoDB database, shared by all who reach it.",
    "mongodb+srv://user:${MONGODB_PASSWORD}@cluster.example.org/chats": "A MongoDB database, its servers found by DNS.",
    "postgresql://user:${PGPASSWORD}@host:5432/chats": "A PostgreSQL database, shared by all who reach it.",
    "redis://localhost:6379/0": "A Redis server, shared by all who reach it; as durable as its append-only file.",
    "rediss://user:${REDIS_PASSWORD}@host:6379/0": "A Redis server over TLS.",
    "hybrid+redis://localhost:6379/0?database=postgresql%3A%2F%2Flocalhost%2Fchats": (
        "A database, percent-encoded, and Redis in front of it for reading long chats."
    ),
}
"""A URL to begin with for each kind of storage."""

BUILT_IN_TOOLS: dict[str, str] = {
    "google_search": "A tool of the service: searches the web with Google.",
    "url_context": "A tool of the service: reads the pages whose addresses the message names.",
    "code_execution": "A tool of the service: writes Python and runs it there.",
    "google_maps": "A tool of the service: looks places up on Google Maps.",
}

QUANTITIES: dict[str, str] = {
    "time": "A time above 0: 90s, 2m, 1h30m, or a number of seconds.",
    "size": "A size above 0: 200kB, 10MB, or a number of characters.",
    "history": "Turns: 200 turns; a share of the model's window: 60%; or summarize.",
    "share": "A share above 0: 80%, or a fraction such as 0.8.",
}
"""What an editor says of a text that is no time, no size, nothing to keep of a history, or no share."""

SNIPPETS: dict[str, list[Json]] = {
    "": [
        {
            "label": "agent",
            "description": "An agent with instructions and a tool module.",
            "body": {
                "description": "$1",
                "model": "${2:gemini-3.8-flash}",
                "instructions": "${3:You answer questions, briefly.}",
                "tools": ["${4:tools.module}"],
            },
        }
    ],
    "history": [
        {"label": "turns", "description": "The last turns are sent.", "body": "${1:200} turns"},
        {"label": "share", "description": "What fits a share of the model's window is sent.", "body": "${1:60}%"},
        {"label": "summarize", "description": "The model summarises the older turns.", "body": "summarize"},
    ],
    "variables": [
        {
            "label": "a variable with its type",
            "description": "A variable of the instructions: {{ name }}.",
            "body": {"${1:name}": {"type": "${2:string}", "description": "$3", "default": "$4"}},
        }
    ],
}
"""What an editor offers to fill in, by key; the whole manifest under the empty one."""
