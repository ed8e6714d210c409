"""The files that a user's message is sent with, read and uploaded."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.attachments.model import attached_within
from runner.events import Notice
from runner.files import INLINE_LIMIT, Attachment, attachment, carries_file
from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from runner.attachments.uploads import Uploads
    from runner.messages import Meta, Part
    from runner.models.base import Model


async def sent(
    query: str,
    files: Sequence[str | Path | Part],
    meta: Meta,
    model: Model,
    first: Sequence[str | Path | Part] = (),
) -> AsyncGenerator[Notice | ChatMessage, None]:
    """What is to be told, and at last the user's message with its files, as `model` can be asked with them.

    Those of `first` stand before the text. Raises FileError, and GeminiClientError where a file cannot be uploaded.
    """
    attached = attached_within(model)
    found = [await asyncio.to_thread(attachment, file) for file in (*first, *files)]
    uploads = None if attached is None else attached.uploads
    if uploads is not None and uploads.takes_files:
        found = _spilled(found)
    for index, each in enumerate(found):
        if each.part is None:
            async with aclosing(_stored(each, uploads)) as told:
                async for item in told:
                    if isinstance(item, Notice):
                        yield item
                    else:
                        found[index] = item
    found[: len(first)] = [replace(each, meta={**each.meta, "first": True}) for each in found[: len(first)]]
    parts = [each.part for each in found if each.part is not None]
    before, after = parts[: len(first)], parts[len(first) :]
    metas = [each.meta for each in found if each.part is not None and carries_file(each.part)]
    yield ChatMessage.user(query, files=after, first=before, meta={**meta, "files": metas} if metas else meta)


def _spilled(found: list[Attachment]) -> list[Attachment]:
    """The same; those with which a message would carry more than one file may are to be uploaded too."""
    total = 0
    for index, each in enumerate(found):
        if each.part is not None and "path" in each.meta:
            total += each.meta["size"]
            if total > INLINE_LIMIT:
                total -= each.meta["size"]
                found[index] = Attachment(each.meta, None)
    return found


async def _stored(file: Attachment, uploads: Uploads | None) -> AsyncGenerator[Notice | Attachment, None]:
    """A file that is too large to be sent inline, uploaded; its own place is its uri where there are no uploads."""
    if uploads is None:
        yield file.at_its_place()
        return
    async with aclosing(uploads.provided(file.meta)) as told:
        async for item in told:
            if isinstance(item, Notice):
                yield item
            else:
                meta = uploads.uploaded(file.meta, item)
                yield Attachment(meta, {"fileData": {"fileUri": meta["uri"], "mimeType": meta["mime_type"]}})
