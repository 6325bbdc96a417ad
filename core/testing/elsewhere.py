"""The same in another process: what a plugin gives may not depend on the process, nor on its hash seed.

Python orders a set of texts by hashes that differ from process to process. A plugin that goes through a set
gives one thing on one worker and another on the next, and in one process always the same. So the kit asks
two processes with different hash seeds.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import SkipTest

from automl.core.contracts import (
    Component,
    Direction,
    Evaluator,
    Genotype,
    Objective,
    SearchSpace,
    Strategy,
    Subject,
    Task,
    View,
)
from automl.core.engine import EngineContext
from automl.core.registry import load_registry
from automl.core.testing.broken import BrokenContractError, short
from automl.core.testing.loop import drive
from automl.core.testing.threads import threads

if TYPE_CHECKING:
    from torch import nn

Facts = dict[str, Any]
"""What was found out, by what it is: JSON."""

_HASH_SEEDS = ("1", "2")
_SECONDS = 300
_SAMPLES = 20
_NETWORKS = 2
_TRIALS = 40
_CHILD = "from automl.core.testing.elsewhere import main; main()"


def compare_elsewhere(
    find_out: Callable[..., Facts], parts: Sequence[Component], genotypes: Sequence[Genotype] = ()
) -> None:
    """Find out the same here and in two other processes, and compare.

    Args:
        find_out: `space_facts`, `evaluator_facts` or `strategy_facts`.
        parts: what it takes besides the genotypes; the first is the plugin in question.
        genotypes: what to look at.

    Raises:
        BrokenContractError: they differ.
        SkipTest: a part's class is none that another process can import.
    """
    references = [_reference(part) for part in parts]
    request = json.dumps(
        {
            "find_out": find_out.__name__,
            "parts": references,
            "genotypes": [genotype.json for genotype in genotypes],
        }
    )
    who = type(parts[0]).__name__
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda hash_seed: _ask(request, hash_seed, who), _HASH_SEEDS)
        here = find_out(*map(_made, references), genotypes)
        first, second = answers
    for what, value in here.items():
        if first[what] != second[what]:
            raise BrokenContractError(
                f"{who}: the {what} is {short(first[what])} in one process, {short(second[what])} in "
                "another.",
                demanded="a genotype means the same in every process: workers and resumed runs are others. "
                "The two differ in PYTHONHASHSEED, and so in the order of sets of texts.",
                change="never let the order of a set, or hash() of a text, decide anything: use a tuple, or "
                "sorted(…).",
            )
        if value != first[what]:
            raise BrokenContractError(
                f"{who}: the {what} is {short(value)} in this process, {short(first[what])} in a fresh one.",
                demanded="a genotype means the same in every process: workers and resumed runs are others.",
                change="let nothing that this process has done, read or been given decide it: only the "
                "genotype, the options and the task.",
            )


def space_facts(space: SearchSpace[Any], task: Task, genotypes: Sequence[Genotype]) -> Facts:
    """What a space samples, and what it says of some genotypes."""
    facts: Facts = {f"sample with seed {seed}": space.sample(Random(seed)).json for seed in range(_SAMPLES)}
    for genotype in genotypes:
        candidate = space.rebuild(genotype)
        facts[f"text of {genotype.json}"] = space.text(genotype, candidate)
        facts[f"key of {genotype.json}"] = space.key(genotype, candidate)
        facts[f"mutation of {genotype.json}"] = space.mutate(genotype, Random(0)).json
    if View.NETWORK in space.views():
        context = EngineContext(space=space.proxy(), task=task, run_seed=0)
        for genotype in genotypes[:_NETWORKS]:
            network = context.network(Subject(genotype, space.rebuild(genotype)))
            facts[f"network of {genotype.json}"] = state_digest(network)
    return facts


def evaluator_facts(
    evaluator: Evaluator, space: SearchSpace[Any], task: Task, genotypes: Sequence[Genotype]
) -> Facts:
    """What an evaluator gives for some genotypes, to the last bit."""
    context = EngineContext(
        space=space, task=task, run_seed=0, size=evaluator.size, resolve=load_registry().make
    )
    subjects = [Subject(genotype, space.rebuild(genotype)) for genotype in genotypes]
    with threads(1):
        outcomes = evaluator.evaluate(subjects, context)
    return {
        f"outcome of {genotype.json}": [outcome.status.value, dict(outcome.metrics)]
        for genotype, outcome in zip(genotypes, outcomes, strict=True)
    }


def strategy_facts(make: Callable[..., Strategy], space: SearchSpace[Any], _: Sequence[Genotype]) -> Facts:
    """What a strategy proposes."""
    strategy = make(space, (Objective("metric_0", Direction.MAX),), Random(0))
    course = drive(strategy, trials=_TRIALS, window=1 if strategy.learns else None)
    return {
        f"proposal for trial {number}": [proposal.genotype.json, proposal.parent]
        for number, proposal in enumerate(course.proposals)
    }


def state_digest(network: nn.Module) -> str:
    """A hash of a network's parameters and buffers, their names and order included."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


# -- the other process ------------------------------------------------------------------------------------


def main() -> None:
    """What the other process does: read a request, find out, and answer in the last line."""
    request = json.load(sys.stdin)
    known: dict[str, Callable[..., Facts]] = {
        find_out.__name__: find_out for find_out in (space_facts, evaluator_facts, strategy_facts)
    }
    parts = map(_made, request["parts"])
    facts = known[request["find_out"]](*parts, [Genotype.from_json(text) for text in request["genotypes"]])
    sys.stdout.write("\n" + json.dumps(facts) + "\n")


def _reference(part: Component) -> dict[str, Any]:
    """Where another process finds a part's class, and its options."""
    kind = type(part)
    if "<locals>" in kind.__qualname__:
        raise SkipTest(
            f"{kind.__name__} is defined inside a function, where no other process finds it: define it at "
            "the top of a module, and this test runs"
        )
    return {
        "module": kind.__module__,
        "file": inspect.getfile(kind),
        "name": kind.__qualname__,
        "options": part.options.model_dump(mode="json"),
    }


def _made(reference: dict[str, Any]) -> Any:
    """The part that a reference describes; of a strategy, what makes it for a space."""
    try:
        module = importlib.import_module(reference["module"])
    except ModuleNotFoundError:
        # A file that was never on the path: one given as path/file.py:Class, or a test module of pytest's.
        spec = importlib.util.spec_from_file_location(reference["module"], reference["file"])
        if spec is None or spec.loader is None:
            raise
        module = sys.modules[reference["module"]] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    kind: Any = module
    for name in reference["name"].split("."):
        kind = getattr(kind, name)
    options = kind.Options.model_validate(reference["options"])
    return partial(kind, options=options) if issubclass(kind, Strategy) else kind(options)


def _ask(request: str, hash_seed: str, who: str) -> Facts:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    child = subprocess.run(
        [sys.executable, "-c", _CHILD],
        input=request,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
    )
    if child.returncode != 0:
        last = [line for line in child.stderr.splitlines() if line.strip()][-1:] or ["no message"]
        raise BrokenContractError(
            f"{who} failed in a process of its own: {last[0]}",
            demanded="a worker imports the class by its module's name and makes it from its options.",
            change="let the module be importable by itself, and need nothing that this process prepared.",
        )
    facts: Facts = json.loads(child.stdout.strip().splitlines()[-1])
    return facts
