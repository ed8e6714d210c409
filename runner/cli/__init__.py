"""The command line: the only place that knows terminals and exit codes."""

from runner.cli.main import main

__all__ = ["main"]
