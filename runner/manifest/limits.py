"""What a turn may cost, and how long chats and caches are kept warm."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from runner.manifest.base import Given, Part, Paths, Text, Whole
from runner.manifest.quantities import Seconds, Size  # noqa: TC001  # pydantic reads the hints

Count = Annotated[Whole, Field(ge=1)]


class LimitsPart(Part):
    """What a turn may cost; reaching one ends the turn, and the chat goes on."""

    max_iterations: Given[Count] = Field(default=None, description="Model calls of a turn; 10 if left out.")
    max_tool_calls: Given[Count] = Field(default=None, description="Tool calls of a turn; 128 if left out.")
    turn_timeout: Given[Seconds] = Field(default=None, description="How long a turn may take; 10m if left out.")
    tool_timeout: Given[Seconds] = Field(
        default=None, description="How long a tool may take that sets no timeout of its own; 60s if left out."
    )
    max_output_chars: Given[Size] = Field(
        default=None, description="How long a tool's result may be, in characters or as 200kB; 1MB if left out."
    )
    max_tokens: Given[Count] = Field(
        default=None, description="Tokens of a turn, looked at between two steps; as many as it takes if left out."
    )
    max_cost: Given[Annotated[float, Field(gt=0)]] = Field(
        default=None, description="US dollars of a turn, looked at between two steps; for models of known prices."
    )

    def given(self) -> dict[str, Any]:
        """What is set, by name; times in seconds."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class CachePart(Part):
    """A context cache at Gemini for what every turn begins with."""

    name: Given[Text] = Field(default=None, description="The cache's display name; the agent's if left out.")
    ttl: Given[Seconds] = Field(default=None, description="How long the cache lives, such as 1h.")
    auto_refresh_ttl: Given[Seconds] = Field(default=None, description="How long each use keeps the cache alive.")
    content: Given[Paths] = Field(
        default=None, description="Files, globs or text that are cached with the instructions."
    )
    min_tokens: Given[Count] = Field(default=None, description="What is smaller than this is not cached.")
