"""Every run of the tests draws the same examples, and a longer one others; how many processes share the tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("other every time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("the same every time", settings.get_profile("other every time"), derandomize=True)
is_longer = {os.environ.get(name, "1") for name in ("AGENT_RUN_SOAK", "AGENT_RUN_TEST_EXAMPLES")} != {"1"}
settings.load_profile("other every time" if is_longer else "the same every time")


def pytest_xdist_auto_num_workers() -> int:
    """Of `-n auto`: half as many again as there are cores, as half of the tests wait for processes and servers."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2
