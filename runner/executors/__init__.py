"""Executors: how the calls of one step are run."""
