"""The loop under faults, end to end: the real SDK, the strict server, and an ordinary turn after each fault."""
