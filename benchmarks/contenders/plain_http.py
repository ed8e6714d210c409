"""What is left when nothing is checked, kept or told: JSON over a plain HTTP client."""

from __future__ import annotations

import os

from pyreqwest.client import ClientBuilder

from benchmarks.contenders.json_talk import PATH, JsonTalk


class Talk(JsonTalk):
    async def open(self) -> None:
        self.url = os.environ["GOOGLE_GEMINI_BASE_URL"] + PATH
        headers = {"x-goog-api-key": os.environ["GEMINI_API_KEY"], "content-type": "application/json"}
        self.client = ClientBuilder().default_headers(headers).build()

    async def close(self) -> None:
        await self.client.close()

    async def _post(self, body: bytes) -> bytes:
        data = b""
        async with self.client.post(self.url).body_bytes(body).build_streamed() as reply:
            while chunk := await reply.body_reader.read_chunk():
                data += bytes(chunk)
        return data
