"""The transport over google-genai: its client, authentication, URLs and endpoints; our bytes both ways.

The SDK's typed path changes contents on the way out (signatures in another alphabet, unknown parts emptied) and drops
fields on the way in. So its public streaming call is made with a placeholder, through an HTTP client of ours that
keeps the finished request, authenticated and addressed, instead of sending it; then the request goes out with our body,
and the reply is ours to read. The SDK's retries, function calling and continuation have nothing to act on.

This module imports google-genai, which takes a second: it is itself imported only when a transport is first used.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import httpx2
from google import genai
from google.genai import types

from runner.errors import GeminiClientError
from runner.models.gemini.pool import HttpReply, Pool

if TYPE_CHECKING:
    from runner.models.gemini.options import SdkOptions
    from runner.requests import GenerateContentRequest

_kept: ContextVar[list[httpx2.Request] | None] = ContextVar("agent_run_kept_requests", default=None)
_NO_AUTOMATION: types.GenerateContentConfigDict = {
    "automatic_function_calling": {"disable": True},
    "automatic_continuation": False,
}


class _Door(httpx2.AsyncClient):
    """The SDK's HTTP client: keeps a request where `_kept` asks for it, sends all others through the pool."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(transport=httpx2.AsyncBaseTransport())  # never used, but spares building connections
        self._pool = pool

    async def send(self, request: httpx2.Request, *, stream: bool = False, **_: Any) -> httpx2.Response:
        kept = _kept.get()
        if kept is None:
            return await self._pool.send(request, stream=stream)
        kept.append(request)
        return httpx2.Response(200, content=b"", request=request)


class SdkTransport:
    """Builds the SDK's client once; its requests go out through a pool of the running event loop."""

    def __init__(self, options: SdkOptions) -> None:
        self._pool = Pool(connect_timeout=options.connect_timeout, idle_timeout=options.idle_timeout)
        http_options = types.HttpOptions(
            base_url=options.base_url,
            api_version=options.api_version,
            headers=dict(options.headers),
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_async_client=_Door(self._pool),
            httpx_client=httpx2.Client(verify=self._pool.trust, timeout=options.idle_timeout),
        )
        self.client = genai.Client(
            enterprise=options.enterprise,
            api_key=options.api_key,
            project=options.project,
            location=options.location,
            http_options=http_options,
        )
        self.secrets: set[str] = set()

    async def post(self, request: GenerateContentRequest) -> HttpReply:
        """Send the request's own JSON text where, and signed as, the SDK would have sent it."""
        built = await self._built(request.model)
        self._remember_secrets(built.headers)
        headers = [(name, value) for name, value in built.headers.multi_items() if name != "content-length"]
        ours = httpx2.Request(built.method, built.url, headers=headers, content=request.encoded().encode("ascii"))
        return HttpReply(await self._pool.send(ours, stream=True))

    async def aclose(self) -> None:
        """Close the SDK's clients and the pool."""
        await self.client.aio.aclose()
        self.client.close()
        await self._pool.aclose()

    async def _built(self, model: str) -> httpx2.Request:
        kept: list[httpx2.Request] = []
        token = _kept.set(kept)
        try:
            stream = await self.client.aio.models.generate_content_stream(
                model=model, contents="-", config=_NO_AUTOMATION
            )
            async for _ in stream:
                pass
        finally:
            _kept.reset(token)
        if not kept:
            raise GeminiClientError(
                f"google-genai {genai.__version__} is set to send in a way of its own; "
                "unset GOOGLE_GENAI_CLIENT_MODE, or install google-genai>=3.3,<4"
            )
        return kept[0]

    def _remember_secrets(self, headers: httpx2.Headers) -> None:
        self.secrets.add(headers.get("x-goog-api-key", ""))
        self.secrets.add(headers.get("authorization", "").removeprefix("Bearer "))
