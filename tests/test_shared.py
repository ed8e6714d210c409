"""What several agents share is closed by the last of them."""

from __future__ import annotations

import pytest

from runner.shared import Parts


class Thing:
    def __init__(self) -> None:
        self.is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True


def take(parts: Parts, key: object, previous: Parts | None = None) -> Thing:
    return parts.take("thing", Thing, lambda thing: thing.aclose(), key=key, previous=previous)


async def test_the_last_user_closes_a_part() -> None:
    first, second, third = Parts(), Parts(), Parts()
    thing = take(first, "a")
    assert take(second, "a", first) is thing
    assert take(third, "a", second) is thing
    for parts in (first, third):
        await parts.let_go()
        assert not thing.is_closed
    await second.let_go()
    assert thing.is_closed


async def test_a_part_made_from_another_key_or_from_none_is_another() -> None:
    first, second, third = Parts(), Parts(), Parts()
    thing = take(first, "a")
    assert take(second, "b", first) is not thing
    assert take(third, None, second) is not take(Parts(), None, third)
    await first.let_go()
    assert thing.is_closed
    assert take(Parts(), "a", first) is not thing


async def test_an_error_lets_go_of_what_was_taken() -> None:
    first, second = Parts(), Parts()
    thing, made = take(first, "a"), []

    def failing() -> None:
        with second.let_go_on_error():
            take(second, "a", first)
            made.append(second.take("other", Thing, lambda thing: setattr(thing, "is_closed", True)))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # raised above
        failing()
    assert made[0].is_closed
    assert not thing.is_closed
    await first.let_go()
    assert thing.is_closed
