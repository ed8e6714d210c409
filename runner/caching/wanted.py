"""What a request needs a cache of, and the key that tells one such need from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.messages import to_json
from runner.tokens import tokens_in

if TYPE_CHECKING:
    from runner.caching.content import Content
    from runner.messages import ChatMessage
    from runner.requests import GenerateContentRequest


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, and the content that all requests of its agent begin with."""

    request: GenerateContentRequest
    content: Content

    @property
    def model(self) -> str:
        """The model: a cache belongs to one."""
        return self.request.model

    @property
    def forces_call(self) -> bool:
        """Whether the model must call a tool: only in the first step of a turn, so no cache is made for it."""
        calling = (self.request.tool_config or {}).get("functionCallingConfig") or {}
        return calling.get("mode") == "ANY"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could be cached."""
        request = self.request
        return not (request.system_instruction or request.tools or self.content.message)

    @property
    def key(self) -> str:
        """A hash of all that the cache would hold, and of its model."""
        request = self.request
        held = [self.model, request.system_instruction, list(request.tools), request.tool_config, self.content.digest]
        return hashlib.blake2b(to_json(held).encode("ascii"), digest_size=10).hexdigest()

    @property
    def tokens(self) -> int | None:
        """About how many tokens the cache would have, at most; None where that cannot be told."""
        if self.content.tokens is None:
            return None
        request = self.request
        return self.content.tokens + tokens_in(to_json([request.system_instruction, list(request.tools)]))

    def cached(self, name: str) -> GenerateContentRequest:
        """The request as it is sent with the cache: what is baked into it is left out, or the API refuses it."""
        return replace(self.request, system_instruction=None, tools=(), tool_config=None, cached_content=name)

    def uncached(self) -> GenerateContentRequest:
        """The same request as it is sent without a cache: its content comes first."""
        before: tuple[ChatMessage, ...] = () if self.content.message is None else (self.content.message,)
        return replace(self.request, messages=(*before, *self.request.messages), cached_content=None)
