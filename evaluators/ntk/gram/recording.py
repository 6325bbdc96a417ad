"""One forward pass, recorded on a tape: by watching known layers, or by watching all calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call

from automl.evaluators.ntk.forward import (
    WITHOUT_DROPOUT,
    ReplacedCalls,
    checked_logits,
    held_statistics,
    in_mode,
    seeded,
)
from automl.evaluators.ntk.gram.graph import Reading, read
from automl.evaluators.ntk.gram.layers import recorded
from automl.evaluators.ntk.gram.rules import RULES, Rule
from automl.evaluators.ntk.gram.statistics import Statistics
from automl.evaluators.ntk.gram.tape import Tape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from automl.evaluators.ntk.gram.statistics import Moments
    from automl.evaluators.ntk.gram.survey import Survey
    from automl.evaluators.ntk.options import BatchNorm


@dataclass(frozen=True, slots=True)
class Pass:
    """How a network is run.

    Attributes:
        network: the network.
        survey: what it consists of.
        inputs: ``(n, ...)``.
        batchnorm: which statistics batch normalisation takes.
        seed: where a network that draws random numbers draws them from.
        moments: batch statistics that take the place of those of the batch, if any.
        expected: the logits that the inputs have in the batch that they are taken from, if there is one.
    """

    network: nn.Module
    survey: Survey
    inputs: Tensor
    batchnorm: BatchNorm
    seed: int
    moments: Sequence[Moments] = ()
    expected: Tensor | None = None

    def tape(self) -> Tape:
        """A new tape for it."""
        return Tape(
            len(self.inputs),
            (p for p in self.survey.parameters if type(p) is nn.Parameter),
            statistics=Statistics(self.inputs.device, self.moments),
            frozen=self.batchnorm == "frozen",
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """What a forward pass left behind.

    Attributes:
        logits: ``(n, classes)``, with the graph behind them.
        tape: the tape.
        reading: what the graph says.
        rest: the parameters that the graph reaches otherwise than through operations.
        random: whether the network drew random numbers.
        hooked: whether it registered hooks that change gradients.
    """

    logits: Tensor
    tape: Tape
    reading: Reading
    rest: tuple[nn.Parameter, ...]
    random: bool
    hooked: bool


def record_layers(work: Pass) -> Recording:
    """Run the network, watching the layers that `layers.LAYERS` knows.

    The cheaper of the two ways: nothing is watched that is no such layer, and images are laid out with
    channels last, in which PyTorch's convolutions on a CPU are faster. It is for what the graph proves, and
    draws no random numbers, which could come out in another order.
    """
    tape, network, inputs = work.tape(), work.network, work.inputs
    on_cpu = inputs.device.type == "cpu" and inputs.ndim == 4
    if on_cpu and any(type(module) is nn.Conv2d for module in work.survey.modules):
        inputs = inputs.clone(memory_format=torch.channels_last)
    else:
        inputs = inputs.clone()
    with _running(work, draws=False) as state, recorded(work.survey.modules, tape):
        if work.survey.foreign_buffers:
            outputs = functional_call(network, _copied_buffers(network), (inputs,))
        else:
            outputs = network(inputs)
    return _recording(work, tape, outputs, state)


def record_calls(work: Pass) -> Recording:
    """Run the network, watching every call of a torch function that `rules.RULES` knows."""
    tape, network = work.tape(), work.network
    with _running(work, draws=True) as state, ReplacedCalls(_replaced(tape)):
        outputs = functional_call(network, _copied_buffers(network), (work.inputs.clone(),))
    return _recording(work, tape, outputs, state)


def whole_batch(work: Pass) -> tuple[Tensor, Sequence[Moments]]:
    """The logits and the statistics of all batch normalisations, of the whole batch, without keeping what
    a backward pass would need.

    Raises:
        NotImplementedError: samples meet, or the network draws random numbers: it cannot be run in parts.
    """
    tape, network = work.tape(), work.network
    with _running(work, draws=True) as state, torch.no_grad(), ReplacedCalls(_replaced(tape)):
        outputs = functional_call(network, _copied_buffers(network), (work.inputs.clone(),))
    if tape.coupled or state.random or not isinstance(outputs, torch.Tensor):
        raise NotImplementedError("the network cannot be run in parts")
    return outputs, tape.statistics.moments


@dataclass(slots=True)
class _State:
    random: bool = False
    hooked: bool = False


@contextmanager
def _running(work: Pass, *, draws: bool) -> Iterator[_State]:
    """The conditions of every forward pass; afterwards it is known whether it drew random numbers.

    If it ``draws``, it does so from the seed. Seeding costs more than noticing that nothing was drawn.
    """
    state, training = _State(), work.batchnorm != "eval"
    with ExitStack() as conditions:
        conditions.enter_context(torch.enable_grad())
        conditions.enter_context(_unchanged_generators(work, state, draws=draws))
        if work.survey.modes != {training}:
            conditions.enter_context(in_mode(work.network, training=training))
        if work.batchnorm == "frozen":
            conditions.enter_context(held_statistics(work.survey.holders))
        conditions.enter_context(_noticed_hooks(state))
        yield state
        if work.survey.modes == {training}:  # a network may set modes as it runs
            for module in work.survey.modules:
                if module.training is not training:
                    module.training = training


@contextmanager
def _unchanged_generators(work: Pass, state: _State, *, draws: bool) -> Iterator[None]:
    device = work.inputs.device
    with seeded(device, work.seed) if draws or device.type == "cuda" else nullcontext():
        before = _generators(device)
        try:
            yield
        finally:
            after = _generators(device)
            state.random = not all(map(torch.equal, before, after))
            if state.random:
                torch.set_rng_state(before[0])


def _generators(device: torch.device) -> list[Tensor]:
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return states


@contextmanager
def _noticed_hooks(state: _State) -> Iterator[None]:
    """Notice whether a hook is put on a tensor: what it does to gradients stands in no graph."""
    register = torch.Tensor.register_hook

    def noticed(tensor: Tensor, hook: Callable[[Tensor], Any]) -> Any:
        state.hooked = True
        return register(tensor, hook)  # type: ignore[no-untyped-call]  # torch's

    setattr(torch.Tensor, "register_hook", noticed)  # noqa: B010 - mypy refuses assignment to a method
    try:
        yield
    finally:
        setattr(torch.Tensor, "register_hook", register)  # noqa: B010 - as above


def _copied_buffers(network: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in network.named_buffers()}


def _replaced(tape: Tape) -> Mapping[Callable[..., Any], Callable[..., Any]]:
    def call(function: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
        def replaced(*args: Any, **kwargs: Any) -> Any:
            output = rule(tape, *args, **kwargs)
            return function(*args, **kwargs) if output is None else output

        return replaced

    return {**WITHOUT_DROPOUT, **{function: call(function, rule) for function, rule in RULES.items()}}


def _recording(work: Pass, tape: Tape, outputs: object, state: _State) -> Recording:
    logits = checked_logits(outputs, len(work.inputs))
    reading = read(logits, len(work.inputs))
    rest = tuple(p for p in work.survey.parameters if id(p) in reading.reached)
    return Recording(logits, tape, reading, rest, state.random, state.hooked)
