"""What several agents use together, such as the generations of one manifest: the last to let go closes it."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class Shared(Generic[T]):
    """A value and the number of its users, its maker the first. `close(value)` is called and awaited for the last.

    `key` says what the value was made from; None is like nothing else.
    """

    def __init__(self, value: T, close: Callable[[T], object], key: object = None) -> None:
        self.value = value
        self._close, self._key = close, key
        self._users = 1

    def is_from(self, key: object) -> bool:
        """Whether the value is in use and was made from an equal key."""
        return self._users > 0 and key is not None and key == self._key

    def taken(self) -> Self:
        """The same, with one more user."""
        self._users += 1
        return self

    async def let_go(self) -> None:
        """One user less."""
        self._users -= 1
        if self._users == 0:
            closing = self._close(self.value)
            if inspect.isawaitable(closing):
                await closing

    def let_go_unused(self) -> None:
        """One user less, who has used nothing yet: what there is to await in closing is left out."""
        self._users -= 1
        if self._users == 0 and inspect.iscoroutine(closing := self._close(self.value)):
            closing.close()


class Parts:
    """The shared values one agent uses, by name."""

    def __init__(self) -> None:
        self._held: dict[str, Shared[Any]] = {}

    def __getitem__(self, name: str) -> Shared[Any]:
        return self._held[name]

    def take(
        self,
        name: str,
        make: Callable[[], T],
        close: Callable[[T], object],
        *,
        key: object = None,
        previous: Parts | None = None,
    ) -> T:
        """The value of that name in `previous` if it was made from an equal key; else a new one."""
        before: Shared[T] | None = previous._held.get(name) if previous is not None else None  # noqa: SLF001  # its own class
        part = before.taken() if before is not None and before.is_from(key) else Shared(make(), close, key)
        self._held[name] = part
        return part.value

    async def let_go(self) -> None:
        """Let go of everything, what was taken last first."""
        while self._held:
            _, part = self._held.popitem()
            await part.let_go()

    @contextmanager
    def let_go_on_error(self) -> Iterator[None]:
        """Let go of everything, unused as it is, when the block raises."""
        try:
            yield
        except BaseException:
            while self._held:
                self._held.popitem()[1].let_go_unused()
            raise
