"""Random search reaches everything, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.core.contracts import Answer, Choices, Genotype, SearchSpace
from automl.core.errors import OptionError
from automl.core.registry import check_options
from automl.plugins.strategies.random_search import RandomOptions, RandomSearch
from automl.testing import ConvSpace, LineSpace
from tests.generated import TreeSpace, leaves, tree_spaces
from tests.plugins.strategies.asking import make, proposed, until_done


class Lopsided(SearchSpace[tuple[int, int]]):
    """Nearly every sample is one of two; 3,000 others are seldom drawn."""

    name = "lopsided"

    def define(self, choose: Choices) -> tuple[int, int]:
        gate = choose.integer("gate", 1, 1000)
        return (0, gate % 2) if gate < 1000 else (1, choose.integer("number", 1, 3000))


class MostlyOne(SearchSpace[float]):
    """Nearly every sample is the same, and the space is continuous all the same."""

    name = "mostly-one"

    def define(self, choose: Choices) -> float:
        gate = choose.integer("gate", 1, 1000)
        return 0.0 if gate == 1 or gate > 2 else choose.uniform("x", 0.0, 1.0)


class Watched(ConvSpace):
    """Counts how often it is sampled and listed."""

    name = "watched"
    samples = 0
    lists = 0

    def sample(self, random: object) -> Genotype:
        self.samples += 1
        return super().sample(random)  # type: ignore[arg-type]  # passed on as it came

    def enumerate(self) -> Iterator[Genotype]:
        self.lists += 1
        return super().enumerate()

    def size(self, cap: int = 0) -> int | None:
        raise AssertionError("nobody need know the size")


@settings(max_examples=50, deadline=None)
@given(tree_spaces(), st.integers(0, 2**32))
def test_every_genotype_of_a_finite_space_is_proposed_once(space: TreeSpace, seed: int) -> None:
    genotypes = until_done(make(RandomSearch, space, seed))
    assert Counter(genotypes) == Counter(Genotype(dict(leaf)) for leaf in leaves(space.root))


def test_what_is_seldom_drawn_is_found_in_the_list() -> None:
    space = Lopsided()
    genotypes = until_done(make(RandomSearch, space))
    assert len(genotypes) == 999 + 3000
    assert set(genotypes) == set(space.enumerate())
    rare = [genotype["number"] for genotype in genotypes if "number" in genotype]
    assert rare != sorted(rare, key=int), "the rest of the list comes shuffled"  # type: ignore[arg-type]  # numbers


def test_no_proposal_is_dear_and_the_list_is_walked_once() -> None:
    space = Watched()
    strategy = make(RandomSearch, space)
    for _ in range(16):
        before = space.samples
        proposed(strategy)
        assert space.samples - before <= 100
    assert strategy.ask() is Answer.DONE
    assert strategy.ask() is Answer.DONE
    assert space.lists == 1


def test_order_is_random() -> None:
    orders = {tuple(until_done(make(RandomSearch, ConvSpace(), seed))) for seed in range(20)}
    assert len(orders) == 20
    first = Counter(order[0] for order in orders)
    assert len(first) > 5


def test_a_continuous_space_has_no_end_and_no_repeats() -> None:
    strategy = make(RandomSearch, LineSpace())
    genotypes = [proposed(strategy).genotype for _ in range(2000)]
    assert len(set(genotypes)) == 2000


def test_a_continuous_space_that_repeats_itself_has_no_end_either() -> None:
    strategy = make(RandomSearch, MostlyOne())
    genotypes = [proposed(strategy).genotype for _ in range(1200)]
    assert len(set(genotypes)) > 900


def test_with_replacement_it_is_plain_sampling() -> None:
    strategy, twin = make(RandomSearch, ConvSpace(), 3, replacement=True), make(RandomSearch, ConvSpace(), 3)
    genotypes = [proposed(strategy).genotype for _ in range(200)]
    assert genotypes == [ConvSpace().sample(twin.random) for _ in range(200)]
    assert len(set(genotypes)) == 16


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="'replacement'"):
        check_options(RandomOptions, {"replacement": "perhaps"}, "strategy 'random'")
