"""Repair, mutation, crossover and enumeration, on conditional spaces of any shape, against plain twins."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.contracts import Choices, Genotype, SearchSpace, Value
from automl.core.contracts.sources import RandomChoices, RecordedChoices
from automl.core.errors import ChoiceError, ParseError
from automl.testing import BranchSpace, LineSpace
from tests.generated import Assignment, Node, TreeSpace, kind_and_value, leaves, tree_spaces

SEEDS = st.integers(0, 2**32)


def walked(root: Node | None, genotype: Genotype) -> Iterator[tuple[str, Node, int]]:
    """The choices of a genotype, each with its name, where it stands in the tree, and the option's number."""
    node, depth = root, 0
    while node is not None:
        name = f"choice_{depth}"
        index = [kind_and_value(option) for option in node.options].index(kind_and_value(genotype[name]))
        yield name, node, index
        node, depth = node.children[index], depth + 1


def offers(root: Node | None, genotype: Genotype) -> dict[str, list[tuple[type, Value]]]:
    """What each choice of a genotype was chosen from."""
    return {name: list(map(kind_and_value, node.options)) for name, node, _ in walked(root, genotype)}


def chosen(genotype: Genotype, name: str) -> tuple[type, Value]:
    return kind_and_value(genotype[name])


# -- recorded -----------------------------------------------------------------------------------------


@given(tree_spaces(), SEEDS)
def test_a_sample_rebuilds(space: TreeSpace, seed: int) -> None:
    genotype = space.sample(Random(seed))
    assert space.rebuild(genotype) == tuple(genotype.values())


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "small"}, "lacks the choice 'size': expected an integer from 1 to 2"),
        ({"kind": "small", "size": 3}, "'size' is 3: expected an integer from 1 to 2"),
        ({"kind": "small", "size": True}, "'size' is True"),
        ({"kind": "tiny", "size": 1}, "'kind' is 'tiny': expected one of 'small', 'large'"),
        ({"kind": "small", "size": 1, "colour": "red"}, "holds 'colour', which the space does not ask for"),
        ({}, "lacks the choice 'kind'"),
    ],
)
def test_a_genotype_of_another_space_is_refused(values: dict[str, Value], says: str) -> None:
    space = BranchSpace()
    with pytest.raises(ChoiceError, match=says):
        space.rebuild(Genotype(values))
    with pytest.raises(ParseError, match=says) as refused:
        space.parse(Genotype(values).json)
    assert "kit-branch" in refused.value.message


# -- enumeration --------------------------------------------------------------------------------------


@given(tree_spaces())
def test_the_list_is_the_tree(space: TreeSpace) -> None:
    def spelled(assignments: list[Assignment]) -> list[list[tuple[str, tuple[type, Value]]]]:
        return [[(name, kind_and_value(value)) for name, value in assignment] for assignment in assignments]

    listed = [tuple(genotype.items()) for genotype in space.enumerate()]
    assert spelled(listed) == spelled(leaves(space.root))


@given(tree_spaces(), st.integers(1, 30))
def test_the_size_is_counted_up_to_the_cap(space: TreeSpace, cap: int) -> None:
    length = len(leaves(space.root))
    assert space.size() == length
    assert space.size(cap) == (length if length <= cap else None)


def test_a_continuous_space_has_no_list_and_no_size() -> None:
    with pytest.raises(ChoiceError, match=r"'x' is continuous \(a number from -1.0 to 1.0\)"):
        list(LineSpace().enumerate())
    assert LineSpace().size() is None


class Counted(SearchSpace[int]):
    """More than can be listed, and never listed further than asked."""

    name = "counted"
    steps = 0

    def define(self, choose: Choices) -> int:
        self.steps += 1
        return choose.integer("a", 0, 10**12) + choose.integer("b", 0, 10**12)


def test_the_list_is_walked_no_further_than_asked() -> None:
    space = Counted()
    assert [dict(genotype) for genotype in itertools.islice(space.enumerate(), 3)] == [
        {"a": 0, "b": 0},
        {"a": 0, "b": 1},
        {"a": 0, "b": 2},
    ]
    assert space.size(cap=100) is None
    assert space.steps == 3 + 101


# -- mutation -----------------------------------------------------------------------------------------


@given(tree_spaces(), SEEDS, SEEDS)
def test_a_mutation_remakes_one_choice_and_repairs_the_rest(space: TreeSpace, seed: int, again: int) -> None:
    """Before the choice that was re-made, nothing changes; after it, what offers the same is kept."""
    parent = space.sample(Random(seed))
    child = space.mutate(parent, Random(again))
    assert space.rebuild(child) == tuple(child.values())
    before, after = offers(space.root, parent), offers(space.root, child)
    changed = [
        name
        for name in after
        if name in before and before[name] == after[name] and chosen(child, name) != chosen(parent, name)
    ]
    could_change = any(len(options) > 1 for options in before.values())
    assert len(changed) == (1 if could_change else 0)
    if changed:
        for name in itertools.takewhile(lambda name: name != changed[0], before):
            assert chosen(child, name) == chosen(parent, name)


def test_every_choice_and_every_other_value_is_as_likely() -> None:
    class Two(SearchSpace[tuple[int, str]]):
        name = "two"

        def define(self, choose: Choices) -> tuple[int, str]:
            return choose.integer("a", 1, 4), choose.one_of("b", ["x", "y"])

    space, random = Two(), Random(0)
    parent = Genotype({"a": 2, "b": "x"})
    children = [space.mutate(parent, random) for _ in range(6000)]
    counts = {child: children.count(child) for child in set(children)}
    expected = {Genotype({"a": a, "b": "x"}): 1000 for a in (1, 3, 4)} | {Genotype({"a": 2, "b": "y"}): 3000}
    assert counts.keys() == expected.keys()
    assert all(abs(counts[child] - count) < 5 * count**0.5 for child, count in expected.items())


def test_a_choice_of_one_option_is_never_mutated() -> None:
    space = TreeSpace(Node(("only",), (None,)))
    genotype = space.sample(Random(0))
    assert space.mutate(genotype, Random(0)) == genotype


def test_a_choice_of_the_same_name_with_other_options_is_drawn_again() -> None:
    """The size of a small one is not kept for a large one, though it would be possible there."""
    space = BranchSpace()
    parent = Genotype({"kind": "small", "size": 1})
    children = [space.mutate(parent, Random(seed)) for seed in range(300)]
    sizes = [child["size"] for child in children if child["kind"] == "large"]
    assert {size: sizes.count(size) > len(sizes) / 6 for size in (1, 2, 3)} == {1: True, 2: True, 3: True}


def test_a_continuous_choice_is_drawn_afresh() -> None:
    space = LineSpace()
    parent = space.sample(Random(0))
    children = {space.mutate(parent, Random(seed)) for seed in range(100)}
    assert all(sum(child[name] != parent[name] for name in parent) == 1 for child in children)
    assert {name for child in children for name in parent if child[name] != parent[name]} == set(parent)


# -- crossover ----------------------------------------------------------------------------------------


@given(tree_spaces(), SEEDS, SEEDS, SEEDS)
def test_a_crossover_takes_each_choice_from_a_parent_that_offers_it(
    space: TreeSpace, first_seed: int, second_seed: int, seed: int
) -> None:
    first, second = space.sample(Random(first_seed)), space.sample(Random(second_seed))
    child = space.crossover(first, second, Random(seed))
    assert space.rebuild(child) == tuple(child.values())
    offered = offers(space.root, child)
    for name in offered:
        fitting = [p for p in (first, second) if offers(space.root, p).get(name) == offered[name]]
        if fitting:
            assert chosen(child, name) in [chosen(parent, name) for parent in fitting]


@given(tree_spaces(), SEEDS, SEEDS)
def test_two_equal_parents_have_one_child(space: TreeSpace, seed: int, again: int) -> None:
    parent = space.sample(Random(seed))
    assert space.crossover(parent, parent, Random(again)) == parent


def test_each_parent_gives_half() -> None:
    space = LineSpace()
    first, second = space.sample(Random(0)), space.sample(Random(2))
    children = [space.crossover(first, second, Random(seed)) for seed in range(1000)]
    taken = [sum(child[name] == first[name] for child in children) for name in ("x", "rate")]
    assert all(abs(count - 500) < 5 * 250**0.5 for count in taken)
    assert len(set(children)) > 2


# -- any source ---------------------------------------------------------------------------------------


def test_define_asks_every_source_alike() -> None:
    space = BranchSpace()
    drawn = RandomChoices(Random(3))
    candidate = space.define(drawn)
    recorded = RecordedChoices(drawn.genotype)
    assert space.define(recorded) == candidate
    assert recorded.decisions == drawn.decisions
    assert recorded.genotype == drawn.genotype
