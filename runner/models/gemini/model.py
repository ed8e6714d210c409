"""`GeminiModel`: the model behind Google's API."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import GeminiClientError, MissingKeyError
from runner.events import Notice
from runner.models.base import Model
from runner.models.gemini.api_errors import refused
from runner.models.gemini.failures import worded
from runner.models.gemini.options import SdkOptions, account_of
from runner.models.gemini.redaction import environment_secrets, redactor, url_password
from runner.models.gemini.reply import Reply
from runner.models.gemini.signatures import is_signature_refused, with_reset_signatures
from runner.models.gemini.sse import EventReader
from runner.models.limiting.quota import quota_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from google import genai

    from runner.messages import Json
    from runner.models.gemini.sdk import SdkTransport
    from runner.models.gemini.transport import ByteStream, Transport
    from runner.models.limiting.quota import Quota
    from runner.requests import GenerateContentRequest, ModelItem

DEFAULT_MODEL = "gemini-3.8-flash"

TransportName: TypeAlias = Literal["auto", "direct", "sdk"]
"""`direct` posts the requests itself, `sdk` sends them through google-genai's client. Both behave alike."""


class GeminiModel(Model):
    """Gemini, asked directly or through google-genai. Nothing is imported, looked up or opened before the first request
    (or `warm_up`).

    Without `api_key`, google-genai's ways to find credentials and endpoints in the environment hold, whatever the
    `transport`. `auto` is `direct`, but for a SOCKS proxy, which only the SDK's HTTP client can use. `connect_timeout`
    bounds connecting, `idle_timeout` the silence between two pieces of a reply; both are seconds. `extra_body` is
    merged into the body of every request, in the API's own words. Makes one request per call: wrap it in `Retry`.
    """

    family = "gemini"

    def __init__(
        self,
        name: str = DEFAULT_MODEL,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        api_version: str | None = None,
        headers: Mapping[str, str] | None = None,
        enterprise: bool | None = None,
        project: str | None = None,
        location: str | None = None,
        connect_timeout: float = 10.0,
        idle_timeout: float = 120.0,
        extra_body: Json | None = None,
        transport: TransportName = "auto",
    ) -> None:
        if "contents" in (extra_body or {}):
            raise ValueError("extra_body cannot replace the contents: they are the chat")
        self.name = name
        self._extra_body = extra_body
        self._options = SdkOptions(
            api_key=api_key,
            base_url=base_url,
            api_version=api_version,
            headers=headers or {},
            enterprise=enterprise,
            project=project,
            location=location,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
        )
        self._asked_for = transport
        self._quota: Quota | None = None
        self._transport: Transport | None = None
        self._sdk: SdkTransport | None = None  # the transport, or only what `sdk_client` lends
        self._building = threading.Lock()
        self._closed = False

    @property
    def quota(self) -> Quota:
        """What it shares with all models of the same key, or project, at the same endpoint."""
        if self._quota is None:
            self._quota = quota_of(account_of(self._options))
        return self._quota

    @property
    def takes_uploads(self) -> bool:
        """Whether files can be uploaded to where the model is asked: not to the enterprise platform."""
        from runner.models.gemini.urls import is_enterprise_asked

        return not is_enterprise_asked(self._options, os.environ)

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """Send the request once and yield the reply as it streams."""
        if self._extra_body:
            request = replace(request, extra_body=self._extra_body)
        reader = EventReader()
        with worded(self._redact, lambda: reader.offset):
            transport = self._transport or await self._ready()
            stream = await transport.post(request)
            try:
                if stream.status != 200:
                    raise await refused(stream, self._redact)
                reply = Reply(request.model, self._redact)
                async with contextlib.aclosing(aiter(stream)) as chunks:
                    async for chunk in chunks:
                        for event in reader.feed(chunk):
                            for item in reply.read(event):
                                yield item
                for item in _last_items(stream, reader, reply):
                    yield item
            finally:
                await stream.aclose()

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """After "Corrupted thought signature": the request without the signatures, which another model made."""
        amended = with_reset_signatures(request) if is_signature_refused(error) else None
        if amended is None:
            return None
        return amended, Notice("signatures_reset", "Gemini refuses the history's thought signatures; sent without them")

    async def warm_up(self) -> None:
        """Import and build what the first request needs, in a thread, so that a prompt can be shown meanwhile."""
        with worded(self._redact):
            await self._ready()

    async def sdk_client(self) -> genai.Client:
        """A google-genai client with this model's settings, built when first asked for and closed with the model."""
        with worded(self._redact):
            self._check_open()
            sdk = await asyncio.to_thread(self._built_sdk) if self._sdk is None else self._sdk
            return sdk.client

    async def aclose(self) -> None:
        """Close all connections, and the SDK's client."""
        self._closed = True
        opened = {self._transport, self._sdk} - {None}
        self._transport = self._sdk = None
        for transport in opened:
            if transport is not None:
                await transport.aclose()

    async def _ready(self) -> Transport:
        self._check_open()
        return await asyncio.to_thread(self._built) if self._transport is None else self._transport

    def _built(self) -> Transport:
        with self._building:
            if self._transport is None:
                _check_key(self._options.api_key)
                direct = self._direct()
                transport: Transport = self._new_sdk() if direct is None else direct
                self._check_open()  # it may have been closed meanwhile; nothing was connected yet
                self._transport = transport
            return self._transport

    def _direct(self) -> Transport | None:
        """None where the requests are to go through the SDK."""
        if self._asked_for == "sdk":
            return None
        from runner.models.gemini.direct import DirectTransport, SocksProxyError

        try:
            transport = DirectTransport(self._options)
        except SocksProxyError:
            if self._asked_for == "direct":
                raise
            return None
        transport.prepare()
        return transport

    def _built_sdk(self) -> SdkTransport:
        with self._building:
            _check_key(self._options.api_key)
            return self._new_sdk()

    def _new_sdk(self) -> SdkTransport:
        if self._sdk is None:
            from runner.models.gemini.sdk import SdkTransport

            transport = SdkTransport(self._options)
            self._check_open()
            self._sdk = transport
        return self._sdk

    def _check_open(self) -> None:
        if self._closed:
            raise GeminiClientError(f"the model {self.name} was closed and cannot be used again")

    def _redact(self, text: str) -> str:
        secrets = [self._options.api_key or "", *self._options.headers.values()]
        secrets += [*environment_secrets(), url_password(self._options.base_url or "")]
        if self._transport is not None:
            secrets += self._transport.secrets
        return redactor(secrets)(text)


def gemini_within(model: Model) -> GeminiModel | None:
    """The Gemini model that a model is, or that stands within its wrappers, if one does."""
    inner: Model | None = model
    while inner is not None and not isinstance(inner, GeminiModel):
        inner = getattr(inner, "model", None)
    return inner


def _last_items(stream: ByteStream, reader: EventReader, reply: Reply) -> Iterator[ModelItem]:
    """What the end of the stream tells; raises GeminiResponseError where it came too early."""
    for event in reader.flush():
        yield from reply.read_last(event)
    yield from reply.end(reader.offset, reader.stray, stream.headers.get("content-type", ""))


def _check_key(given: str | None) -> None:
    """A key copied with a quote, blank or line break in it would only fail in the HTTP library, which repeats it."""
    keys = (
        {"api_key": given} if given else {name: os.environ.get(name) for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY")}
    )
    for name, key in keys.items():
        text = (key or "").strip()
        if text and not (text.isascii() and text.isprintable() and " " not in text):
            raise MissingKeyError(f"{name} contains characters that no API key has: copy it again")
