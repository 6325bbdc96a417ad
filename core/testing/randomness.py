"""Global random state: a plugin neither reads it nor changes it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.core.testing.broken import BrokenContractError


@dataclass(frozen=True, slots=True)
class _Generator:
    name: str
    seed: Callable[[int], object]
    state: Callable[[], Any]
    restore: Callable[[Any], object]


@contextmanager
def global_randomness(seed: int, *, who: str, use: str, torch_too: bool = True) -> Iterator[None]:
    """Seed all global generators, and see to it that they are as they were when the block ends.

    Args:
        seed: what to seed them with: what a plugin gives has to be the same for any.
        who: what runs in the block, for the message.
        use: where its random numbers have to come from instead, for the message.
        torch_too: whether torch's is among them.

    Raises:
        BrokenContractError: the block used one of them.
    """
    generators = [*_generators(), *(_torch_generators() if torch_too else ())]
    before = [generator.state() for generator in generators]
    try:
        for generator in generators:
            generator.seed(seed)
        seeded = [_comparable(generator.state()) for generator in generators]
        yield
        for generator, then in zip(generators, seeded, strict=True):
            if _comparable(generator.state()) != then:
                raise BrokenContractError(
                    f"{who} used the global random state of {generator.name}.",
                    demanded="a result depends on nothing global: another worker, or the same one later, "
                    "has another global state, and the run could not be replayed.",
                    change=use,
                )
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.restore(state)


def _generators() -> list[_Generator]:
    return [
        _Generator("the module random", random.seed, random.getstate, random.setstate),
        _Generator(
            "numpy.random",
            np.random.seed,
            np.random.get_state,
            np.random.set_state,
        ),
    ]


def _torch_generators() -> list[_Generator]:
    import torch

    # Not torch.manual_seed, which would seed the accelerators' generators as well and not restore them.
    generator = torch.default_generator
    return [_Generator("torch", generator.manual_seed, generator.get_state, generator.set_state)]


def _comparable(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(_comparable(part) for part in state)
    return state.tolist() if hasattr(state, "tolist") else state
