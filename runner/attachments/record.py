"""Which files are at the service, known to all processes that share a storage: a record for each account."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from runner.messages import to_json
from runner.storages.shared_record import SharedRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.storages.shared_state import SharedState

MARGIN = 900.0
"""Seconds that an upload must still have to live, to be sent: more than a turn takes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file at the service; it is forgotten there at `expires`, in seconds since 1970."""

    uri: str
    expires: float

    def lives(self, now: float) -> bool:
        """Whether it may still be sent."""
        return self.expires > now + MARGIN


KnownUploads: TypeAlias = "Mapping[str, Upload]"
"""Uploads by the digest of what was uploaded."""


class UploadRecord(SharedRecord[KnownUploads]):
    """The uploads of one account. What has expired is left out at the next write."""

    def __init__(self, shared: SharedState, account: str) -> None:
        super().__init__(shared, f"uploads/{account}", _read, _written, "uploaded files")

    async def keep(self, digest: str, upload: Upload, now: float) -> None:
        """Let all who share the record know of an upload."""
        await self.update(lambda known: {**_living(known, now), digest: upload})


def _living(known: KnownUploads, now: float) -> KnownUploads:
    return {digest: upload for digest, upload in known.items() if upload.lives(now)}


def _read(text: str | None) -> KnownUploads:
    """The record of a stored text; one of another form is as if there were none."""
    try:
        return {} if text is None else {digest: Upload(*told) for digest, told in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _written(known: KnownUploads) -> str:
    return to_json({digest: [upload.uri, upload.expires] for digest, upload in known.items()})
