"""A model with a context cache over the strict server, and what several processes would share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.caching.scene import Scene, scene_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with scene_of() as scene:
        yield scene
