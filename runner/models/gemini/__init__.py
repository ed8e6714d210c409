"""Gemini over google-genai: its client, authentication and endpoints; the requests and replies are read by us."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.models.gemini.credentials import find_credentials
    from runner.models.gemini.model import GeminiModel

__all__ = ["GeminiModel", "find_credentials"]

_HOME_OF = {"GeminiModel": "runner.models.gemini.model", "find_credentials": "runner.models.gemini.credentials"}


def __getattr__(name: str) -> object:
    """Each name is imported when it is first asked for: checking a manifest asks for neither."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME_OF[name]), name)
