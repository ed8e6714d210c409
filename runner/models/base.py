"""`Model`: the noun that answers a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from runner.errors import GeminiClientError
    from runner.events import Notice
    from runner.models.limiting.quota import Quota
    from runner.requests import GenerateContentRequest, ModelItem


class Model:
    """Answers requests. Subclass it and write `generate` as an async generator.

    `name` is the model's id, sent as `request.model`. `family` says whose thought signatures and habits a history made
    by this model carries: two models of different families do not continue each other's chats silently.
    """

    name: str = ""
    family: str = "custom"

    @property
    def quota(self) -> Quota | None:
        """The limits it shares with all models of its account; None where it has none that could be shared."""
        return None

    def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """Yield raw part dicts as they arrive, `Usage`, `Notice`, and one `Finish` last.

        Raises GeminiAPIError where the service failed and GeminiResponseError where its reply cannot be read.
        """
        raise NotImplementedError(f"{type(self).__name__}.generate is not implemented")

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """Another request to send once after `error`, and what to tell about it; None where there is nothing to amend.

        A wrapper hands this on to the model it wraps.
        """
        return None

    async def for_turn(self) -> Model:
        """The model that a turn which begins now is held with: this one, unless it is a choice of several."""
        return self

    async def aclose(self) -> None:
        """Close what this model opened; may be called more than once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
