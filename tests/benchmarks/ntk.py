"""What the tangent kernel costs, and how exact it is, on NAS-Bench-201's networks.

Everything runs in this process on one thread, in turns, on twelve fixed random cells; figures are medians
over the cells of medians over the rounds. "plain" is one forward and backward pass of the same batch, in the
faster of PyTorch's two layouts of images. The batch is noise: no figure here depends on what the images show.

Run it as ``python tests/benchmarks/ntk.py [time loop memory error search]``, by default all; it prints one
JSON line a figure, and the machine on stderr.
"""

from __future__ import annotations

import ctypes
import json
import platform
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from automl.core.contracts import SearchSpace
from automl.core.launch import start
from automl.core.registry import load_registry
from automl.core.settings import settings_from
from automl.evaluators.ntk.gram import tangent_kernel
from automl.evaluators.ntk.loop import loop_kernel

CELLS = 12
LARGE, SMALL = (16, 32, 64), (8, 16, 16)
"""(channels of the first stage, height and width, samples)."""

LAYOUTS = (torch.contiguous_format, torch.channels_last)
TRIALS = 2000
EVALUATED = 500


class Setting:
    """Networks and a batch of one size."""

    def __init__(self, channels: int, side: int, samples: int) -> None:
        registry = load_registry()
        options = {"channels": channels, "cells": 1}
        self.space: SearchSpace[Any] = registry.make("space", "nasbench201", options)
        self.task = registry.make("task", "noise", {"size": side})
        self.inputs = self.task.batch(samples, 0).inputs
        source = random.Random(0)
        self.genotypes = [self.space.sample(source) for _ in range(CELLS)]
        self.name = f"C{channels} {side}² n{samples}"

    def networks(self) -> list[nn.Module]:
        """One network a cell, in train mode."""
        torch.manual_seed(0)
        return [self.space.network(self.space.rebuild(g), self.task).train() for g in self.genotypes]

    def laid_out(self, network: nn.Module) -> list[tuple[nn.Module, Tensor]]:
        """Copies of a network, and of the batch, in both layouts."""
        # mypy does not find the overload of `to` that takes a layout alone.
        return [
            (
                deepcopy(network).to(memory_format=layout),  # type: ignore[call-overload]
                self.inputs.contiguous(memory_format=layout),
            )
            for layout in LAYOUTS
        ]


def plain(network: nn.Module, inputs: Tensor) -> None:
    """One forward and one backward pass."""
    network.zero_grad(set_to_none=True)
    torch.autograd.backward(network(inputs).sum())


def usual_loop(network: nn.Module, inputs: Tensor) -> Tensor:
    """The kernel as it is mostly computed: train mode, one backward pass a sample (TE-NAS)."""
    outputs = network(inputs).sum(1)
    parameters = list(network.parameters())
    rows = []
    for output in outputs:
        gradients = torch.autograd.grad(output, parameters, retain_graph=True, allow_unused=True)
        rows.append(torch.cat([g.flatten() for g in gradients if g is not None]))
    jacobian = torch.stack(rows)
    return jacobian @ jacobian.T


def seconds(run: Callable[[], object]) -> float:
    """How long it takes."""
    begin = perf_counter()
    run()
    return perf_counter() - begin


# -- time -------------------------------------------------------------------------------------------------


def measure_time() -> None:
    """The kernel's time over that of plain, and its own."""
    for sizes, rounds, target in ((LARGE, 5, 1.4), (SMALL, 25, 1.5)):
        setting = Setting(*sizes)
        ratios, ours = [], []
        for network in setting.networks():
            runs: list[Callable[[], object]] = [partial(plain, *laid) for laid in setting.laid_out(network)]
            runs.append(partial(tangent_kernel, network, setting.inputs))
            times = [[seconds(run) for run in runs] for _ in range(rounds + 1)][1:]  # the first one warms up
            first, second, kernel = (median(column) for column in zip(*times, strict=True))
            ratios.append(kernel / min(first, second))
            ours.append(1e3 * kernel)
        say(f"time over plain, {setting.name}", median(ratios), "x", target, "<=", rounds)
        say(f"time, {setting.name}", median(ours), "ms", None, "", rounds)


def measure_loop() -> None:
    """The speed-up over the usual loop."""
    for sizes, rounds, target in ((LARGE, 1, 27.0), (SMALL, 5, 6.0)):
        setting = Setting(*sizes)
        gains = []
        for network in setting.networks():
            runs: list[Callable[[], object]] = [
                partial(usual_loop, *laid) for laid in setting.laid_out(network)
            ]
            runs += [partial(tangent_kernel, network, setting.inputs)] * 2  # as often as the loop
            runs[-1]()
            times = [[seconds(run) for run in runs] for _ in range(rounds)]
            slow = [min(first, second) for first, second, _, _ in times]
            kernel = [(third + fourth) / 2 for _, _, third, fourth in times]
            gains.append(median(slow) / median(kernel))
        say(f"speed-up over the loop in train mode, {setting.name}", median(gains), "x", target, ">=", rounds)


# -- memory -----------------------------------------------------------------------------------------------


def measure_memory() -> None:
    """The kernel's peak of resident memory over that of plain, the network and the batch taken off."""
    if not Path("/proc/self/clear_refs").exists():
        sys.stderr.write("memory is measured on Linux only\n")
        return
    setting = Setting(*LARGE)
    ratios = []
    for network in setting.networks():
        peaks = [
            min(peak(partial(plain, *laid)) for laid in setting.laid_out(network)),
            peak(partial(tangent_kernel, network, setting.inputs)),
        ]
        ratios.append(peaks[1] / peaks[0])
    say(f"peak memory over plain, {setting.name}", median(ratios), "x", 1.3, "<=", 1)
    say(f"peak memory over plain, {setting.name}, the worst cell", max(ratios), "x", None, "", 1)


def peak(run: Callable[[], object]) -> int:
    """The most memory that was resident while it ran, beyond what was before, in KiB."""
    run()  # what is allocated once and kept is no part of it
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    run()
    return resident("VmHWM") - before


def resident(field: str) -> int:
    """A figure of this process, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


# -- exactness ----------------------------------------------------------------------------------------------


def measure_error() -> None:
    """The kernel's distance from the float64 loop's."""
    setting = Setting(*SMALL)
    singles, doubles = [], []
    for network in setting.networks():
        masks = [Masks(network) for _ in range(2)]
        with masks[0]:
            single = tangent_kernel(network, setting.inputs).values
        network.double()
        inputs = setting.inputs.double()
        with masks[1]:
            double = tangent_kernel(network, inputs).values
        exact = loop_kernel(network, inputs)
        doubles.append(float((double - exact).norm() / exact.norm()))
        if masks[0].seen == masks[1].seen:
            singles.append(float((single - exact).norm() / exact.norm()))
    say(
        "error in float32, no mask differs, the worst cell",
        max(singles),
        "relative",
        1e-5,
        "<=",
        len(singles),
    )
    say("error in float64, the worst cell", max(doubles), "relative", 1e-10, "<=", len(doubles))


class Masks:
    """Notes which inputs of all ReLUs are positive, while it is entered."""

    def __init__(self, network: nn.Module) -> None:
        self.seen: list[bytes] = []
        self._layers = [module for module in network.modules() if isinstance(module, nn.ReLU)]
        self._handles: list[Any] = []

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.seen.append((inputs[0].detach() > 0).contiguous().numpy().tobytes())

    def __enter__(self) -> None:
        self._handles = [layer.register_forward_pre_hook(self._note) for layer in self._layers]

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()


# -- a search ------------------------------------------------------------------------


def measure_search() -> None:
    """Wall time a cell of an exhaustive search, all but the start of the process included."""
    search(20, "run")  # whatever is imported or set up once
    target = 9.0
    for trials, cache in ((TRIALS, "run"), (EVALUATED, "off")):
        each = median(1e3 * seconds(partial(search, trials, cache)) / trials for _ in range(3))
        if cache == "run":
            say(f"search, {trials} cells", each, "ms a cell", target, "<=", 3)
        else:
            say(f"search, {trials} cells, none taken from an equal one", each, "ms a cell", None, "", 3)


def search(trials: int, cache: str) -> None:
    """``automl search --strategy exhaustive``, with one worker and one thread."""
    settings = settings_from(
        {
            "space": {"name": "nasbench201", "channels": SMALL[0], "cells": 1},
            "proxy": {"ntk": {"batch": SMALL[2], "repeats": 1}},
            "strategy": "exhaustive",
            "task": {"name": "noise", "size": SMALL[1]},
            "trials": trials,
            "cache": cache,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        run, _ = start(settings, root=Path(folder), registry=load_registry())
        if run.count() != trials:
            raise RuntimeError(f"{run.count()} trials instead of {trials}")


# -- figures ------------------------------------------------------------------------------------------------


def say(figure: str, value: float, unit: str, target: float | None, sense: str, n: int) -> None:
    """One JSON line."""
    met = None if target is None else value <= target if sense == "<=" else value >= target
    line = {
        "figure": figure,
        "value": float(f"{value:.4g}"),
        "unit": unit,
        "target": None if target is None else f"{sense} {target:g}",
        "met": met,
        "n": n,
    }
    print(json.dumps(line), flush=True)


def machine() -> str:
    """What this runs on."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor()
    return f"{model}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"


def main(wanted: Sequence[str]) -> None:
    """Measure what is wanted, and print."""
    torch.set_num_threads(1)
    sys.stderr.write(machine() + "\n")
    parts = {
        "time": measure_time,
        "loop": measure_loop,
        "memory": measure_memory,
        "error": measure_error,
        "search": measure_search,
    }
    for name in wanted or parts:
        parts[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
