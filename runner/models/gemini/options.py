"""How Gemini is reached."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkOptions:
    """What google-genai's client is built from; None means what the SDK finds in the environment."""

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    enterprise: bool | None = None
    project: str | None = None
    location: str | None = None
    connect_timeout: float = 10.0
    idle_timeout: float = 120.0


def account_of(options: SdkOptions) -> str:
    """A hash of whose quota requests count against: the key or the project, and the endpoint."""
    env = os.environ
    facts = (
        options.api_key or env.get("GOOGLE_API_KEY") or env.get("GEMINI_API_KEY"),
        options.project or env.get("GOOGLE_CLOUD_PROJECT"),
        options.location or env.get("GOOGLE_CLOUD_LOCATION"),
        options.base_url or env.get("GOOGLE_GEMINI_BASE_URL"),
    )
    return hashlib.blake2b("\n".join(fact or "" for fact in facts).encode(), digest_size=8).hexdigest()
