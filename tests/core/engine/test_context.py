"""What an evaluator is handed: seeds, batches and networks that depend on nothing but their purpose."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from automl.core.contracts import Genotype, InvalidCandidateError, NetworkSize, Subject
from automl.core.engine import EngineContext
from automl.core.errors import DataError, UnknownNameError
from automl.core.registry import load_registry
from tests.core.engine.nets import Count, Nets

DRAWS = 20


def context(run_seed: int = 0, **more: Any) -> EngineContext:
    return EngineContext(**{"space": Nets(), "task": Count(), "run_seed": run_seed, **more})


def subject(first: str = "linear", width: int = 8, repeat: int = 0) -> Subject:
    genotype = Genotype({"first": first, "width": width})
    return Subject(genotype, Nets().rebuild(genotype), repeat)


def values(network: torch.nn.Module) -> list[float]:
    return [value for parameter in network.parameters() for value in parameter.flatten().tolist()]


# -- seeds ------------------------------------------------------------------------------------------------

Asked = tuple[int, str, int, int]
ASKED = st.tuples(
    st.integers(0, 5), st.sampled_from(["batch", "noise", "1", "11"]), *[st.integers(0, 12)] * 2
)


@given(ASKED, ASKED)
def test_shared_seeds_are_equal_for_equal_purposes_and_for_no_others(first: Asked, second: Asked) -> None:
    a, b = (context(run).seed(what, repeat=repeat, draw=draw) for run, what, repeat, draw in (first, second))
    assert (a == b) == (first == second)


@given(ASKED, ASKED, st.integers(4, 6), st.integers(4, 6))
def test_own_seeds_are_the_candidates_own(first: Asked, second: Asked, one: int, other: int) -> None:
    a, b = (
        context(run).own_seed(subject(width=width, repeat=repeat), what, draw=draw)
        for (run, what, repeat, draw), width in ((first, one), (second, other))
    )
    assert (a == b) == ((first, one) == (second, other))
    run, what, repeat, draw = first
    assert a != context(run).seed(what, repeat=repeat, draw=draw)


# -- networks ---------------------------------------------------------------------------------------------


def test_a_network_begins_with_the_same_values_whatever_the_ambient_generator_says() -> None:
    torch.manual_seed(1)
    first = values(context().network(subject()))
    torch.manual_seed(2)
    torch.rand(17)
    assert values(context().network(subject())) == first


@pytest.mark.parametrize("first", ["linear", "broken"])
def test_the_ambient_generators_are_left_alone(first: str) -> None:
    before, python = torch.get_rng_state(), random.getstate()
    try:
        context().network(subject(first))
    except InvalidCandidateError:
        assert first == "broken"
    assert torch.equal(torch.get_rng_state(), before)
    assert random.getstate() == python


def test_candidates_share_their_values_and_runs_repeats_and_draws_do_not() -> None:
    first = values(context().network(subject()))
    assert values(context().network(subject("in place"))) == first
    assert values(context(1).network(subject())) != first
    assert values(context().network(subject(repeat=1))) != first
    assert values(context().network(subject(), draw=1)) != first


def test_a_network_comes_in_train_mode() -> None:
    assert context().network(subject()).training


def test_what_cannot_be_built_says_why_in_one_line() -> None:
    with pytest.raises(InvalidCandidateError) as error:
        context().network(subject("broken"))
    assert error.value.message == "the network cannot be built: ValueError: no such layer"
    assert isinstance(error.value.__cause__, ValueError)


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(
        InvalidCandidateError, match=r"'nets' gives a NoneType, and a network is a torch\.nn\.Module"
    ):
        context().network(subject("nothing"))


def test_memory_that_runs_out_and_errors_of_the_search_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        context().network(subject("greedy"))
    with pytest.raises(DataError, match="the layer's table is torn"):
        context().network(subject("torn"))


# -- batches ----------------------------------------------------------------------------------------------


def test_a_batch_is_drawn_once_for_all_candidates() -> None:
    task = Count()
    given = context(task=task)
    first, second = given.batch(8), given.batch(8)
    assert len(task.drawn) == 1
    assert torch.equal(first.inputs, second.inputs)
    assert first.labels is not None
    assert second.labels is not None
    assert torch.equal(first.labels, second.labels)
    assert first.inputs.shape == (8, 6)


def test_a_batch_that_a_candidate_writes_into_is_whole_for_the_next() -> None:
    given = context()
    whole, spoilt = context().batch(8), given.batch(8)
    assert spoilt.labels is not None
    spoilt.inputs.zero_()
    spoilt.labels.fill_(7)
    again = given.batch(8)
    assert again.labels is not None
    assert whole.labels is not None
    assert torch.equal(again.inputs, whole.inputs)
    assert torch.equal(again.labels, whole.labels)


def test_repeats_draws_sizes_and_runs_have_batches_of_their_own() -> None:
    given = context()
    first = given.batch(8).inputs
    for other in (given.batch(8, repeat=1), given.batch(8, draw=1), context(1).batch(8)):
        assert not torch.equal(other.inputs, first)
    assert given.batch(9).inputs.shape == (9, 6)


def test_a_batch_that_had_to_make_room_is_the_same_when_it_comes_back() -> None:
    task = Count()
    given = context(task=task)
    first = [given.batch(8, draw=draw).inputs for draw in range(DRAWS)]
    again = [given.batch(8, draw=draw).inputs for draw in range(DRAWS)]
    assert len(task.drawn) > DRAWS
    assert all(map(torch.equal, first, again))


def test_a_task_may_have_no_labels() -> None:
    task = Count()
    task.labelled = False
    assert context(task=task).batch(8).labels is None


# -- the rest ---------------------------------------------------------------------------------------------


def test_small_networks_are_those_of_the_small_space_on_the_small_task() -> None:
    full, small = context(), context(size=NetworkSize.PROXY)
    assert [tuple(p.shape) for p in full.network(subject()).parameters()] == [(8, 6), (8,), (3, 8), (3,)]
    assert [tuple(p.shape) for p in small.network(subject()).parameters()] == [(2, 3), (2,), (3, 2), (3,)]
    assert full.batch(4).inputs.shape == (4, 6)
    assert small.batch(4).inputs.shape == (4, 3)


def test_a_context_finds_what_is_registered_and_goes_on_when_told() -> None:
    given = context(resolve=load_registry(only=[]).make)
    assert given.resolve("task", "noise").name == "noise"
    with pytest.raises(UnknownNameError, match="unknown task 'nois': did you mean noise"):
        given.resolve("task", "nois")
    with pytest.raises(LookupError, match="asked for task 'noise'"):
        context().resolve("task", "noise")
    assert given.report(subject(), 1, {"loss": 1.0})
    assert given.device == torch.device("cpu")
