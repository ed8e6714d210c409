"""Every run of the tests draws the same examples; a longer one draws others."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile("other every time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("the same every time", settings.get_profile("other every time"), derandomize=True)
is_longer = {os.environ.get(name, "1") for name in ("AGENT_RUN_SOAK", "AGENT_RUN_TEST_EXAMPLES")} != {"1"}
settings.load_profile("other every time" if is_longer else "the same every time")
