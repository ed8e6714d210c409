"""`python -m benchmarks.plot RESULTS.json docs/performance.svg`: what `python -m benchmarks --json` wrote, drawn."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "agent-run"  # the same picture from the same figures
mpl.rcParams["font.family"] = "sans-serif"
from matplotlib import pyplot as plt  # noqa: E402  # the backend is chosen first

SHOWN = {
    "engine": ("agent-run", "#1a73e8"),
    "adk": ("ADK", "#5f6368"),
    "pydantic_ai": ("pydantic-ai", "#80868b"),
    "langgraph": ("langgraph", "#9aa0a6"),
    "openai_agents": ("openai-agents", "#bdc1c6"),
}


def ratios(row: dict[str, Any]) -> dict[str, float]:
    """How much of the bare SDK's cost each contender has; of a rate, how much of its time."""
    medians = {name: statistics.median(each) for name, each in row["figures"].items() if each}
    bare = medians.get("bare_sdk")
    if bare is None:
        return {}
    is_rate = row["unit"].endswith("/s")
    return {name: bare / value if is_rate else value / bare for name, value in medians.items() if name in SHOWN}


def main(source: Path, target: Path) -> None:
    results = json.loads(source.read_text())
    rows = [(row["row"], found) for row in results["results"] if len(found := ratios(row)) > 1 or "engine" in found]
    figure, axes = plt.subplots(figsize=(9, 0.75 * len(rows) + 1.2))
    height = 0.8 / len(SHOWN)
    for place, (_, found) in enumerate(reversed(rows)):
        for index, name in enumerate(reversed(SHOWN)):
            if name in found:
                y = place + (index - (len(SHOWN) - 1) / 2) * height
                axes.barh(y, found[name], height, color=SHOWN[name][1])
                axes.text(found[name] * 1.04, y, f"{found[name]:.2g}", va="center", fontsize=7)
    axes.axvline(1, color="#d93025", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)], fontsize=8)
    axes.set_xlabel("share of the bare SDK's cost (1 is the SDK alone; less is better; logarithmic)", fontsize=8)
    axes.legend(
        handles=[plt.Rectangle((0, 0), 1, 1, color=colour) for _, colour in SHOWN.values()],
        labels=[shown for shown, _ in SHOWN.values()],
        fontsize=8,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=5,
        frameon=False,
    )
    axes.set_title(results["machine"].partition(";")[0], fontsize=8, loc="right")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
