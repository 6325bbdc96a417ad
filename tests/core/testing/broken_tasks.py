"""Tasks that break their contract, each in one way."""

from __future__ import annotations

import itertools
from dataclasses import replace

import torch

from automl.core.contracts import Batch, Task
from automl.testing import NoiseOptions, NoiseTask
from tests.core.testing.catching import Broken


class Spaced(NoiseTask):
    name = "two words"


class Listed(NoiseTask):
    name = "listed"

    @property
    def input_shape(self) -> tuple[int, ...]:
        return list(super().input_shape)  # type: ignore[return-value]  # that is the fault


class Classless(NoiseTask):
    name = "classless"

    @property
    def classes(self) -> int:
        return 0


class Misnamed(NoiseTask):
    name = "misnamed"

    @property
    def class_names(self) -> tuple[str, ...]:
        return ("cat", "dog", "cat", "bird")


class Whole(NoiseTask):
    """Bytes, as they stand in a file."""

    name = "whole"

    def batch(self, size: int, seed: int) -> Batch:
        batch = super().batch(size, seed)
        return replace(batch, inputs=(batch.inputs * 100).to(torch.int64))


class Infinite(NoiseTask):
    name = "infinite"

    def split(self, name: str) -> Batch:
        split = super().split(name)
        return replace(split, inputs=split.inputs / 0)


class OneBased(NoiseTask):
    name = "one-based"

    def batch(self, size: int, seed: int) -> Batch:
        batch = super().batch(size, seed)
        assert batch.labels is not None
        return replace(batch, labels=batch.labels + 1)


class Careless(NoiseTask):
    name = "careless"

    def batch(self, size: int, seed: int) -> Batch:
        return super().batch(size, seed + int(torch.randint(1000, ()).item()))


class Walking(NoiseTask):
    """Gives the next batch instead of the one that was asked for."""

    name = "walking"
    numbers = itertools.count()

    def batch(self, size: int, seed: int) -> Batch:
        return super().batch(size, next(Walking.numbers))


class Stubborn(NoiseTask):
    name = "stubborn"

    def batch(self, size: int, seed: int) -> Batch:
        return super().batch(size, 0)


class Repetitive(NoiseTask):
    """Draws with replacement."""

    name = "repetitive"

    def batch(self, size: int, seed: int) -> Batch:
        chosen = torch.randint(256, (size,), generator=torch.Generator().manual_seed(seed))
        train = self.split("train")
        assert train.labels is not None
        return Batch(train.inputs[chosen], train.labels[chosen])


class Stingy(NoiseTask):
    name = "stingy"

    def batch(self, size: int, seed: int) -> Batch:
        return super().batch(min(size, 10), seed)


class Blunt(NoiseTask):
    name = "blunt"

    def batch(self, size: int, seed: int) -> Batch:
        if size > self.options.examples:
            raise ValueError("too many")
        return super().batch(size, seed)


class Clipped(NoiseTask):
    name = "clipped"

    def batch(self, size: int, seed: int) -> Batch:
        return super().batch(min(size, self.options.examples), seed)


class Pliable(NoiseTask):
    name = "pliable"

    def split(self, name: str) -> Batch:
        return super().split("test" if name == "test" else "train")


class Leaky(NoiseTask):
    name = "leaky"

    def split(self, name: str) -> Batch:
        split = super().split(name)
        if name == "test":
            split.inputs[0] = super().split("train").inputs[0]
        return split


class Reduced(NoiseTask):
    """Leaves out classes where it should leave out pixels."""

    name = "reduced"

    def proxy(self) -> Task:
        return Reduced(NoiseOptions(classes=2))


class Nervous(NoiseTask):
    name = "nervous"
    calls = itertools.count()

    def fingerprint(self) -> str:
        return f"{super().fingerprint()} {next(Nervous.calls)}"


_SAYS = "test_it_says_what_its_examples_are"
_PROMISED = "test_batches_and_splits_are_as_promised"
_DIFFERENT = "test_a_batch_holds_different_examples"
_WHOLE = "test_a_batch_is_whole_or_a_data_error"

ALL = (
    Broken(Spaced, "test_it_can_be_registered_and_its_options_are_checked", "Spaced.name is 'two words'"),
    Broken(Listed, _SAYS, "Listed.input_shape is [3, 8, 8]"),
    Broken(Classless, _SAYS, "Classless.classes is 0"),
    Broken(Misnamed, _SAYS, "and there are 4 classes"),
    Broken(Whole, _PROMISED, "torch.int64"),
    Broken(Infinite, _PROMISED, "not finite"),
    Broken(OneBased, _PROMISED, "from 1 to 4"),
    Broken(Careless, "test_the_same_seed_gives_the_same_batch", "the global random state of torch"),
    Broken(Walking, "test_the_same_seed_gives_the_same_batch", "other examples the second time"),
    Broken(Stubborn, "test_different_seeds_give_different_batches", "for ten different seeds"),
    Broken(Repetitive, _DIFFERENT, "different examples"),
    Broken(Stingy, _DIFFERENT, "gave 10 different examples"),
    Broken(Blunt, _WHOLE, "raised ValueError: too many"),
    Broken(Clipped, _WHOLE, "batch(257, seed=0) gave 256 different examples"),
    Broken(Pliable, "test_an_unknown_split_is_a_data_error", "split('no such split') gave one"),
    Broken(Leaky, "test_the_splits_share_no_example", "1 inputs stand"),
    Broken(Reduced, "test_its_small_form_is_the_same_task", "Reduced.proxy() has 2 classes"),
    Broken(Nervous, "test_its_fingerprint_is_its_own", "Nervous.fingerprint() is"),
)
