"""What libraries and the engine report beside events: logs and warnings."""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.cli.screen import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.door import Loudness


class _Visible(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


@contextmanager
def reports_on_stderr(loudness: Loudness) -> Iterator[None]:
    """Within the block the logger `agent_run` writes to stderr; warnings of libraries are left out unless debugging."""
    logger = logging.getLogger("agent_run")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Visible("%(levelname)s %(message)s"))
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(_level(loudness))
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions and not loudness.debug:
                warnings.simplefilter("ignore")  # they tell a developer, not the people who type commands
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def _level(loudness: Loudness) -> int:
    if loudness.quiet:
        return logging.ERROR
    return logging.DEBUG if loudness.debug else logging.WARNING  # what is of interest at INFO is told by notices, too
