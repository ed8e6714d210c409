"""A model for the tests of the command: what it does is said in the user's message."""

import asyncio
import json
from pathlib import Path

from runner.errors import GeminiAPIError
from runner.models.base import Model
from runner.requests import Finish, Usage


class Actor(Model):
    family = "actor"
    name = "actor"

    async def generate(self, request):
        question = next(message.text for message in reversed(request.messages) if message.kind == "user")
        step = 0
        for message in reversed(request.messages):
            if message.kind == "user":
                break
            step += bool(message.responses)
        verb, _, rest = question.partition(" ")
        scene = getattr(self, f"play_{verb}", None)
        async for item in scene(rest, step) if scene else self.play_echo(question, step):
            yield item
        yield Usage(prompt_tokens=1000, cached_tokens=200, output_tokens=30, total_tokens=1030)

    async def play_echo(self, rest, step):
        for word in rest.split(" "):
            yield {"text": f"{word} "}
        yield Finish()

    async def play_json(self, rest, step):
        """Parts as written, cut where the test wants them cut."""
        for part in json.loads(rest):
            yield {"text": part} if isinstance(part, str) else part
        yield Finish()

    async def play_file(self, rest, step):
        """As `json`, from a file in the working directory."""
        for part in json.loads(Path(rest).read_text()):
            yield {"text": part}
            await asyncio.sleep(0)
        yield Finish()

    async def play_weather(self, rest, step):
        if step:
            yield {"text": "It is **18 °C** in Paris."}
        else:
            yield {"text": "Let me look."}
            yield {"functionCall": {"name": "get_weather", "args": {"city": rest}}}
        yield Finish()

    async def play_batch(self, rest, step):
        if not step:
            for name in rest.split():
                yield {"functionCall": {"name": name, "args": {}}}
        else:
            yield {"text": "done"}
        yield Finish()

    async def play_loop(self, rest, step):
        yield {"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}
        yield Finish()

    async def play_hang(self, rest, step):
        yield {"text": "Well, "}
        await asyncio.sleep(60)

    async def play_stubborn(self, rest, step):
        yield {"text": "Well, "}
        Path("deaf").touch()
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    async def play_refuse(self, rest, step):
        yield {"text": "Half an "}
        raise GeminiAPIError(400, "INVALID_ARGUMENT", rest)

    async def play_break(self, rest, step):
        raise RuntimeError(rest)
        yield {}

    async def play_flood(self, rest, step):
        for number in range(int(rest)):
            yield {"text": f"line {number}\n"}
            await asyncio.sleep(0)
        yield Finish()

    async def play_slowly(self, rest, step):
        for word in rest.split(" "):
            yield {"text": f"{word} "}
            await asyncio.sleep(0.02)
        yield Finish()
