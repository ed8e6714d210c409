"""`python -m tests.docs.clocked ...`: the command `agent-run`, its clock standing at the seconds that a file says."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def now() -> float:
    return float(Path(os.environ["RECORDED_CLOCK"]).read_text())


if __name__ == "__main__":
    time.time = now
    from runner.cli import main

    sys.exit(main(sys.argv[1:]))
