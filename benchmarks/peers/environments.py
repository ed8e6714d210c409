"""The environments of other frameworks: made on demand in the user's cache folder, never in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PACKAGES = {
    "adk": "google-adk==2.13.*",
    "pydantic_ai": "pydantic-ai-slim[google]==2.68.*",
    "langgraph": "langgraph==1.2.* langchain-google-genai",
    "openai_agents": "openai-agents[litellm]",
}
DISTRIBUTIONS = {
    "adk": "google-adk",
    "pydantic_ai": "pydantic-ai-slim",
    "langgraph": "langgraph",
    "openai_agents": "openai-agents",
}


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "agent-run-benchmarks" / f"{peer}-py{sys.version_info[0]}{sys.version_info[1]}"
    python, done = folder / "bin" / "python", folder / "complete"
    if not done.exists():
        print(f"making the environment of {peer} in {folder} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES[peer].split()], check=True)
        done.touch()
    return str(python)


def version_of(peer: str) -> str:
    """What was installed, such as `google-adk 2.13.0`."""
    name = DISTRIBUTIONS[peer]
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    return (
        f"{name} "
        + subprocess.run([python_of(peer), "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    )
