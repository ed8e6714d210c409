"""Calls and tools for the tests of executors."""

import asyncio

from runner.tools.base import Tool
from runner.tools.calls import FunctionCall, GeminiFunctionCall


class Probe(Tool):
    """Counts what runs at once and in which order calls start; its argument says how a call ends."""

    name = "probe"

    def __init__(self):
        self.started, self.running, self.most, self.ended = [], 0, 0, []

    async def execute(self, tool_args):
        self.started.append(tool_args["id"])
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(tool_args.get("turns", 1)):
                await asyncio.sleep(0)
            if "gate" in tool_args:
                await tool_args["gate"].wait()
            if "error" in tool_args:
                raise tool_args["error"]
            return tool_args.get("value", {"id": tool_args["id"]})
        finally:
            self.running -= 1
            self.ended.append(tool_args["id"])

    def calls(self, *args):
        return [
            FunctionCall(tool=self, function_call=GeminiFunctionCall("probe", {"id": index, **item}))
            for index, item in enumerate(args)
        ]


async def until(condition):
    while not condition():
        await asyncio.sleep(0)
