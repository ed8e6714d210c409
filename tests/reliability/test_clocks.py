"""Wall clocks that are wrong by days, and jump: they say nothing about who writes, and delete nothing by mistake."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.mongo import LEAVES_SOCKETS, mongo_base_url, mongo_shared_url, mongo_url  # noqa: F401 - fixtures
from tests.servers.postgres import postgres_base_url, postgres_url  # noqa: F401 - fixtures
from tests.servers.redis import redis_base_url, redis_url  # noqa: F401 - fixtures
from tests.servers.wall_clock import WallClock, wall_clock
from tests.storages.child import opened, patient
from tests.storages.children import Child, all_together
from tests.storages.turns import assert_in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = LEAVES_SOCKETS

URLS = {"postgresql": "postgres_url", "redis": "redis_url", "mongodb": "mongo_url"}


@pytest.fixture(params=["sqlite", *URLS])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty storage of each kind."""
    return str(request.getfixturevalue(URLS[request.param]) if request.param in URLS else tmp_path / "chats.db")


@pytest.fixture
def clock() -> Iterator[WallClock]:
    with wall_clock() as made:
        yield made


def test_a_lease_is_neither_lost_nor_kept_because_of_a_clock_that_jumps(where: str, clock: WallClock) -> None:
    """Days forward and backward, while one holds the chat and another waits for it."""
    with Child("hold", where, 1.5, env=clock.env) as owner:
        assert owner.heard() == "held"
        for days in (3, -3):
            with Child("wait", where, 1.5, 3.2, env=clock.env) as waiting:
                assert waiting.heard() == "waiting"
                clock.days = days
                assert waiting.heard().startswith(f"BUSY chat 'c' is in use by pid {owner.pid} on ")
        assert owner.go_on() == ["done", "done"]
    with Child("wait", where, 1.5, 60, env=clock.env) as waiting:
        assert (waiting.heard(), waiting.heard()) == ("waiting", "done")


async def test_processes_whose_clocks_jump_write_one_order_and_lose_nothing(where: str, clock: WallClock) -> None:
    children = [Child("write", where, f"process {number}", 4, env=clock.env) for number in range(8)]
    with jumping(clock):
        assert all_together(children) == [[]] * 8
    async with opened(where, **patient(where)) as storage:
        assert_in_order(await storage.get_history("c"), 32)


async def test_the_chat_written_to_last_comes_first_whatever_the_writers_clock_says(
    where: str, clock: WallClock
) -> None:
    for chat_id, days in (("a", 3), ("b", -3), ("c", 0), ("a", -1)):
        clock.days = days
        with Child("add", where, chat_id, env=clock.env) as child:
            assert child.go_on() == ["done"]
    async with opened(where, **patient(where)) as storage:
        assert [info.chat_id for info in await storage.list_chats()] == ["a", "c", "b"]


def test_a_clock_that_jumps_forward_for_a_while_makes_no_chat_old(where: str, clock: WallClock) -> None:
    """What it says is believed when the next look, an hour later, finds it unchanged."""
    with Child("add", where, "new", env=clock.env) as child:
        assert child.go_on() == ["done"]
    with Child("retain", where, 1, env=clock.env) as child:
        for days in (0, 3, 0, -3, 0, 3):
            clock.days = days
            assert child.told("look") == "['new']"
        assert child.told("look") == "[]"


@contextmanager
def jumping(clock: WallClock) -> Iterator[None]:
    """The clock jumps all the time, until the block ends."""
    chance, over = random.Random(9), threading.Event()  # noqa: S311 - any jumps will do

    def jump() -> None:
        while not over.wait(0.05):
            clock.days = chance.randrange(-30, 30)

    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
