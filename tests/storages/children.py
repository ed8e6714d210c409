"""Processes of `tests.storages.child`, and what they say."""

from __future__ import annotations

import subprocess
import sys

from tests.storages.child import ROOT


class Child(subprocess.Popen[str]):
    """`tests.storages.child`, running."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(
            [sys.executable, "-W", "error", "-m", "tests.storages.child", *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def heard(self) -> str:
        assert self.stdout is not None
        return self.stdout.readline().strip()

    def go_on(self) -> list[str]:
        """Let it go on to its end; what it said then."""
        out, err = self.communicate("go\n", timeout=60)
        assert (self.returncode, err) == (0, ""), (self.returncode, err)
        return out.splitlines()

    def __exit__(self, *exc_info: object) -> None:
        self.kill()
        self.communicate()


def all_together(children: list[Child]) -> list[list[str]]:
    """What they said after they were all ready and let go at the same moment."""
    assert {child.heard() for child in children} == {"ready"}
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return [child.go_on() for child in children]
