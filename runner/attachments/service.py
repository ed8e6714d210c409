"""Gemini's Files API: a file is uploaded, waited for until it can be used, and looked up."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from runner.attachments.record import Upload
from runner.attachments.uploads import Uploads
from runner.errors import GeminiAPIError, GeminiResponseError, ModelChoiceError
from runner.files import FileError, size_words
from runner.models.gemini.failures import worded
from runner.models.gemini.model import gemini_within
from runner.models.gemini.redaction import environment_secrets, redactor

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from google import genai
    from google.genai.types import File

    from runner.attachments.uploads import FileNews
    from runner.files import FileMeta
    from runner.models.base import Model
    from runner.models.gemini.model import GeminiModel
    from runner.storages.shared_state import SharedState

PROCESSING_SECONDS = 300.0
"""How long the service may take to make an uploaded film or sound usable."""
_TRIES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0  # seconds between two looks at a file in processing
_LONGEST_WAIT = 30.0  # seconds before an upload is tried again
_LIFE = 47 * 3600.0  # seconds, where the service does not tell
_LONGEST_NAME = 500  # characters of a display name


class FilesApi:
    """The files that belong to the account of a Gemini model."""

    def __init__(self, gemini: GeminiModel) -> None:
        self._gemini = gemini

    @property
    def account(self) -> str:
        """Whose files they are: a hash of the key and the endpoint."""
        return self._gemini.quota.account

    @property
    def takes_files(self) -> bool:
        """Whether there is anywhere to upload to."""
        return self._gemini.takes_uploads

    async def upload(self, path: Path, meta: FileMeta) -> Upload:
        """Upload a file; tried again where the service fails. Raises GeminiClientError, and FileError."""
        sdk = await self._sdk(meta)
        for tried in range(1, _TRIES + 1):
            try:
                return await self._usable(sdk, await self._sent(sdk, path, meta), meta)
            except GeminiAPIError as error:
                wait = max(error.retry_after or 0.0, 0.25 * 2**tried)
                if not error.retryable or tried == _TRIES or wait > _LONGEST_WAIT:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    async def has(self, uri: str) -> bool:
        """Whether the service still has the file of a uri. Raises GeminiClientError where that cannot be told."""
        sdk = await self._gemini.sdk_client()
        try:
            with _worded():
                found = await sdk.aio.files.get(name=f"files/{uri.rsplit('/', 1)[-1]}")
        except GeminiAPIError as error:
            if error.code not in {403, 404}:
                raise
            return False
        return found.state is None or found.state.name == "ACTIVE"

    async def _sdk(self, meta: FileMeta) -> genai.Client:
        if not self.takes_files:
            told = f"{meta['name']}, {size_words(meta['size'])}, is too large to travel inside a request"
            advice = (
                "the enterprise platform takes no uploads: send a smaller file, or one that it can read, as gs://..."
            )
            raise ModelChoiceError(f"{told}, and {advice}")
        return await self._gemini.sdk_client()

    async def _sent(self, sdk: genai.Client, path: Path, meta: FileMeta) -> File:
        """The file as the service describes it once it has all of it."""
        try:
            stream = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}") from error
        with stream, _worded():
            try:
                return await sdk.aio.files.upload(
                    file=stream,
                    config={"display_name": meta["name"][:_LONGEST_NAME], "mime_type": meta["mime_type"]},
                )
            except KeyError as error:  # the SDK's way to say so
                words = f"Gemini did not say where to upload {meta['name']}"
                raise GeminiResponseError("MALFORMED_REPLY", words, retryable=True) from error

    async def _usable(self, sdk: genai.Client, file: File, meta: FileMeta) -> Upload:
        """The upload, once the service has looked into it."""
        pause, name = _FIRST_PAUSE, file.name or ""
        try:
            async with asyncio.timeout(PROCESSING_SECONDS):
                while file.state is not None and file.state.name == "PROCESSING":
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    file = await self._looked_up(sdk, name) or file
        except TimeoutError:
            words = f"Gemini has not finished looking into {meta['name']} after {PROCESSING_SECONDS:g} s"
            raise GeminiAPIError(0, "FILE_PROCESSING", words) from None
        if (file.state is not None and file.state.name != "ACTIVE") or not file.uri:
            why = (file.error.message if file.error is not None else None) or "it does not say why"
            raise GeminiResponseError("FILE_FAILED", f"Gemini cannot use {meta['name']} ({meta['mime_type']}): {why}")
        return Upload(file.uri, time.time() + _life(file))

    async def _looked_up(self, sdk: genai.Client, name: str) -> File | None:
        """The file as it is now; None where the service fails for a moment."""
        try:
            with _worded():
                return await sdk.aio.files.get(name=name)
        except GeminiAPIError as error:
            if not error.retryable:
                raise
            return None


def uploads_of(model: Model, shared: SharedState, news: FileNews) -> Uploads | None:
    """The uploads of the account of the model, or of the one within its wrappers; None for models that take none."""
    gemini = gemini_within(model)
    return None if gemini is None else Uploads(FilesApi(gemini), shared, news)


def _life(file: File) -> float:
    """Seconds that the file has from now, by the service's own clock."""
    if file.expiration_time is None:
        return _LIFE
    began = file.update_time or file.create_time
    now = time.time() if began is None else began.timestamp()
    return file.expiration_time.timestamp() - now


def _worded() -> AbstractContextManager[None]:
    return worded(redactor(environment_secrets()))
