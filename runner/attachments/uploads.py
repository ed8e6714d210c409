"""The uri of a file at the service: uploaded once for all who share the storage, and again when it has expired."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from runner.attachments.record import Upload, UploadRecord
from runner.events import Notice
from runner.files import digest_of, shown, size_words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from runner.attachments.service import FilesApi
    from runner.errors import GeminiAPIError
    from runner.files import FileMeta
    from runner.storages.shared_state import SharedState

UPLOAD, GONE = "upload", "file_gone"
"""The codes of the notices about files."""
_PATIENCE = 600.0  # seconds to wait for who uploads the same file now


@dataclass(slots=True)
class FileNews:
    """What a client has learned about files, over all its turns: uris that did not work, and what it has told."""

    doubted: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)

    def is_first(self, key: str) -> bool:
        """Whether this is to be told now; it is once."""
        is_known = key in self.told
        self.told.add(key)
        return not is_known


Provided: TypeAlias = "AsyncGenerator[Notice | Upload, None]"
"""What is to be told, and at last the upload."""
Kept: TypeAlias = "AsyncGenerator[Notice | FileMeta | None, None]"
"""What is to be told, and at last what is known of the file now; None where it is gone."""

_ABOUT_FILES = re.compile(r"\bfiles?\b(?:[ /]([\w-]+))?", re.IGNORECASE)
_STORED = re.compile(r"/files/([\w-]+)$")


class Uploads:
    """The uploads of one account. `clock` tells seconds since 1970."""

    def __init__(
        self, api: FilesApi, shared: SharedState, news: FileNews, clock: Callable[[], float] = time.time
    ) -> None:
        self._api, self._shared, self._news, self._clock = api, shared, news, clock
        self._record = UploadRecord(shared, api.account)

    @property
    def account(self) -> str:
        """Whose uploads they are."""
        return self._api.account

    @property
    def takes_files(self) -> bool:
        """Whether the account can have any."""
        return self._api.takes_files

    async def provided(self, meta: FileMeta) -> Provided:
        """The file of `meta["path"]`, uploaded unless it is there already. Raises GeminiClientError and FileError."""
        if (upload := await self._known(meta["digest"])) is not None:
            yield upload
            return
        yield Notice(UPLOAD, f"uploading {meta['name']}, {size_words(meta['size'])}")
        async with await self._shared.acquire(f"upload/{self.account}/{meta['digest']}", timeout=_PATIENCE):
            upload = await self._known(meta["digest"])
            if upload is None:
                upload = await self._api.upload(Path(meta["path"]), meta)
                await self._record.keep(meta["digest"], upload, self._clock())
        yield upload

    async def kept(self, uri: str, meta: FileMeta) -> Kept:
        """What is known now of a file that was sent as `uri`, at last: its `uri` is the one to send.

        None where nobody has the file any more. Raises GeminiClientError where an upload fails.
        """
        if not await self._is_lost(uri, meta):
            yield {**meta, "uri": uri}
            return
        digest = meta.get("digest")
        if digest is not None and (upload := await self._known(digest)) is not None:
            yield self.uploaded(meta, upload)
        elif digest is not None and await asyncio.to_thread(digest_of, meta.get("path", "")) == digest:
            async with aclosing(self.provided(meta)) as told:
                async for item in told:
                    yield self.uploaded(meta, item) if isinstance(item, Upload) else item
        else:
            if self._news.is_first(uri):
                yield Notice(GONE, f"{shown(meta)} is gone: Gemini has it no longer, and it cannot be uploaded again")
            yield None

    def uploaded(self, meta: FileMeta, upload: Upload) -> FileMeta:
        """What is known of a file once it is uploaded."""
        return {**meta, "uri": upload.uri, "expires": upload.expires, "account": self.account}

    def lose(self, uris: Iterable[str], error: GeminiAPIError) -> bool:
        """Whether a refusal is about one of these files: that is lost, and the others are looked up before use."""
        found = _ABOUT_FILES.search(error.message)
        stored = {uri for uri in uris if _STORED.search(uri)}
        if error.code not in {403, 404} or found is None or not stored:
            return False
        named = {uri for uri in stored if found[1] and uri.endswith(f"/{found[1]}")}
        self._news.lost |= named
        self._news.doubted |= stored - named
        return True

    async def _is_lost(self, uri: str, meta: FileMeta) -> bool:
        """Whether the service cannot be asked with this uri; nothing is asked where the file is ours and alive."""
        await self._settle(uri)
        if uri in self._news.lost:
            return True
        if "digest" not in meta:  # somebody else's upload, or what the service finds by itself
            return False
        is_ours = meta.get("account") == self.account
        return not (is_ours and Upload(uri, meta.get("expires", 0.0)).lives(self._clock()))

    async def _known(self, digest: str) -> Upload | None:
        """What the record says of a file; what is doubted is looked up."""
        upload = (await self._record.read()).get(digest)
        if upload is None or not upload.lives(self._clock()):
            return None
        await self._settle(upload.uri)
        return None if upload.uri in self._news.lost else upload

    async def _settle(self, uri: str) -> None:
        """Ask the service whether it has a file, where that is doubted."""
        if uri in self._news.doubted:
            self._news.doubted.discard(uri)
            if not await self._api.has(uri):
                self._news.lost.add(uri)
