"""Search spaces whose definition, variation or list breaks the contract, each in one way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
from pydantic import ConfigDict

from automl.core.contracts import Choices, Genotype, Options, SearchSpace
from automl.testing import BranchSpace, ConvSpace, LineSpace
from tests.core.testing.catching import Broken

Conv = tuple[int, int, int, str]

# -- definition ---------------------------------------------------------------------------------------


class Shouting(ConvSpace):
    name = "My Space"


class Unfinished(SearchSpace[str]):
    name = "unfinished"

    def define(self, choose: Choices) -> str:
        return choose.one_of("letter", {"a", "b"})  # type: ignore[arg-type]  # that is the fault


class SloppyOptions(Options):
    model_config = ConfigDict(extra="ignore")


class Sloppy(ConvSpace):
    name = "sloppy"
    Options = SloppyOptions


class NeedyOptions(Options):
    folder: str


class Needy(ConvSpace):
    name = "needy"
    Options = NeedyOptions


class LossyOptions(Options):
    most: float = float("inf")


class Lossy(ConvSpace):
    name = "lossy"
    Options = LossyOptions


class Dictionary(ConvSpace):
    name = "dictionary"

    def sample(self, random: Random) -> Genotype:
        return dict(super().sample(random))  # type: ignore[return-value]  # that is the fault


class Unhashable(SearchSpace[Any]):
    name = "unhashable"

    def define(self, choose: Choices) -> Any:
        return [choose.integer("size", 1, 3)]


class Letter:
    def __init__(self, letter: str) -> None:
        self.letter = letter


class Identity(SearchSpace[Letter]):
    name = "identity"

    def define(self, choose: Choices) -> Letter:
        return Letter(choose.one_of("letter", ("a", "b", "c")))


@dataclass(frozen=True, eq=False)
class Weight:
    grams: int
    salt: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weight) and self.grams == other.grams

    def __hash__(self) -> int:
        return hash(self.salt)


class OddHash(SearchSpace[Weight]):
    name = "odd-hash"

    def define(self, choose: Choices) -> Weight:
        return Weight(choose.integer("grams", 1, 3), object())


class Lucky(ConvSpace):
    name = "lucky"

    def define(self, choose: Choices) -> Conv:
        width, kernel, depth, pooling = super().define(choose)
        return width, kernel, depth + random.randint(0, 1), pooling


class LuckyWithNumpy(ConvSpace):
    name = "lucky-with-numpy"

    def define(self, choose: Choices) -> Conv:
        np.random.rand()  # noqa: NPY002 - the global generator is the fault
        return super().define(choose)


class Moody(ConvSpace):
    name = "moody"
    calls = 0

    def define(self, choose: Choices) -> Conv:
        Moody.calls += 1
        width, kernel, depth, pooling = super().define(choose)
        return width, kernel, depth + Moody.calls, pooling


class Forgetful(ConvSpace):
    """Draws what to ask, and so cannot ask it again."""

    name = "forgetful"
    calls = 0

    def define(self, choose: Choices) -> Conv:
        Forgetful.calls += 1
        choose.integer(f"call_{Forgetful.calls}", 1, 2)
        return super().define(choose)


class HashOrder(SearchSpace[str]):
    """Right in any one process, and another one in the next."""

    name = "hash-order"

    def define(self, choose: Choices) -> str:
        return choose.one_of("word", list({"one", "two", "three", "four", "five", "six", "seven"}))


# -- variation ----------------------------------------------------------------------------------------


class Overreaching(ConvSpace):
    name = "overreaching"

    def mutate(self, genotype: Genotype, random: Random) -> Genotype:
        return Genotype({**genotype, "width": 16})


class Leaping(ConvSpace):
    name = "leaping"

    def mutate(self, genotype: Genotype, random: Random) -> Genotype:
        return self.sample(random)


class Idle(ConvSpace):
    name = "idle"

    def mutate(self, genotype: Genotype, random: Random) -> Genotype:
        return genotype


class Spliced(BranchSpace):
    """Takes the choices one by one, though what may be chosen depends on the first."""

    name = "spliced"

    def crossover(self, first: Genotype, second: Genotype, random: Random) -> Genotype:
        return Genotype({**first, **second, "kind": first["kind"]})


class Estranged(ConvSpace):
    name = "estranged"

    def crossover(self, first: Genotype, second: Genotype, random: Random) -> Genotype:
        return self.sample(random)


class Restless(ConvSpace):
    name = "restless"

    def crossover(self, first: Genotype, second: Genotype, random: Random) -> Genotype:
        return self.mutate(first, random)


class Gambling(ConvSpace):
    name = "gambling"

    def mutate(self, genotype: Genotype, random_: Random) -> Genotype:
        return super().mutate(genotype, Random(random.random()))


class Unseeded(ConvSpace):
    name = "unseeded"

    def mutate(self, genotype: Genotype, random: Random) -> Genotype:
        return super().mutate(genotype, Random())


# -- enumeration --------------------------------------------------------------------------------------


class Stammering(ConvSpace):
    name = "stammering"

    def enumerate(self) -> Iterator[Genotype]:
        for genotype in super().enumerate():
            yield genotype
            yield genotype


class Shuffled(ConvSpace):
    name = "shuffled"

    def enumerate(self) -> Iterator[Genotype]:
        listed = list(super().enumerate())
        Random().shuffle(listed)
        yield from listed


class Partial(ConvSpace):
    name = "partial"

    def enumerate(self) -> Iterator[Genotype]:
        return (genotype for genotype in super().enumerate() if genotype["width"] == 4)


class Empty(ConvSpace):
    name = "empty"

    def enumerate(self) -> Iterator[Genotype]:
        yield from ()


class Boastful(ConvSpace):
    name = "boastful"

    def size(self, cap: int = 0) -> int | None:
        return 1000


class Bounded(LineSpace):
    name = "bounded"

    def size(self, cap: int = 0) -> int | None:
        return 2


class TwoFaced(SearchSpace[int]):
    """Raises where only the list goes: a rare branch asks twice under one name."""

    name = "two-faced"

    def define(self, choose: Choices) -> int:
        rare = choose.integer("number", 1, 1000)
        return rare if rare != 777 else choose.integer("number", 1, 2)


_REGISTERED = "test_it_can_be_registered_and_its_options_are_checked"
_REBUILDS = "test_a_sample_rebuilds_to_an_equal_candidate"
_SAMPLES = "test_the_same_seed_samples_the_same"
_DEFINES = "test_define_depends_on_nothing_but_the_choices"
_SIZE = "test_the_size_is_the_length_of_the_list"

BROKEN = (
    Broken(Shouting, _REGISTERED, "Shouting.name is 'My Space'"),
    Broken(Sloppy, _REGISTERED, "takes an option 'no_such_option'"),
    Broken(Needy, _REGISTERED, "Needy.Options() fails at folder"),
    Broken(Lossy, _REGISTERED, "Lossy.Options"),
    Broken(Unfinished, _REBUILDS, "the options are a set: expected a list or a tuple"),
    Broken(Dictionary, _REBUILDS, "a dict"),
    Broken(Unhashable, _REBUILDS, "which has no hash"),
    Broken(Identity, _REBUILDS, "they are not equal"),
    Broken(OddHash, _REBUILDS, "with different hashes"),
    Broken(Forgetful, _REBUILDS, "cannot rebuild"),
    Broken(Lucky, _SAMPLES, "the global random state of the module random"),
    Broken(Forgetful, _SAMPLES, "gave"),
    Broken(LuckyWithNumpy, _DEFINES, "the global random state of numpy.random"),
    Broken(Moody, _DEFINES, "for the same genotype"),
    Broken(HashOrder, "test_it_means_the_same_in_another_process", "in one process"),
    Broken(Overreaching, "test_a_mutation_is_a_candidate_of_the_space", "is 16: expected one of 4, 8"),
    Broken(Leaping, "test_a_mutation_changes_one_choice_and_what_follows_from_it", "changed"),
    Broken(Idle, "test_a_mutation_is_another_genotype", "30 times of 30"),
    Broken(Spliced, "test_a_crossover_takes_from_its_parents", "cannot rebuild"),
    Broken(Estranged, "test_a_crossover_takes_from_its_parents", "which neither parent has"),
    Broken(Restless, "test_a_candidate_crossed_with_itself_stays", "and itself"),
    Broken(Gambling, "test_variation_draws_only_from_its_generator", "the global random state"),
    Broken(Unseeded, "test_variation_draws_only_from_its_generator", "gave"),
    Broken(Stammering, "test_the_list_holds_each_genotype_once", "twice"),
    Broken(Empty, "test_the_list_holds_each_genotype_once", "lists nothing"),
    Broken(TwoFaced, "test_the_list_holds_each_genotype_once", "'number' was made twice"),
    Broken(Shuffled, "test_the_list_has_a_fixed_order", "another list the second time"),
    Broken(Partial, "test_what_is_sampled_is_on_the_list", "leaves out"),
    Broken(Boastful, _SIZE, "is 1000; its list has 16"),
    Broken(Bounded, _SIZE, "is 2; its list has no end"),
)
