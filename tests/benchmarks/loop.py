"""The whole loop over a do-nothing evaluator (propose, define, recognise, record to Parquet, tell), a second.

Beside it Optuna's random sampler over the same six choices, in memory and on SQLite, alternating in this
process. Run it as ``python tests/benchmarks/loop.py``; it prints one JSON line a figure.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import optuna

from automl.core.contracts import Choices, EvaluationContext, Evaluator, Metric, SearchSpace, Subject
from automl.core.launch import start
from automl.core.registry import load_registry
from automl.core.settings import settings_from

OPTIONS = ["none", "skip", "conv1", "conv3", "pool"]
ROUNDS = 5
TRIALS = 5_000
SQLITE_TRIALS = 60


class SixChoices(SearchSpace[tuple[str, ...]]):
    """Six choices among five operations."""

    name = "six-choices"

    def define(self, choose: Choices) -> tuple[str, ...]:
        return tuple(choose.one_of(f"edge_{i}", OPTIONS) for i in range(6))


class Nothing(Evaluator):
    """Gives a constant."""

    name = "nothing"
    view = None
    metrics = (Metric("nothing"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"nothing": 1.0}


def ours(strategy: dict[str, Any]) -> float:
    """Trials a second of our loop, everything but the loading of plugins included."""
    settings = settings_from(
        {
            "space": f"{__file__}:SixChoices",
            "proxy": f"{__file__}:Nothing",
            "strategy": strategy,
            "trials": TRIALS,
            "cache": "off",
        }
    )
    registry = load_registry()
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        run, _ = start(settings, root=Path(folder), registry=registry)
        seconds = perf_counter() - begin
        if run.count() != TRIALS:
            raise RuntimeError(f"{run.count()} trials instead of {TRIALS}")
    return TRIALS / seconds


def optuna_random(storage: str | None, trials: int) -> float:
    """Trials a second of Optuna's random sampler."""

    def objective(trial: optuna.Trial) -> float:
        for i in range(6):
            trial.suggest_categorical(f"edge_{i}", OPTIONS)
        return 1.0

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage)
    begin = perf_counter()
    study.optimize(objective, n_trials=trials)
    return trials / (perf_counter() - begin)


def on_sqlite() -> float:
    """The same on a file of SQLite, which keeps its trials, as we do."""
    with tempfile.TemporaryDirectory() as folder:
        return optuna_random(f"sqlite:///{folder}/study.db", SQLITE_TRIALS)


def main() -> None:
    """Measure, alternating, and print."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    contestants: dict[str, Callable[[], float]] = {
        "random": lambda: ours({"name": "random", "replacement": True}),
        "evolution": lambda: ours({"name": "evolution"}),
        "optuna in memory": lambda: optuna_random(None, TRIALS),
        "optuna on sqlite": on_sqlite,
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            rates[name].append(contestant())
    figures = {name: median(values) for name, values in rates.items()}
    for name, value in figures.items():
        print_figure(f"{name}, trials a second", value, "1/s", None, None)
    for name, target in (("optuna in memory", 1.0), ("optuna on sqlite", 100.0)):
        for strategy in ("random", "evolution"):
            ratio = figures[strategy] / figures[name]
            print_figure(f"{strategy} / {name}", ratio, "x", f">= {target:g}", ratio >= target)


def print_figure(figure: str, value: float, unit: str, target: str | None, met: bool | None) -> None:
    """One JSON line."""
    line = {
        "figure": figure,
        "value": round(value, 2),
        "unit": unit,
        "target": target,
        "met": met,
        "n": ROUNDS,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
