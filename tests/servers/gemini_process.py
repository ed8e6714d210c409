"""The standalone server as a child process: for tests that kill, stop or starve everything in their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]


class GeminiProcess:
    """`with GeminiProcess("--behaviour", "weather", log=path) as server:`; `url` and `env` as of `GeminiServer`.

    It works from any directory and dies with this process, however that ends.
    """

    def __init__(self, *options: str, log: Path | None = None, key: str = "test-key") -> None:
        self._log = log
        self._command = [sys.executable, "-m", "tests.servers", "--until-eof", "--key", key, *options]
        if log is not None:
            self._command += ["--requests-log", str(log.resolve())]
        self.key = key
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment that points the SDK here."""
        return {"GOOGLE_GEMINI_BASE_URL": self.url, "GEMINI_API_KEY": self.key}

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The lines of the log so far: `{index, at, method, path, verb, model, status, error, body}`."""
        if self._log is None or not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def __enter__(self) -> GeminiProcess:
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.__exit__(None, None, None)
            raise RuntimeError(f"the server did not start: {self._command}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=60)
