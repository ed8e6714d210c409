"""Benchmarks: the engine against the bare SDK and a plain HTTP client, doing the same work on one local server."""
