"""``define`` and the options: what a genotype means."""

from __future__ import annotations

from random import Random
from typing import Any

from automl.core.contracts import Genotype, SearchSpace
from automl.core.contracts.sources import RecordedChoices
from automl.core.testing.broken import BrokenContractError, short
from automl.core.testing.component import check_component
from automl.core.testing.elsewhere import compare_elsewhere, space_facts
from automl.core.testing.randomness import global_randomness
from automl.core.testing.space.case import SpaceCase, draw, rebuilt

_USE_CHOOSE = "take every random number from choose: choose.one_of, choose.integer, choose.uniform."


class DefinitionCases(SpaceCase):
    """What `SearchSpace.define` has to be."""

    def test_it_can_be_registered_and_its_options_are_checked(self) -> None:
        """A name, options with defaults that refuse the unknown and survive JSON."""
        check_component("space", getattr(self, "space", None) or type(self.make_space()))

    def test_a_sample_rebuilds_to_an_equal_candidate(self) -> None:
        """A genotype is all there is of a candidate: twice the same is twice an equal one."""
        space = self.make_space()
        for genotype in draw(space):
            _check_equal(space, genotype, self.make_space())

    def test_the_same_seed_samples_the_same(self) -> None:
        """Sampling draws from the generator that it is given, and from nothing else."""
        space = self.make_space()
        genotypes = draw(space)
        for seed, genotype in enumerate(genotypes):
            with global_randomness(
                seed, who=f"{type(space).__name__}.sample", use=_USE_CHOOSE, torch_too=False
            ):
                again = space.sample(Random(seed))
            if again != genotype:
                raise BrokenContractError(
                    f"{type(space).__name__}.sample with seed {seed} gave {genotype.json}, then "
                    f"{again.json}.",
                    demanded="equal generators give equal genotypes: a run is replayed from its seed.",
                    change="let define depend on nothing but what choose answers and the options; no state.",
                )

    def test_define_depends_on_nothing_but_the_choices(self) -> None:
        """The same answers lead to the same questions and an equal candidate, whatever is seeded how."""
        space = self.make_space()
        for genotype in draw(space):
            asked, candidates = [], []
            for seed in (1, 2):
                rebuilt(space, genotype, source="it sampled")
                choices = RecordedChoices(genotype)
                who = f"{type(space).__name__}.define"
                with global_randomness(seed, who=who, use=_USE_CHOOSE, torch_too=False):
                    candidates.append(space.define(choices))
                asked.append(choices.decisions)
            if asked[0] != asked[1] or candidates[0] != candidates[1]:
                raise BrokenContractError(
                    f"{type(space).__name__}.define gave {short(candidates[0])}, then "
                    f"{short(candidates[1])}, for the same genotype {genotype.json}.",
                    demanded="define depends on nothing but what choose answers and the space's options.",
                    change=f"take nothing from the time, from state, or from elsewhere; {_USE_CHOOSE}",
                )

    def test_it_means_the_same_in_another_process(self) -> None:
        """Samples, texts, keys, mutations and networks, in processes with other hash seeds."""
        space = self.make_space()
        compare_elsewhere(space_facts, (space, self.make_tasks()[0]), draw(space, 10))


def _check_equal(space: SearchSpace[Any], genotype: Genotype, other_space: SearchSpace[Any]) -> None:
    first = rebuilt(space, genotype, source="it sampled")
    second = rebuilt(other_space, genotype, source="it sampled")
    try:
        hashes = hash(first), hash(second)
    except TypeError as error:
        raise BrokenContractError(
            f"{type(space).__name__}.define returned {short(first)}, which has no hash ({error}).",
            demanded="a candidate is an immutable, hashable value.",
            change="return a tuple, a named tuple, or a dataclass with frozen=True; no list, dict or set in "
            "it.",
        ) from error
    if first != second:
        raise BrokenContractError(
            f"{type(space).__name__}.define made {short(first)} and {short(second)} from {genotype.json}, "
            "and they are not equal.",
            demanded="the candidates of one genotype are equal, by == and not only by their text.",
            change="give the candidate's class an __eq__: a dataclass with frozen=True has one.",
        )
    if hashes[0] != hashes[1]:
        raise BrokenContractError(
            f"{type(space).__name__}.define made two equal candidates from {genotype.json} with different "
            f"hashes: {short(first)}.",
            demanded="equal candidates have equal hashes.",
            change="let __hash__ go by the same fields as __eq__: a dataclass with frozen=True does.",
        )
