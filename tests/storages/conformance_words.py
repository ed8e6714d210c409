"""What the tests of every storage say to it, and which of its methods they may use."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from runner.messages import ChatMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SOAK = max(1, int(os.environ.get("AGENT_RUN_SOAK") or 1))
"""How many times longer than usual to try."""


def normal(text: str) -> str:
    """A text as JSON keeps it: a high and a low surrogate side by side are one character."""
    return str(json.loads(json.dumps(text)))


texts = st.text(st.characters(), max_size=20).map(normal)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
entries = st.builds(
    ChatMessage,
    st.none()
    | st.fixed_dictionaries({"role": st.sampled_from(["user", "model"]), "parts": st.lists(values, max_size=3)}),
    st.dictionaries(texts | st.sampled_from(["lc", "__class__", "$set", "a.b", "kind"]), values, max_size=4),
)

HOSTILE_IDS = [
    *(
        "..",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "a%2Fb",
        "CON",
        "user",
        "",
        " ",
        "\n",
        "'; DROP TABLE chat; --",
        "$ne",
        "*",
    ),
    *(
        "%",
        "_",
        "\u202eabc",
        "\u00e9",
        "e\u0301",
        "\U0001f600",
        "\ud83d\ude00",
        "\ud83d",
        "\x00",
        "a",
        "a\x00",
        "A",
        "\uffff",
    ),
    *("x" * 10_000, "x" * 10_001, '"a"', "\\u0000", "null", "0", "\u0660"),
]


def in_threads(count: int, work: Callable[[int], Awaitable[None]]) -> None:
    """Run `work` in so many threads, each with an event loop of its own; raise what any of them raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            asyncio.run(work(number))  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Can:
    """Which of the methods that need not be written a storage has."""

    can_list = True
    can_replace = True

    def needs_to_list(self) -> None:
        if not self.can_list:
            pytest.skip("this storage has no list_chats")

    def needs_to_replace(self) -> None:
        if not self.can_replace:
            pytest.skip("this storage has no update_history")
