"""What the kernel promises besides being right: precision, memory, repetition, and errors that say why."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError
from automl.evaluators.ntk.gram import Way, tangent_kernel
from automl.evaluators.ntk.gram.convolution import Convolution
from automl.evaluators.ntk.gram.tape import Tape
from automl.evaluators.ntk.loop import loop_kernel
from automl.evaluators.ntk.options import Output
from tests.evaluators.ntk.gram.comparison import error, same_as_loop
from tests.evaluators.ntk.gram.zoo import ZOO

OUTPUTS: list[Output] = ["sum", "trace", "full"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def smooth() -> nn.Module:
    """A convolutional network without kinks, on which precision can be measured."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.SiLU(),
        nn.Conv2d(16, 16, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


# -- the three outputs -------------------------------------------------------------------------------------


def test_the_trace_and_the_sum_are_traces_and_sums_of_the_full_kernel() -> None:
    network, inputs = smooth().double(), torch.randn(5, 3, 8, 8, dtype=torch.float64)
    full = tangent_kernel(network, inputs, output="full").values.view(5, 10, 5, 10)
    trace = tangent_kernel(network, inputs, output="trace").values
    torch.testing.assert_close(trace, full.diagonal(dim1=1, dim2=3).sum(-1))
    torch.testing.assert_close(tangent_kernel(network, inputs).values, full.sum((1, 3)))


def test_one_output_has_the_same_kernel_three_times() -> None:
    network, inputs = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1)).double(), torch.randn(5, 4)
    kernels = [tangent_kernel(network, inputs.double(), output=output).values for output in OUTPUTS]
    for kernel in kernels:
        torch.testing.assert_close(kernel, kernels[0])


# -- precision and repetition ------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
def test_float32_is_within_1e_5_of_float64(output: Output) -> None:
    network, inputs = smooth(), torch.randn(16, 3, 16, 16)
    found = tangent_kernel(network, inputs, output=output)
    assert found.values.dtype == torch.float64
    expected = loop_kernel(network.double(), inputs.double(), output=output)
    assert error(found.values, expected) < 1e-5


def test_half_precision_is_as_good_as_the_loop_in_half_precision() -> None:
    network, inputs = nn.Sequential(nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 4)), torch.randn(8, 64)
    exact = loop_kernel(network, inputs)
    half, given = network.bfloat16(), inputs.bfloat16()
    limit = 1.5 * error(loop_kernel(half, given), exact)
    assert error(tangent_kernel(half, given).values, exact) < limit < 0.05


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_kernel_is_the_same_to_the_last_bit_again(output: Output) -> None:
    network, inputs = smooth(), torch.randn(8, 3, 16, 16)
    first = tangent_kernel(network, inputs, output=output)
    torch.manual_seed(99)
    assert torch.equal(first.values, tangent_kernel(network, inputs, output=output).values)


def test_it_works_where_gradients_are_off() -> None:
    network, inputs = smooth().double(), torch.randn(4, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        found = tangent_kernel(network, inputs).values
    torch.testing.assert_close(found, loop_kernel(network, inputs))
    assert not found.requires_grad


@pytest.mark.parametrize("samples", [1, 2, 40])
def test_any_number_of_samples_will_do(samples: int) -> None:
    for name in ("batch norm", "attention", "products of positions", "the neighbour"):
        odd = ZOO[name]
        same_as_loop(odd.network(), odd.inputs(samples))


def test_every_pair_of_samples_can_be_told_apart_by_its_weights() -> None:
    """A network in which only samples far apart meet, as many apart as there are different powers of two."""

    class Far(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.b((y := self.a(x)) + 0.1 * y.roll(31, 0))
            return found

    assert same_as_loop(Far().double(), torch.randn(62, 4).double()).way is Way.LOOP


# -- memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("parts", [2, 3, 4, 99])
@pytest.mark.parametrize(
    "name",
    [
        "batch norm",
        "one convolution on two scales",
        "functional",
        "free parameters behind batch norm",
        "embedding",
    ],
)
def test_a_batch_in_parts_has_the_same_kernel(name: str, parts: int, output: Output) -> None:
    network, inputs = ZOO[name].network(), ZOO[name].inputs(7)
    found = tangent_kernel(network, inputs, output=output, parts=parts)
    assert found.parts == min(parts, len(found.values))
    assert found.way is ZOO[name].way
    assert error(found.values, loop_kernel(network, inputs, output=output)) < 1e-10


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine on which convolutions of more than three samples do not fit in memory. Gives a list of the
    batches that were tried.
    """
    tried: list[int] = []
    by_weight = Convolution.by_weight

    def limited(self: Convolution, inputs: Tensor, gradient: Tensor) -> Tensor:
        tried.append(len(inputs))
        if len(inputs) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return by_weight(self, inputs, gradient)

    monkeypatch.setattr(Convolution, "by_weight", limited)
    return tried


def test_it_steps_back_when_memory_runs_out(small_memory: list[int]) -> None:
    network, inputs = smooth().double(), torch.randn(8, 3, 8, 8, dtype=torch.float64)
    found = tangent_kernel(network, inputs)
    assert found.parts > 3
    assert small_memory[0] == 8
    assert small_memory[-1] <= 3
    assert error(found.values, loop_kernel(network, inputs)) < 1e-10


@pytest.mark.parametrize("name", ["the batch's constant mean", "noise"])
def test_what_cannot_be_cut_is_out_of_memory(name: str) -> None:
    with pytest.raises(MemoryError, match="cannot be run on fewer at a time"):
        tangent_kernel(ZOO[name].network(), ZOO[name].inputs(8), parts=4)


def test_what_never_fits_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    monkeypatch.setattr(Tape, "run", never)
    with pytest.raises(MemoryError, match="not even two at a time"):
        tangent_kernel(smooth(), torch.randn(8, 3, 8, 8))


# -- what has no kernel -----------------------------------------------------------------------------------


class Scaled(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * float("inf")


class Pair(nn.Linear):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


BAD: dict[str, tuple[nn.Module, type[Exception], str]] = {
    "no parameters": (nn.Flatten(), DegenerateScoreError, "no trainable parameters"),
    "no trainable parameters": (
        nn.Linear(3, 2).requires_grad_(False),
        DegenerateScoreError,
        "no trainable parameters",
    ),
    "complex parameters": (
        nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2, dtype=torch.complex64)),
        InvalidCandidateError,
        r"'1\.weight' is torch\.complex64",
    ),
    "another device": (
        nn.Linear(3, 2, device="meta"),
        InvalidCandidateError,
        r"'weight' is on meta, and the inputs are on cpu",
    ),
    "a tuple": (Pair(3, 2), InvalidCandidateError, "the network's output is a tuple"),
    "logits that are not finite": (Scaled(3, 2), DegenerateScoreError, "8 of 8 logits are not finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_has_no_kernel_says_why(name: str) -> None:
    network, kind, message = BAD[name]
    for kernel in (tangent_kernel, loop_kernel):
        with pytest.raises(kind, match=message):
            kernel(network, torch.randn(4, 3))


def test_what_cannot_run_raises_as_it_does_without_us() -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        tangent_kernel(nn.Linear(3, 2), torch.randn(4, 5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("output", OUTPUTS)
def test_cuda_agrees_with_the_cpu(output: Output) -> None:
    network, inputs = smooth(), torch.randn(16, 3, 16, 16)
    expected = tangent_kernel(network, inputs, output=output).values
    found = tangent_kernel(network.cuda(), inputs.cuda(), output=output)
    assert found.way is Way.LAYERS
    assert error(found.values.cpu(), expected) < 1e-4
