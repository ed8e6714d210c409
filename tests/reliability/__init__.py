"""The loop under faults, end to end: the real SDK against the strict server, every test ending with an ordinary turn."""
