"""NAS-Bench-201: what building, counting and recognising cost, and whether all counts are the published ones.

Run it as ``python tests/benchmarks/nasbench201.py``; it prints one JSON line a figure. Building all 15,625
full networks takes some ten minutes; ``--networks 500`` takes a random sample instead. It needs the shared
data: ``$AUTOML_SHARED``, else ``../shared``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import torch
from pyarrow.parquet import read_table

from automl.core.contracts import Genotype
from automl.core.engine.work import Work
from automl.core.engine.workbench import Workbench
from automl.core.registry import Registry, load_registry
from automl.core.settings import settings_from

SHARED = Path(os.environ.get("AUTOML_SHARED", Path(__file__).parents[3] / "shared"))
TIMED = 200
FEWEST_CLASSES = 5_653


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the space nasbench201 and its counts.")
    parser.add_argument("--networks", type=int, metavar="N", help="count a random sample of N networks")
    wanted = parser.parse_args().networks
    registry = load_registry()
    names = ["arch_str", "params_cifar10", "flops_mac_cifar10"]
    rows = read_table(SHARED / "data" / "nasbench201.parquet", columns=names).to_pylist()
    space = registry.make("space", "nasbench201")
    genotypes = [space.parse(row["arch_str"]) for row in rows]
    sample = Random(0).sample(range(len(rows)), TIMED)

    recognise(space, genotypes)
    build(space, registry.make("task", "noise"), [genotypes[index] for index in sample])
    chosen = Random(1).sample(range(len(rows)), wanted) if wanted else range(len(rows))
    count(registry, genotypes, rows, chosen)


def recognise(space: Any, genotypes: Sequence[Genotype]) -> None:
    """How many functions the cells are, and how long it takes to see it."""
    cells = [space.rebuild(genotype) for genotype in genotypes]
    begin = perf_counter()
    classes = len({space.canonical(cell) for cell in cells})
    seconds = perf_counter() - begin
    show("normal forms", classes, "", f"<= {FEWEST_CLASSES}", classes <= FEWEST_CLASSES, len(cells))
    show("normal forms of all cells", seconds, "s", "<= 5", seconds <= 5, len(cells))


def build(space: Any, task: Any, genotypes: Sequence[Genotype]) -> None:
    """Milliseconds to build a network."""
    torch.set_num_threads(1)
    cells = [space.rebuild(genotype) for genotype in genotypes]
    proxy = median(best_of_five(space.proxy(), cell, task) for cell in cells)
    show("build a proxy network", proxy, "ms", "<= 2", proxy <= 2, len(cells))
    full = median(best_of_five(space, cell, task) for cell in cells)
    show("build a full network", full, "ms", None, None, len(cells))


def best_of_five(space: Any, cell: Any, task: Any) -> float:
    """The least milliseconds that building took."""
    times = []
    for _ in range(5):
        begin = perf_counter()
        space.network(cell, task)
        times.append(perf_counter() - begin)
    return 1e3 * min(times)


def count(
    registry: Registry,
    genotypes: Sequence[Genotype],
    rows: Sequence[Mapping[str, Any]],
    chosen: Sequence[int],
) -> None:
    """Parameters and multiply-adds of real networks against the table."""
    for name, column in (("params", "params_cifar10"), ("macs", "flops_mac_cifar10")):
        settings = settings_from({"space": "nasbench201", "proxy": name, "task": "noise"})
        bench = Workbench(settings, registry)
        begin = perf_counter()
        right = 0
        for index in chosen:
            (done,) = bench.evaluate([Work(index, genotypes[index])])
            right += done.outcome.metrics[name] == rows[index][column]
        milliseconds = 1e3 * (perf_counter() - begin) / len(chosen)
        show(f"{name} as published", right, "networks", f"= {len(chosen)}", right == len(chosen), len(chosen))
        show(f"{name} of a network", milliseconds, "ms", None, None, len(chosen))


def show(figure: str, value: float, unit: str, target: str | None, met: bool | None, n: int) -> None:
    """One JSON line."""
    line = {"figure": figure, "value": round(value, 2), "unit": unit, "target": target, "met": met, "n": n}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
