"""How long ``automl --help`` takes beside ``import click``: whole processes, alternating, medians.

Run it as ``python tests/benchmarks/startup.py``; it prints one JSON line a figure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

ROUNDS = 31
CONTESTANTS = {
    "automl --help": [str(Path(sys.executable).with_name("automl")), "--help"],
    "automl --version": [str(Path(sys.executable).with_name("automl")), "--version"],
    "import click": [sys.executable, "-c", "import click"],
}


def seconds(command: list[str]) -> float:
    """What one process takes, from its start to its end."""
    begin = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - begin


def main() -> None:
    """Measure, alternating, and print."""
    taken: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, command in CONTESTANTS.items():
            taken[name].append(seconds(command))
    figures = {name: median(values) for name, values in taken.items()}
    target = 2 * figures["import click"] + 0.1
    for name, value in figures.items():
        ours = name != "import click"
        line = {
            "figure": name,
            "value": round(value, 4),
            "unit": "s",
            "target": f"< {target:.3f}" if ours else None,
            "met": value < target if ours else None,
            "n": ROUNDS,
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
