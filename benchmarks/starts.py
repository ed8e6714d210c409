"""The rows in which a whole process is the work: one small program per contender."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.peers.environments import python_of

BARE_SDK = """
import asyncio
from google import genai
async def main():
    client = genai.Client()
    async for chunk in await client.aio.models.generate_content_stream(model="gemini-3.8-flash", contents="hello"):
        print(chunk.text, end="")
    await client.aio.aclose()
asyncio.run(main())
"""
PLAIN_HTTP = """
import asyncio, json, os
from pyreqwest.client import ClientBuilder
async def main():
    url = os.environ["GOOGLE_GEMINI_BASE_URL"] + "/v1/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    headers = {"x-goog-api-key": os.environ["GEMINI_API_KEY"], "content-type": "application/json"}
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}).encode()
    client = ClientBuilder().default_headers(headers).build()
    async with client.post(url).body_bytes(body).build_streamed() as reply:
        while chunk := await reply.body_reader.read_chunk():
            for line in bytes(chunk).splitlines():
                if line.startswith(b"data:"):
                    print(json.loads(line[5:])["candidates"][0].get("content", {}).get("parts"))
    await client.close()
asyncio.run(main())
"""
ENGINE = """
import asyncio
from runner import GeminiClient
async def main():
    async with GeminiClient() as client:
        async for text in client.chat(query="hello", model="gemini-3.8-flash"):
            print(text, end="")
asyncio.run(main())
"""
MANIFEST = "model: gemini-3.8-flash\nstorage: memory\n"


def commands(manifest: Path) -> dict[str, dict[str, list[str]]]:
    """Row prefix -> contender -> the process to time."""
    python = sys.executable
    return {
        "cold start": {
            "bare_sdk": [python, "-c", BARE_SDK],
            "engine": [python, "-c", ENGINE],
            "plain_http": [python, "-c", PLAIN_HTTP],
        },
        "agent-run FILE": {"engine": [python, "-m", "runner", str(manifest), "hello"]},
        "agent-run --help": {"engine": [python, "-m", "runner", "--help"]},
    }


ADK_AGENT = "name: agent\nmodel: gemini-3.8-flash\ninstruction: Answer.\n"


def adk_command(row: str, manifest: Path) -> list[str]:
    """What google-adk does for a row that is named after ours: its YAML agent asked once, or its help."""
    adk = str(Path(python_of("adk")).with_name("adk"))
    if "--help" in row:
        return [adk, "--help"]
    (manifest.parent / "root_agent.yaml").write_text(ADK_AGENT)
    return [adk, "run", str(manifest.parent), "hello"]
