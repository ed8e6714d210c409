"""Recording: a model that is listened to, and what was heard, kept until the case is over."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.errors import GeminiAPIError, GeminiResponseError
from runner.events import Notice
from runner.media import parts_of
from runner.models.base import Model
from runner.models.cassettes.cassette import write_cassette
from runner.models.cassettes.fingerprints import Fingerprints
from runner.models.cassettes.form import Exchange, SentOptions, ToolResult
from runner.models.cassettes.telling import told_message, told_options
from runner.models.finish import is_plain, joined
from runner.requests import CacheUse, Finish, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from runner.errors import GeminiClientError
    from runner.messages import ChatMessage, Json, Part
    from runner.models.cassettes.fingerprints import Asked
    from runner.models.cassettes.form import Header
    from runner.models.cassettes.redacting import Redactor
    from runner.requests import GenerateContentRequest, ModelItem


class Recorder:
    """Collects one case's exchanges, and results of tools, without secrets; `save` writes them all at once."""

    def __init__(self, path: Path, header: Header, redactor: Redactor) -> None:
        self.path, self.header, self.redactor = path, header, redactor
        self._entries: list[_Hearing | Exchange | ToolResult] = []

    @property
    def is_whole(self) -> bool:
        """Whether everything that began to be recorded has come to its end."""
        return all(entry.exchange is not None for entry in self._entries if isinstance(entry, _Hearing))

    def keep(self, entry: Exchange | ToolResult) -> None:
        """Take over an entry of an older recording as it is."""
        self._entries.append(entry)

    def add_tool(self, name: str, args: Json, kind: str, result: Json) -> None:
        """Record a tool's result."""
        clean = self.redactor.clean
        self._entries.append(ToolResult(name, clean(args), kind, clean(result), tuple(parts_of(result))))

    def save(self) -> bool:
        """Write the cassette in place of an older one; False, and nothing is touched, where an exchange was cut off."""
        if not self.is_whole:
            return False
        header = dataclasses.replace(
            self.header,
            made_from=self.redactor.clean(self.header.made_from),
            source=self.redactor.text(self.header.source),
            recorded_at=self.header.recorded_at or datetime.now(UTC).replace(microsecond=0),
        )
        entries = (entry.exchange if isinstance(entry, _Hearing) else entry for entry in self._entries)
        write_cassette(self.path, header, (entry for entry in entries if entry is not None))
        return True

    def hear(self, role: str, asked: Asked, messages: Sequence[tuple[str, str]]) -> _Hearing:
        """Begin an exchange, at the place of its request."""
        hearing = _Hearing(role, asked, messages, self.redactor)
        self._entries.append(hearing)
        return hearing


class RecordingModel(Model):
    """Asks `model` and lets a recorder hear what it answers, under the name of a role.

    It stands inside `Retry`, so every single try is recorded.
    """

    def __init__(self, model: Model, recorder: Recorder, role: str = "agent") -> None:
        self.model, self.role = model, role
        self.name, self.family = model.name, model.family
        self._recorder = recorder
        self._fingerprints = Fingerprints(recorder.redactor)
        self._told: list[tuple[str, str]] = []
        self._failed: tuple[GeminiClientError, _Hearing] | None = None

    async def generate(self, request: GenerateContentRequest) -> AsyncGenerator[ModelItem, None]:
        """The inner model's reply, as it comes."""
        asked = self._fingerprints.of(request)
        hearing = self._recorder.hear(self.role, asked, self._messages(asked, request.messages))
        try:
            async with contextlib.aclosing(self.model.generate(request)) as items:
                async for item in items:
                    hearing.add(item)
                    yield item
        except (GeminiAPIError, GeminiResponseError) as error:
            hearing.fail(error)
            self._failed = (error, hearing)
            raise
        hearing.end()

    def amended(
        self, request: GenerateContentRequest, error: GeminiClientError
    ) -> tuple[GenerateContentRequest, Notice] | None:
        """What the inner model would rather send after `error`; that it would is recorded."""
        amended = self.model.amended(request, error)
        if amended is not None and self._failed is not None and self._failed[0] is error:
            self._failed[1].amend(amended[1])
        return amended

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.model.aclose()

    def _messages(self, asked: Asked, messages: Sequence[ChatMessage]) -> tuple[tuple[str, str], ...]:
        """The request's messages in words; those of the last request are not told anew."""
        sent = [message for message in messages if message.is_sent]
        kept = 0
        while kept < min(len(self._told), len(sent)) and self._told[kept][0] == asked.messages[kept]:
            kept += 1
        self._told[kept:] = [
            (mark, told_message(message, self._fingerprints))
            for mark, message in zip(asked.messages[kept:], sent[kept:], strict=True)
        ]
        return tuple(self._told)


class _Hearing:
    """One exchange while it is heard; `exchange` when it has come to an end."""

    def __init__(self, role: str, asked: Asked, messages: Sequence[tuple[str, str]], redactor: Redactor) -> None:
        self.exchange: Exchange | None = None
        self._role, self._asked, self._messages, self._redactor = role, asked, messages, redactor
        self._parts: list[Part] = []
        self._usage: Usage | None = None
        self._notices: list[Notice] = []

    def add(self, item: ModelItem) -> None:
        """Something the model yielded. With the finish the exchange is over, whether the rest is read or not."""
        if isinstance(item, Usage):
            self._usage = item
        elif isinstance(item, Notice):
            self._notices.append(self._notice(item))
        elif isinstance(item, Finish):
            self.end(finish=item)
        elif not isinstance(item, CacheUse):
            self._parts.append(item)

    def fail(self, error: GeminiAPIError | GeminiResponseError) -> None:
        """The model failed, whatever it had yielded before."""
        self._close(failure=_clean_failure(error, self._redactor))

    def end(self, finish: Finish | None = None) -> None:
        """The reply is over."""
        if self.exchange is None:
            self._close(finish=None if finish is None else self._clean_finish(finish))

    def amend(self, notice: Notice) -> None:
        """The failure was answered with another request."""
        if self.exchange is not None:
            self.exchange.amended = self._notice(notice)

    def _close(
        self, *, finish: Finish | None = None, failure: GeminiAPIError | GeminiResponseError | None = None
    ) -> None:
        asked, raw = self._asked, joined(self._parts) or self._parts
        reply = self._redactor.parts(raw)
        lengths = [len(part["text"]) for part in self._parts if is_plain(part) and part["text"]]
        is_streamed = reply == raw and len(lengths) > sum(map(is_plain, raw))
        self.exchange = Exchange(
            role=self._role,
            turn=asked.turn,
            step=asked.step,
            fingerprint=asked.fingerprint,
            model=asked.model,
            options=SentOptions(asked.options.mark, told_options(asked.options.body)),
            messages=self._messages,
            reply=reply,
            pieces=lengths if is_streamed else [],
            usage=self._usage,
            notices=self._notices,
            finish=finish,
            failure=failure,
        )

    def _notice(self, notice: Notice) -> Notice:
        return Notice(notice.code, self._redactor.text(notice.message))

    def _clean_finish(self, finish: Finish) -> Finish:
        message = None if finish.message is None else self._redactor.text(finish.message)
        return dataclasses.replace(finish, message=message, details=self._redactor.clean(finish.details))


def _clean_failure(
    error: GeminiAPIError | GeminiResponseError, redactor: Redactor
) -> GeminiAPIError | GeminiResponseError:
    message = redactor.text(error.message)
    if isinstance(error, GeminiResponseError):
        return GeminiResponseError(error.reason, message, retryable=error.retryable)
    return GeminiAPIError(error.code, error.status, message, retryable=error.retryable, retry_after=error.retry_after)
