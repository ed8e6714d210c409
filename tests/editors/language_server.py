"""A client of yaml-language-server, the server behind YAML in VS Code, Neovim, Helix and Zed: JSON-RPC over stdio."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

SERVER = Path(__file__).with_name("node_modules") / "yaml-language-server" / "bin" / "yaml-language-server"
INSTALL = "npm ci --prefix tests/editors"
CURSOR = "‸"
PATIENCE = 60.0  # seconds: a cold start of Node on a busy machine

SETTINGS = {
    "schemaStore": {"enable": False},  # no network
    "kubernetesCRDStore": {"enable": False},
    "validate": True,
    "completion": True,
    "hover": True,
    "disableDefaultProperties": True,
}


def missing() -> str | None:
    """Why the server cannot be started here, or None."""
    if shutil.which("node") is None:
        return "Node.js is not installed"
    return None if SERVER.is_file() else f"yaml-language-server is not installed: {INSTALL}"


class LanguageServer:
    """One running server. Use it as `with`; every answer is waited for."""

    def __init__(self, root: Path, schemas: dict[str, Any] | None = None) -> None:
        """`schemas` is VS Code's setting `yaml.schemas`."""
        self._root = root
        self._settings = {"yaml": {**SETTINGS, "schemas": schemas or {}}}
        self._answers: dict[int, queue.Queue[Any]] = {}
        self._told: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self._versions: dict[str, int] = {}
        self._last = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self._root
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        hovers = {"hover": {"contentFormat": ["markdown"]}, "completion": {"completionItem": {"snippetSupport": True}}}
        folders = [{"uri": self._root.as_uri(), "name": "project"}]
        capabilities = {"textDocument": hovers, "workspace": {"configuration": True}}
        self.ask(
            "initialize",
            {
                "processId": None,
                "rootUri": folders[0]["uri"],
                "capabilities": capabilities,
                "workspaceFolders": folders,
            },
        )
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self._settings})
        return self

    def __exit__(self, *exc_info: object) -> None:
        try:
            self.ask("shutdown", None)
            self.tell("exit", None)
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join(PATIENCE)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()
            self._process.stdout.close()

    def ask(self, method: str, params: Any) -> Any:
        """Send a request and wait for its result."""
        self._last += 1
        answer = self._answers[self._last] = queue.Queue()
        self._send({"id": self._last, "method": method, "params": params})
        message = answer.get(timeout=PATIENCE)
        assert "error" not in message, message["error"]
        return message["result"]

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def diagnostics(self, path: Path, text: str) -> list[dict[str, Any]]:
        """Open `path` with `text`, or change it to that; what the server then says is wrong."""
        told = self._told.setdefault(path.as_uri(), queue.Queue())
        self._show(path, text)
        return told.get(timeout=PATIENCE)

    def completions(self, path: Path, text: str) -> dict[str, dict[str, Any]]:
        """What is offered where the cursor `‸` stands in `text`, by label."""
        params = self._opened(path, text)
        found = self.ask("textDocument/completion", params)
        return {item["label"]: item for item in (found["items"] if isinstance(found, dict) else found or [])}

    def hover(self, path: Path, text: str) -> str:
        """The text shown for what stands behind the cursor `‸` in `text`."""
        found = self.ask("textDocument/hover", self._opened(path, text))
        return str(found["contents"]["value"]) if found else ""

    def _opened(self, path: Path, text: str) -> dict[str, Any]:
        """Show `text` in a file beside `path`, whose problems nobody waits for; where its cursor is."""
        before, cursor, after = text.partition(CURSOR)
        assert cursor, f"mark the cursor with {CURSOR}"
        beside = path.with_stem(f"{path.stem}-asked")
        self._show(beside, before + after)
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        return {"textDocument": {"uri": beside.as_uri()}, "position": position}

    def _show(self, path: Path, text: str) -> None:
        uri = path.as_uri()
        version = self._versions[uri] = self._versions.get(uri, 0) + 1
        document = {"uri": uri, "version": version}
        if version == 1:
            self.tell("textDocument/didOpen", {"textDocument": {**document, "languageId": "yaml", "text": text}})
        else:
            self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    # the wire

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.partition(b":")[2])
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers[message["id"]].put(message)
        elif method == "workspace/configuration":
            sections = [self._settings.get(item.get("section", ""), {}) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": sections})
        elif "id" in message:
            self._send({"id": message["id"], "result": None})
        elif method == "textDocument/publishDiagnostics":
            params = message["params"]
            self._told.setdefault(params["uri"], queue.Queue()).put(params["diagnostics"])
