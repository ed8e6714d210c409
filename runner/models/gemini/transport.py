"""The seam between Gemini's protocol and the network: a request goes out, bytes come back.

Everything above it (events, parts, finish reasons, errors) is shared by all transports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping

    from runner.requests import GenerateContentRequest


class ByteStream(Protocol):
    """A reply whose status and headers are here and whose body is still arriving."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, looked up without regard to case."""

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives, decompressed."""

    async def aclose(self) -> None:
        """Give the connection back, or drop it when the body was not read to its end."""


class Transport(Protocol):
    """Takes a request to Gemini. Raises whatever its network library raises; `failures` words it."""

    @property
    def secrets(self) -> Iterable[str]:
        """What was sent to prove who we are, so that no error repeats it."""

    async def post(self, request: GenerateContentRequest) -> ByteStream:
        """Send the request as `streamGenerateContent` and return as soon as the reply's headers are here."""

    async def aclose(self) -> None:
        """Close what was opened."""
