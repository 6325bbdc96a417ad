"""A result is computed with its own number of threads, in every process and whatever that is set to."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import (
    threadpool_info,
    threadpool_limits,
)

from automl.core.contracts import Genotype
from automl.core.engine import IsolatedEngine, Work
from automl.core.engine.threads import FixedThreads
from automl.core.errors import DataError
from tests.core import parts
from tests.core.engine.test_isolated import driver
from tests.core.engine.test_workbench import bench, net_bench, net_outcomes, outcomes, timeless

CELLS = [("linear", 8), ("in place", 33), ("linear", 64), ("broken", 8)]


def numbers() -> tuple[int, list[int]]:
    """The threads of torch, and of all libraries there are."""
    np.zeros(1) @ np.zeros(1)
    return torch.get_num_threads(), [library["num_threads"] for library in threadpool_info()]


@pytest.fixture(params=[1, 2, 3])
def ambient(request: pytest.FixtureRequest) -> Any:
    """The number of threads that the process is set to."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    with threadpool_limits(request.param):
        yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [1, 2])
def test_all_libraries_have_the_number_and_get_theirs_back(ambient: int, count: int) -> None:
    before = numbers()
    with FixedThreads(count)():
        found, libraries = numbers()
        assert found == count
        assert set(libraries) == {count}
        assert os.environ["OMP_NUM_THREADS"] == str(count)
    assert numbers() == before
    assert before[0] == ambient


@pytest.mark.parametrize("there", [None, "7"])
def test_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch, there: str | None) -> None:
    if there is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", there)
    before = dict(os.environ)
    with FixedThreads(2)():
        assert dict(os.environ) != before
    assert dict(os.environ) == before


def test_threads_are_given_back_when_the_evaluation_ends_the_search(ambient: int) -> None:
    before = numbers()
    with pytest.raises(DataError):
        outcomes(bench("TornData", threads=2 if ambient == 1 else 1), ["a"])
    assert numbers() == before


def test_the_process_has_no_say_in_a_result(ambient: int) -> None:
    """On more than one core, linear algebra gives other bits with other numbers of threads."""
    workbench = net_bench("Trains", "Products", objective="loss", threads=1)
    found = timeless(net_outcomes(workbench, CELLS))
    with threadpool_limits(1):  # torch says now that it has one, and its BLAS goes on with what it had
        assert timeless(net_outcomes(workbench, CELLS)) == found
    torch.set_num_threads(1)
    with threadpool_limits(1):
        assert timeless(net_outcomes(workbench, CELLS)) == found


@pytest.mark.slow
def test_another_process_gives_the_same_to_the_last_bit(ambient: int) -> None:
    workbench = net_bench("Trains", "Small", "Products", objective="loss")
    engine = IsolatedEngine(workbench.settings)
    try:
        there = []
        for number, (first, width) in enumerate(CELLS):
            engine.submit(Work(number, Genotype({"first": first, "width": width})))
            there += [evaluation.outcome for evaluation in engine.collect()]
    finally:
        engine.close()
    here = net_outcomes(workbench, CELLS)
    assert timeless(there) == timeless(here)
    assert [outcome.status.value for outcome in here] == ["ok", "ok", "ok", "invalid"]


LATE = '''
from automl.core.contracts import Evaluator, Metric
class Late(Evaluator):
    """Imports torch and numpy in its first evaluation."""
    name, view, metrics = "late", None, (Metric("torch"), Metric("blas"))
    def score(self, subject, context):
        import sys
        assert subject.candidate != "a" or "torch" not in sys.modules
        import torch, numpy, scipy.linalg
        from threadpoolctl import threadpool_info
        return {
            "torch": torch.get_num_threads(),
            "blas": max(library["num_threads"] for library in threadpool_info()),
        }
'''


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_a_library_that_comes_with_the_first_evaluation_has_the_number_too(
    tmp_path: Path, count: int
) -> None:
    file = tmp_path / "late.py"
    file.write_text(LATE)
    code = (
        "import json, sys\n"
        "from automl.core.contracts import Genotype\n"
        "from automl.core.engine import Work, Workbench\n"
        "from automl.core.registry import load_registry\n"
        "from automl.core.settings import settings_from\n"
        f"table = {{'space': '{parts.__file__}:Word', 'proxy': '{file}:Late', 'threads': {count}}}\n"
        "bench = Workbench(settings_from(table), load_registry(only=[]))\n"
        "words = [{'length': 1, 'letter_0': letter} for letter in 'ab']\n"
        "found = [bench.evaluate([Work(0, Genotype(word))])[0].outcome for word in words]\n"
        "print(json.dumps([[o.status.value, o.reason, dict(o.metrics)] for o in found]))\n"
    )
    done = driver(code, env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"})
    assert json.loads(done.stdout) == [["ok", "", {"torch": count, "blas": count}]] * 2, done.stderr
