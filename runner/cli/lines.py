"""One line of text for each thing a turn tells beside its answer. All of it is safe for a terminal."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from runner.cli.screen import visible, visible_line
from runner.errors import AgentRunError
from runner.files import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.events import MediaReturned, ToolReturned, TurnEnded
    from runner.messages import Json
    from runner.requests import CacheUse, ContextSize, Cost, Usage

_ARGUMENT_LIMIT = 40
_CALL_LIMIT = 120
_DONE = {"ok", "error", "timeout"}
_WORDS = (
    ("done", _DONE),
    ("cut off", {"cancelled", "interrupted"}),
    ("unknown", {"outcome_unknown"}),
    ("not started", {"not_started"}),
)


def call_line(name: str, args: Json) -> str:
    """`get_weather(city="Paris")`, shortened."""
    written = ", ".join(f"{visible_line(key)}={_value(value)}" for key, value in args.items())
    return visible_line(f"{visible_line(name)}({written})", _CALL_LIMIT)


def _value(value: object) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
    except (TypeError, ValueError):
        text = repr(value)
    return visible_line(text, _ARGUMENT_LIMIT)


def media_line(event: MediaReturned) -> str:
    """`[chart.png, image/png, 12 KB]`."""
    blob = {"mimeType": event.mime_type, "data": event.data, "displayName": event.name}
    return visible_line(shown({"inlineData": blob}), _CALL_LIMIT)


def returned_line(event: ToolReturned, args: Json | None) -> str:
    """A call that has its result: what was called, what went wrong if anything did, how long it took.

    `args` is None for a call that was never told, because it was not started.
    """
    if args is None:
        return result_line(visible_line(event.name), event.kind, event.result)
    how = "cached" if event.cached else f"{event.ms / 1000:.1f} s"
    return result_line(f"{call_line(event.name, args)} {how}", event.kind, event.result)


def result_line(line: str, kind: str, result: Json) -> str:
    """A call's line, and what went wrong if anything did."""
    if kind == "ok":
        return line
    word = kind.replace("_", " ")
    problem = result.get("error") if kind in {"error", "timeout"} else None
    return f"{line} {word}: {visible_line(str(problem), _CALL_LIMIT)}" if problem else f"{line} {word}"


def interrupted_line(kinds: Iterable[str]) -> str:
    """`interrupted: 3 done, 2 unknown, 3 not started`, from the results of the turn's calls."""
    counts: Counter[str] = Counter(kinds)
    told = [(sum(counts[kind] for kind in group), word) for word, group in _WORDS]
    parts = [f"{count} {word}" for count, word in told if count]
    return f"interrupted: {', '.join(parts)}" if parts else "interrupted"


def ended_line(ended: TurnEnded, kinds: Iterable[str]) -> str | None:
    """What to say about a turn's end beside its answer; None where the answer says it all."""
    if ended.reason == "failed":
        return error_line(ended.message or ended.code or "the turn failed")
    if ended.reason == "interrupted":
        return interrupted_line(kinds)
    return f"stopped: {visible_line(ended.message)}" if ended.message else None


def error_line(message: str) -> str:
    """The one line that tells an error."""
    return f"error: {visible_line(message)}"


def describe(error: BaseException) -> str:
    """What to say of an error: its own words if it was foreseen."""
    if isinstance(error, AgentRunError):
        return str(error)
    line = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"this is a bug in agent-run; run again with --debug to see where: {line}"


def error_text(error: BaseException) -> str:
    """What tells an error: one line, or all that is wrong with a manifest."""
    return visible(str(error)) if getattr(error, "diagnostics", ()) else error_line(describe(error))


def usage_line(usage: Usage, cache: CacheUse | None = None) -> str:
    """`1,234 tokens: 1,000 in (200 cached), 34 out, 200 thinking; cache: hit`."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    parts = [f"{usage.prompt_tokens + usage.tool_use_tokens:,} in{cached}", f"{usage.output_tokens:,} out"]
    if usage.thoughts_tokens:
        parts.append(f"{usage.thoughts_tokens:,} thinking")
    return f"{usage.total_tokens:,} tokens: {', '.join(parts)}{_cache_words(cache)}"


def context_line(size: ContextSize) -> str:
    """`12,345 tokens, 1.2% of the 1,048,576 that the model takes`."""
    tokens = f"{size.tokens:,} tokens"
    if size.window is None:
        return tokens
    return f"{tokens}, {size.tokens / size.window:.1%} of the {size.window:,} that the model takes"


def price(cost: Cost | None) -> str:
    """`$0.0042`, or that it is not known."""
    from runner.spending import dollars

    return "price unknown" if cost is None else dollars(cost.total)


def cost_line(cost: Cost | None) -> str:
    """`$0.0042: $0.0030 in, $0.0002 cached, $0.0010 out`."""
    from runner.spending import dollars

    if cost is None:
        return price(cost)
    kinds = ((cost.prompt, "in"), (cost.cached, "cached"), (cost.output, "out"), (cost.thoughts, "thinking"))
    parts = [f"{dollars(amount)} {word}" for amount, word in kinds if amount]
    return f"{price(cost)}: {', '.join(parts)}" if parts else price(cost)


def _cache_words(cache: CacheUse | None) -> str:
    if cache is None:
        return ""
    return f"; cache: {cache.state}" + (f", {visible_line(cache.reason)}" if cache.reason else "")
