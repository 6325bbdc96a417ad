"""Exhaustive search goes through the list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from automl.core.contracts import Answer, Choices, Genotype, SearchSpace
from automl.core.errors import UsageError
from automl.plugins.strategies.exhaustive import Exhaustive
from automl.testing import LineSpace
from tests.generated import TreeSpace, leaves, tree_spaces
from tests.plugins.strategies.asking import make, proposed, until_done


class Optimiser(SearchSpace[tuple[str, float]]):
    """Continuous in one of its branches, and not in the first."""

    name = "optimiser"

    def define(self, choose: Choices) -> tuple[str, float]:
        kind = choose.one_of("kind", ("plain", "momentum"))
        return kind, choose.uniform("beta", 0.0, 1.0) if kind == "momentum" else 0.0


class RarelyContinuous(SearchSpace[float]):
    """Continuous in one of a million branches, the third one."""

    name = "rarely-continuous"

    def define(self, choose: Choices) -> float:
        return choose.uniform("x", 0.0, 1.0) if choose.integer("branch", 1, 10**6) == 3 else 0.0


@settings(max_examples=50, deadline=None)
@given(tree_spaces())
def test_the_list_is_proposed_in_its_order(space: TreeSpace) -> None:
    assert until_done(make(Exhaustive, space)) == [Genotype(dict(leaf)) for leaf in leaves(space.root)]


def test_done_is_final() -> None:
    strategy = make(Exhaustive, TreeSpace(None))
    proposed(strategy)
    assert [strategy.ask() for _ in range(3)] == [Answer.DONE] * 3


@pytest.mark.parametrize(
    ("space", "choice"),
    [
        (LineSpace(), r"'x' is continuous \(a number from -1.0 to 1.0\)"),
        (Optimiser(), "'beta' is continuous"),
    ],
)
def test_a_continuous_space_is_refused_before_anything_runs(space: SearchSpace[object], choice: str) -> None:
    with pytest.raises(UsageError, match=choice) as refused:
        make(Exhaustive, space)
    assert space.name in refused.value.message
    assert "--strategy random" in refused.value.hint


def test_a_continuous_branch_that_nobody_saw_is_refused_when_it_is_reached() -> None:
    strategy = make(Exhaustive, RarelyContinuous())
    proposed(strategy)
    proposed(strategy)
    with pytest.raises(UsageError, match="'x' is continuous"):
        strategy.ask()
