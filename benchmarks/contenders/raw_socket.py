"""The floor: the same bytes over kept sockets, asyncio's streams and no HTTP client at all."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import urlsplit

from benchmarks.contenders.json_talk import PATH, JsonTalk

END = b"0\r\n\r\n"


class Talk(JsonTalk):
    async def open(self) -> None:
        self.url = urlsplit(os.environ["GOOGLE_GEMINI_BASE_URL"])
        self.head = (
            f"POST {PATH} HTTP/1.1\r\nhost: {self.url.netloc}\r\nx-goog-api-key: {os.environ['GEMINI_API_KEY']}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def close(self) -> None:
        for _, writer in self.idle:
            writer.close()

    async def _post(self, body: bytes) -> bytes:
        reader, writer = self.idle.pop() if self.idle else await self._connection()
        writer.write(b"%b%d\r\n\r\n%b" % (self.head, len(body), body))
        data = await reader.readuntil(END)
        self.idle.append((reader, writer))
        return data

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.url.hostname, self.url.port, limit=2**26)
