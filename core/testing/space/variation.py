"""Mutation and crossover."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random
from typing import Any

from automl.core.contracts import Decision, Genotype, SearchSpace
from automl.core.contracts.sources import RecordedChoices
from automl.core.testing.broken import BrokenContractError
from automl.core.testing.randomness import global_randomness
from automl.core.testing.space.case import SAMPLES, SpaceCase, draw, rebuilt

_USE_RANDOM = "draw from the generator that is handed in as random."


class VariationCases(SpaceCase):
    """What `SearchSpace.mutate` and `SearchSpace.crossover` have to be."""

    def test_a_mutation_is_a_candidate_of_the_space(self) -> None:
        """Whatever is mutated, the child rebuilds."""
        space = self.make_space()
        for parent in draw(space):
            for seed in range(5):
                rebuilt(space, space.mutate(parent, _random(seed)), source=f"is a mutation of {parent.json}")

    def test_a_mutation_changes_one_choice_and_what_follows_from_it(self) -> None:
        """Of the choices that offer the same to parent and child, at most one was made otherwise."""
        space = self.make_space()
        for seed, parent in enumerate(draw(space)):
            child = space.mutate(parent, _random(seed))
            changed = _changed(space, parent, child)
            if len(changed) > 1:
                raise BrokenContractError(
                    f"{type(space).__name__}.mutate changed {', '.join(changed)} of {parent.json}: it gave "
                    f"{child.json}.",
                    demanded="a mutation re-makes one choice, and draws again only what is new or offers "
                    "other options now: evolution takes small steps.",
                    change="keep every other choice that still offers the same options.",
                )

    def test_a_mutation_is_another_genotype(self) -> None:
        """Where there is something to choose, a mutation chooses something else."""
        space = self.make_space()
        for parent in draw(space):
            if all(decision.count == 1 for decision in _decisions(space, parent).values()):
                continue
            children = {space.mutate(parent, _random(seed)) for seed in range(SAMPLES)}
            if children == {parent}:
                raise BrokenContractError(
                    f"{type(space).__name__}.mutate gave {parent.json} back, {SAMPLES} times of {SAMPLES}.",
                    demanded="a mutation is another genotype, wherever there is a choice with two options.",
                    change="re-make a choice to another value than it has.",
                )

    def test_a_crossover_takes_from_its_parents(self) -> None:
        """The child rebuilds, and what both parents agree upon stays."""
        space = self.make_space()
        for seed, (first, second) in enumerate(itertools.pairwise(draw(space))):
            child = space.crossover(first, second, _random(seed))
            rebuilt(space, child, source=f"is a crossover of {first.json} and {second.json}")
            strange = set(_changed(space, first, child)) & set(_changed(space, second, child))
            if strange:
                name = min(strange)
                raise BrokenContractError(
                    f"{type(space).__name__}.crossover gave {name} = {child[name]!r}, which neither parent "
                    f"has: {first.json} and {second.json} gave {child.json}.",
                    demanded="a crossover takes each choice from either parent, and draws only what fits "
                    "neither.",
                    change="take the value of one of the parents wherever its choice offers the same "
                    "options.",
                )

    def test_a_candidate_crossed_with_itself_stays(self) -> None:
        """Two equal parents have one child: themselves."""
        space = self.make_space()
        for seed, parent in enumerate(draw(space)):
            child = space.crossover(parent, parent, _random(seed))
            if child != parent:
                raise BrokenContractError(
                    f"{type(space).__name__}.crossover made {child.json} of {parent.json} and itself.",
                    demanded="a crossover takes each choice from either parent, and draws only what fits "
                    "neither.",
                    change="keep what both parents agree upon; mutate in mutate.",
                )

    def test_variation_draws_only_from_its_generator(self) -> None:
        """Equal generators give equal children."""
        space = self.make_space()
        first, second = draw(space, 2)
        for what, vary in (
            ("mutate", lambda random: space.mutate(first, random)),
            ("crossover", lambda random: space.crossover(first, second, random)),
        ):
            _check_deterministic(f"{type(space).__name__}.{what}", vary)


def _random(seed: int) -> Random:
    """A generator that no parent was drawn from."""
    return Random(f"variation {seed}")


def _check_deterministic(who: str, vary: Callable[[Random], Genotype]) -> None:
    for seed in range(SAMPLES):
        children = []
        for global_seed in (1, 2):
            with global_randomness(global_seed, who=who, use=_USE_RANDOM, torch_too=False):
                children.append(vary(_random(seed)))
        if children[0] != children[1]:
            raise BrokenContractError(
                f"{who} with seed {seed} gave {children[0].json}, then {children[1].json}.",
                demanded="equal generators give equal children: a run is replayed from its seed.",
                change=_USE_RANDOM,
            )


def _changed(space: SearchSpace[Any], parent: Genotype, child: Genotype) -> list[str]:
    """The choices that offer the same to both and were made otherwise."""
    then = _decisions(space, parent)
    return [
        name
        for name, decision in _decisions(space, child).items()
        if name in then and decision.same(then[name]) and child[name] != parent[name]
    ]


def _decisions(space: SearchSpace[Any], genotype: Genotype) -> dict[str, Decision]:
    choices = RecordedChoices(genotype)
    space.define(choices)
    return choices.decisions
