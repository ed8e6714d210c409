"""Gemini over google-genai: its client, authentication and endpoints; the requests and replies are read by us."""

from runner.models.gemini.credentials import find_credentials
from runner.models.gemini.model import GeminiModel

__all__ = ["GeminiModel", "find_credentials"]
