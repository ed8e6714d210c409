"""Access tokens of Google's application default credentials, through google-auth, which is imported when needed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from runner.models.gemini.wording import refused_request

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GoogleCredentials:
    """The application default credentials: found at first use, their token renewed in a thread before it expires."""

    def __init__(self) -> None:
        self._credentials: Any = None  # google-auth's classes have no types
        self._project: str | None = None
        self._lock = threading.Lock()

    def project(self) -> str:
        """The credentials' own project; blocks while they are looked for."""
        self._found()
        if not self._project:
            raise refused_request("Could not resolve project using application default credentials.")
        return self._project

    async def headers(self) -> dict[str, str]:
        """What signs a request."""
        credentials = self._credentials
        if credentials is None or credentials.expired or not credentials.token:
            credentials = await asyncio.to_thread(self._renewed)
        signed = {"authorization": f"Bearer {credentials.token}"}
        if credentials.quota_project_id:
            signed["x-goog-user-project"] = credentials.quota_project_id
        return signed

    def _found(self) -> Any:  # google-auth's classes have no types
        with self._lock:
            return self._located()

    def _renewed(self) -> Any:  # google-auth's classes have no types
        with self._lock:
            credentials = self._located()
            if credentials.expired or not credentials.token:
                from google.auth.transport.requests import Request

                credentials.refresh(Request())
            if not credentials.token:
                raise refused_request("Could not resolve API token from the environment")
            return credentials

    def _located(self) -> Any:  # google-auth's classes have no types
        if self._credentials is None:
            import google.auth

            self._credentials, self._project = google.auth.default(scopes=[_SCOPE])
        return self._credentials
