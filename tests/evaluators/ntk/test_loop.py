"""The kernel by the loop, against closed forms and against other ways to a Jacobian, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap
from torch.nn import functional as F  # noqa: N812

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError
from automl.evaluators.ntk.loop import loop_kernel
from automl.evaluators.ntk.options import BatchNorm, Output

SETTINGS: list[BatchNorm] = ["frozen", "train", "eval"]
OUTPUTS: list[Output] = ["sum", "trace"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def contracted(jacobians: dict[str, Tensor]) -> Tensor:
    """The trace kernel from Jacobians ``(n, classes, *shape)`` by parameter."""
    flat = torch.cat([jacobian.flatten(2) for jacobian in jacobians.values()], 2)
    return torch.einsum("ikp,jkp->ij", flat, flat)


def by_sample(network: nn.Module, inputs: Tensor, output: Output) -> Tensor:
    """The kernel of a network whose samples do not meet, each sample being run alone."""
    parameters = {name: parameter.detach() for name, parameter in network.named_parameters()}

    def logits(values: dict[str, Tensor], one: Tensor) -> Tensor:
        found: Tensor = functional_call(network, values, (one.unsqueeze(0),)).squeeze(0)
        return found.sum(0, keepdim=True) if output == "sum" else found

    return contracted(vmap(jacrev(logits), (None, 0))(parameters, inputs))


def of_the_batch(run: Callable[[dict[str, Tensor]], Tensor], network: nn.Module, output: Output) -> Tensor:
    """The kernel of whatever maps parameters to the logits of a batch, by torch's own Jacobian."""
    names = [name for name, _ in network.named_parameters()]

    def logits(*values: Tensor) -> Tensor:
        found = run(dict(zip(names, values, strict=True)))
        return found.sum(1, keepdim=True) if output == "sum" else found

    values = tuple(parameter.detach() for parameter in network.parameters())
    jacobians: Any = torch.autograd.functional.jacobian(logits, values)  # type: ignore[no-untyped-call]  # torch's
    return contracted(dict(zip(names, jacobians, strict=True)))


# -- closed forms ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 6), features=st.integers(1, 5), classes=st.integers(1, 4), bias=st.booleans())
def test_a_linear_network_has_the_gram_matrix_of_its_inputs(
    n: int, features: int, classes: int, bias: bool
) -> None:
    inputs = normal(n, features)
    network = nn.Linear(features, classes, bias=bias).double()
    kernel = classes * (inputs @ inputs.T + bias)
    for output in OUTPUTS:
        torch.testing.assert_close(loop_kernel(network, inputs, output=output), kernel)


@pytest.mark.parametrize("output", OUTPUTS)
def test_two_layers_have_the_closed_form(output: Output) -> None:
    inputs, first, second = normal(6, 4), nn.Linear(4, 7, bias=False), nn.Linear(7, 3, bias=False)
    network = nn.Sequential(first, nn.ReLU(), second).double()
    hidden = (inputs @ first.weight.T).relu()
    # The gradients of the functions by the hidden layer: one function of all logits, or one a logit.
    weights = second.weight.sum(0, keepdim=True) if output == "sum" else second.weight
    behind = [row * (hidden > 0) for row in weights]
    kernel = 3 * hidden @ hidden.T + sum(g @ g.T for g in behind) * (inputs @ inputs.T)
    torch.testing.assert_close(loop_kernel(network, inputs, output=output), kernel.detach())


def test_the_trace_is_another_kernel_than_the_sum() -> None:
    network = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 3)).double()
    inputs = normal(5, 4)
    assert not torch.allclose(loop_kernel(network, inputs), loop_kernel(network, inputs, output="trace"))


# -- other ways to the Jacobian ---------------------------------------------------------------------------


class Forked(nn.Module):
    """Two paths with a tied layer, and a parameter that reaches only some of the samples."""

    def __init__(self) -> None:
        super().__init__()
        self.tied = nn.Linear(6, 6)
        self.out = nn.Linear(6, 3)
        self.sometimes = nn.Parameter(torch.randn(3))
        self.unused = nn.Parameter(torch.randn(5))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.tied(self.tied(x.flatten(1)).tanh()) + x.flatten(1)
        logits: Tensor = self.out(hidden)
        return logits + torch.where(x.flatten(1)[:, :1] > 0, self.sometimes, 0.0)


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.GroupNorm(2, 4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, stride=2, groups=2),
        nn.InstanceNorm2d(4, affine=True),
        nn.GELU(),
        nn.Conv2d(4, 4, 1, bias=False),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("batchnorm", SETTINGS)
@pytest.mark.parametrize(
    ("build", "shape"), [(convolutional, (2, 6, 6)), (Forked, (2, 3))], ids=["convolutional", "forked"]
)
def test_without_batch_norm_every_setting_is_the_kernel_of_single_samples(
    build: Callable[[], nn.Module], shape: tuple[int, ...], batchnorm: BatchNorm, output: Output
) -> None:
    network, inputs = build().double(), normal(5, *shape)
    kernel = loop_kernel(network, inputs, batchnorm=batchnorm, output=output)
    torch.testing.assert_close(kernel, by_sample(network, inputs, output))


class FixedAffine(nn.Module):
    """What a batch norm is once its statistics are numbers."""

    def __init__(self, norm: nn.modules.batchnorm._BatchNorm, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        self.mean, self.scale = mean.detach(), (variance.detach() + 1e-5).rsqrt()

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1, *[1] * (x.ndim - 2))
        mean, scale = self.mean.view(shape), self.scale.view(shape)
        weight, bias = self.weight.view(shape), self.bias.view(shape)
        found: Tensor = (x - mean) * scale * weight + bias
        return found


def with_fixed_affines(network: nn.Sequential, inputs: Tensor) -> nn.Sequential:
    """The network with each batch norm replaced by the affine map that it is on this batch."""
    layers: list[nn.Module] = []
    hidden = inputs
    for layer in network:
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            channels = hidden.transpose(0, 1).flatten(1)
            layers.append(FixedAffine(layer, channels.mean(1), channels.var(1, correction=0)))
        else:
            layers.append(layer)
        hidden = layers[-1](hidden)
    return nn.Sequential(*layers)


class NormThenReLU(nn.BatchNorm2d):
    """A batch norm with a forward of its own, as libraries of networks have them."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class Functional(nn.Module):
    """A batch norm that is no module."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.rand(4) + 0.5), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, None, None, self.weight, self.bias, training=True)


def normalised(norm: Callable[[], nn.Module], *, dims: int = 2) -> nn.Sequential:
    """Two convolutions (or linear layers) with norms, of which the first is ``norm()``."""
    conv: Any = {0: nn.Linear, 1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dims]
    last: Any = {0: nn.BatchNorm1d, 1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[dims]
    kernel = () if dims == 0 else (2,)
    network = nn.Sequential(
        conv(2, 4, *kernel),
        norm(),
        nn.Tanh(),
        conv(4, 4, *kernel),
        last(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(3),
    )
    network(torch.randn(3, 2, *[4] * dims))
    for layer in network:
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias)
    return network.double()


NORMS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "linear": (lambda: nn.BatchNorm1d(4), 0),
    "1d": (lambda: nn.BatchNorm1d(4), 1),
    "2d": (lambda: nn.BatchNorm2d(4), 2),
    "3d": (lambda: nn.BatchNorm3d(4), 3),
    "without running statistics": (lambda: nn.BatchNorm2d(4, track_running_stats=False), 2),
    "synchronised": (lambda: nn.SyncBatchNorm(4), 2),
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("norm", NORMS)
def test_frozen_is_the_kernel_with_fixed_affine_maps(norm: str, output: Output) -> None:
    build, dims = NORMS[norm]
    network, inputs = normalised(build, dims=dims), normal(6, 2, *[4] * dims)
    twin = with_fixed_affines(network, inputs)
    kernel = loop_kernel(network, inputs, batchnorm="frozen", output=output)
    torch.testing.assert_close(kernel, by_sample(twin, inputs, output))


def test_frozen_reaches_norms_that_are_subclasses_or_no_modules() -> None:
    inputs = normal(6, 2, 4, 4)
    plain = normalised(lambda: nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()))
    subclass = normalised(lambda: NormThenReLU(4))
    functional = normalised(lambda: nn.Sequential(Functional(), nn.ReLU()))
    values = list(plain.parameters())
    for network in (subclass, functional):
        with torch.no_grad():
            for parameter, value in zip(network.parameters(), values, strict=True):
                parameter.copy_(value)
        torch.testing.assert_close(loop_kernel(network, inputs), loop_kernel(plain, inputs))


@pytest.mark.parametrize("output", OUTPUTS)
def test_train_differentiates_through_the_statistics(output: Output) -> None:
    network, inputs = normalised(lambda: nn.BatchNorm2d(4)), normal(5, 2, 4, 4)
    kernel = loop_kernel(network, inputs, batchnorm="train", output=output)
    twin = of_the_batch(lambda values: functional_call(network, values, (inputs,)), network, output)
    torch.testing.assert_close(kernel, twin)
    assert not torch.allclose(kernel, loop_kernel(network, inputs, batchnorm="frozen", output=output))


def test_eval_takes_the_running_statistics() -> None:
    network, inputs = normalised(lambda: nn.BatchNorm2d(4)), normal(5, 2, 4, 4)
    with torch.no_grad():
        network(inputs * 3 + 1)  # so that they are something
    kernel = loop_kernel(network, inputs, batchnorm="eval")
    assert not torch.allclose(kernel, loop_kernel(network, inputs, batchnorm="frozen"))
    torch.testing.assert_close(kernel, by_sample(network.eval(), inputs, "sum"))


# -- what comes back ----------------------------------------------------------------------------------------


def test_float32_agrees_with_float64_and_comes_as_float64() -> None:
    network, inputs = convolutional(), normal(6, 2, 6, 6)
    kernel = loop_kernel(network, inputs.float())
    assert kernel.dtype == torch.float64
    assert torch.equal(kernel, kernel.T)
    torch.testing.assert_close(kernel, loop_kernel(network.double(), inputs), rtol=1e-3, atol=1e-4)


def test_products_of_float32_gradients_are_summed_in_float64() -> None:
    inputs = torch.randn(5, 300)  # the gradients of a linear layer, exactly
    kernel = loop_kernel(nn.Linear(300, 1, bias=False), inputs)
    torch.testing.assert_close(kernel, inputs.double() @ inputs.double().T, rtol=1e-12, atol=1e-12)


def test_lazy_layers_take_shape_and_draw_from_the_seed() -> None:
    def kernel(seed: int) -> Tensor:
        network = nn.Sequential(nn.LazyConv2d(4, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(3))
        return loop_kernel(network, inputs, seed=seed)

    inputs, state = torch.randn(5, 2, 4, 4), torch.get_rng_state()
    assert torch.equal(kernel(1), kernel(1))
    assert not torch.equal(kernel(1), kernel(2))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_layer_wider_than_a_chunk_is_summed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = nn.Linear(7, 5).double(), normal(4, 7)
    whole = loop_kernel(network, inputs)
    monkeypatch.setattr("automl.evaluators.ntk.loop._COLUMNS", 8)
    torch.testing.assert_close(loop_kernel(network, inputs), whole)


def test_frozen_parameters_are_no_part_of_it() -> None:
    network, inputs = nn.Linear(4, 3).double(), normal(5, 4)
    network.bias.requires_grad_(False)
    torch.testing.assert_close(loop_kernel(network, inputs), 3 * inputs @ inputs.T)


def test_it_works_where_gradients_are_off_and_leaves_none_behind() -> None:
    network, inputs = nn.Linear(4, 3).double(), normal(5, 4)
    with torch.no_grad():
        kernel = loop_kernel(network, inputs)
    torch.testing.assert_close(kernel, 3 * (inputs @ inputs.T + 1))
    assert all(parameter.grad is None for parameter in network.parameters())


# -- what has no kernel ---------------------------------------------------------------------------------


def test_a_network_without_parameters_is_degenerate() -> None:
    with pytest.raises(DegenerateScoreError, match="no trainable parameters"):
        loop_kernel(nn.Flatten(), torch.randn(4, 3))


def test_complex_parameters_are_refused_by_name() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2, dtype=torch.complex64))
    with pytest.raises(InvalidCandidateError, match=r"'1\.weight' is torch\.complex64"):
        loop_kernel(network, torch.randn(4, 3))


def test_integer_parameters_are_constants() -> None:
    class Shifted(nn.Linear):
        def __init__(self) -> None:
            super().__init__(3, 2)
            self.shift = nn.Parameter(torch.tensor([1, 2]), requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.shift

    inputs = torch.randn(4, 3)
    torch.testing.assert_close(loop_kernel(Shifted(), inputs), 2 * (inputs @ inputs.T + 1).double())
