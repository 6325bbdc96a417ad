"""The kit as its users meet it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import automl.core.testing
import automl.testing
from automl.core.testing import BrokenContractError
from automl.core.testing.broken import short
from automl.core.testing.randomness import global_randomness

ROOT = Path(__file__).parents[3]

TEST_FILE = """
from automl.core.contracts import SearchSpace
from automl.testing import SpaceContract


class Right(SearchSpace):
    name = "right"

    def define(self, choose):
        return choose.one_of("letter", ("a", "b", "c"))


class Wrong(Right):
    name = "wrong"

    def define(self, choose):
        return [super().define(choose)]


class TestRight(SpaceContract):
    space = Right


class TestWrong(SpaceContract):
    space = Wrong
"""


def python(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_face_gives_all_there_is() -> None:
    assert automl.testing.__all__ == automl.core.testing.__all__
    for name in automl.testing.__all__:
        assert getattr(automl.testing, name) is getattr(automl.core.testing, name)


def test_importing_the_kit_imports_neither_pytest_nor_torch() -> None:
    done = python(
        "-c", "import sys, automl.testing; print([m for m in ('pytest', 'torch', 'ray') if m in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_pytest_collects_a_subclass_and_shows_what_is_broken(tmp_path: Path, mode: str) -> None:
    (tmp_path / "test_mine.py").write_text(TEST_FILE)
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--import-mode={mode}", "test_mine.py")
    done = python(*arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Wrong.define returned ['" in done.stdout
    assert "which has no hash" in done.stdout
    assert "What to change: return a tuple" in done.stdout
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failed
    assert all("::TestWrong::" in line for line in failed)


def test_global_generators_are_put_back() -> None:
    def numbers() -> list[float]:
        return [random.random(), np.random.rand(), float(torch.rand(()))]  # noqa: NPY002 - it is global

    def draw_in_a_block(who: str) -> None:
        with global_randomness(3, who=who, use="nothing"):
            numbers()

    def raise_in_a_block() -> None:
        with global_randomness(3, who="nobody", use="nothing"):
            raise ValueError("what the block raised")

    states = random.getstate(), torch.get_rng_state()
    np.random.seed(5)  # noqa: NPY002
    expected = numbers()
    random.setstate(states[0])
    torch.set_rng_state(states[1])
    np.random.seed(5)  # noqa: NPY002
    with pytest.raises(
        BrokenContractError, match="somebody used the global random state of the module random"
    ):
        draw_in_a_block("somebody")
    with pytest.raises(ValueError, match="what the block raised"):
        raise_in_a_block()
    assert numbers() == expected


def test_long_values_are_cut() -> None:
    assert short("a" * 10) == repr("a" * 10)
    assert len(short("a" * 1000)) == 120
    assert short("a" * 1000).endswith("…")
