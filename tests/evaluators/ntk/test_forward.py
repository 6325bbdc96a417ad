"""The forward pass: nothing random in it, nothing changed by it, and only logits come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError
from automl.evaluators.ntk.forward import differentiable_logits
from automl.evaluators.ntk.options import BatchNorm

SETTINGS: list[BatchNorm] = ["frozen", "train", "eval"]


class Lambda(nn.Module):
    """A linear layer, and a function of what it yields."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 4)
        self._function = function

    def forward(self, x: Tensor) -> Any:
        return self._function(self.linear(x))


# -- nothing changes ------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Changes all that a forward pass can change: buffers, its input, and the random state."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3)
        self.norm = nn.BatchNorm2d(3)
        self.instance = nn.InstanceNorm2d(3, track_running_stats=True)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("seen", torch.zeros(2))
        self.calls: Tensor
        self.seen: Tensor

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen = self.seen + x.detach().mean((0, 2, 3))
        x.mul_(2)
        hidden: Tensor = self.instance(self.norm(self.conv(x))).mean((2, 3))
        return hidden + torch.rand(3)


@pytest.mark.parametrize("batchnorm", SETTINGS)
def test_network_inputs_and_random_state_are_as_before(batchnorm: BatchNorm) -> None:
    network, inputs = Restless(), torch.randn(4, 2, 5, 5)
    network.norm.eval()  # modes that differ
    buffers = {name: (buffer, buffer.clone()) for name, buffer in network.named_buffers()}
    modes = [module.training for module in network.modules()]
    given, state = inputs.clone(), torch.get_rng_state()

    differentiable_logits(network, inputs, batchnorm=batchnorm)

    for name, buffer in network.named_buffers():
        same, value = buffers[name]
        assert buffer is same, name
        assert torch.equal(buffer, value), name
    assert [module.training for module in network.modules()] == modes
    assert torch.equal(inputs, given)
    assert torch.equal(torch.get_rng_state(), state)


def test_all_is_put_back_when_the_network_fails() -> None:
    class Failing(Restless):
        def forward(self, x: Tensor) -> Tensor:
            super().forward(x)
            raise ValueError("no")

    network, inputs = Failing().eval(), torch.randn(4, 2, 5, 5)
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match="no"):
        differentiable_logits(network, inputs)
    assert not any(module.training for module in network.modules())
    assert network.calls == 0
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("batchnorm", SETTINGS)
def test_the_setting_decides_and_not_the_mode_of_the_network(batchnorm: BatchNorm) -> None:
    network, inputs = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), torch.randn(5, 3)
    training = differentiable_logits(network.train(), inputs, batchnorm=batchnorm)
    assert torch.equal(training, differentiable_logits(network.eval(), inputs, batchnorm=batchnorm))


def test_the_graph_is_there_where_gradients_are_off() -> None:
    network, inputs = nn.Linear(3, 4), torch.randn(5, 3)
    with torch.no_grad():
        assert differentiable_logits(network, inputs).requires_grad


# -- nothing is random ------------------------------------------------------------------------------------


class SelfAttention(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, dropout, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.unsqueeze(2) * torch.ones(4)
        found: Tensor = self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(1)
        return found


def dot_product_attention(x: Tensor, p: float) -> Tensor:
    tokens = x.unsqueeze(2)
    return F.scaled_dot_product_attention(tokens, tokens, tokens, None, p).flatten(1)


THINNED: dict[str, Callable[[float], nn.Module]] = {
    "Dropout": lambda p: nn.Sequential(nn.Linear(6, 4), nn.Dropout(p)),
    "Dropout in place": lambda p: nn.Sequential(nn.Linear(6, 4), nn.Dropout(p, inplace=True)),
    "Dropout1d": lambda p: nn.Sequential(
        nn.Linear(6, 4), nn.Unflatten(1, (2, 2)), nn.Dropout1d(p), nn.Flatten()
    ),
    "Dropout2d": lambda p: nn.Sequential(
        nn.Linear(6, 4), nn.Unflatten(1, (2, 2, 1)), nn.Dropout2d(p), nn.Flatten()
    ),
    "Dropout3d": lambda p: nn.Sequential(
        nn.Linear(6, 4), nn.Unflatten(1, (2, 2, 1, 1)), nn.Dropout3d(p), nn.Flatten()
    ),
    "AlphaDropout": lambda p: nn.Sequential(nn.Linear(6, 4), nn.AlphaDropout(p)),
    "FeatureAlphaDropout": lambda p: nn.Sequential(
        nn.Linear(6, 4), nn.Unflatten(1, (2, 2, 1)), nn.FeatureAlphaDropout(p), nn.Flatten()
    ),
    "functional": lambda p: Lambda(lambda x: F.dropout(x, p, training=True)),
    "attention": lambda p: SelfAttention(p),
    "dot product attention": lambda p: Lambda(lambda x: dot_product_attention(x, p)),
}


@pytest.mark.parametrize("batchnorm", SETTINGS)
@pytest.mark.parametrize("name", THINNED)
def test_dropout_is_left_out(name: str, batchnorm: BatchNorm) -> None:
    network, without = THINNED[name](0.5), THINNED[name](0.0)
    without.load_state_dict(network.state_dict())
    inputs = torch.randn(5, 6)
    found = differentiable_logits(network, inputs, batchnorm=batchnorm)
    torch.testing.assert_close(found, differentiable_logits(without, inputs, batchnorm=batchnorm))


def test_other_random_numbers_come_from_the_seed() -> None:
    network, inputs = Lambda(lambda x: x * torch.rand_like(x)), torch.randn(5, 6)
    first = differentiable_logits(network, inputs, seed=1)
    assert torch.equal(first, differentiable_logits(network, inputs, seed=1))
    assert not torch.equal(first, differentiable_logits(network, inputs, seed=2))


# -- only logits come out -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: (x, x), r"output is a tuple: expected one tensor, logits \(5, classes\)"),
        (lambda x: x.view(5, 2, 2), r"shape \(5, 2, 2\): expected logits \(5, classes\)"),
        (lambda x: x.sum(1), r"shape \(5,\)"),
        (lambda x: x.mean(0, keepdim=True), r"shape \(1, 4\)"),
        (lambda x: x.argmax(1, keepdim=True), r"torch\.int64: expected real logits"),
        (lambda x: x * 1j, r"torch\.complex64: expected real logits"),
    ],
)
def test_other_outputs_are_invalid(function: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(InvalidCandidateError, match=message):
        differentiable_logits(Lambda(function), torch.randn(5, 6))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.detach(), "no trainable parameter reaches the logits"),
        (lambda x: torch.zeros(5, 3), "no trainable parameter reaches the logits"),
        (lambda x: x * torch.tensor([1, 1, 1, float("nan")]), "5 of 20 logits are not finite"),
        (lambda x: x / 0, "20 of 20 logits are not finite"),
    ],
)
def test_logits_that_say_nothing_are_degenerate(function: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(DegenerateScoreError, match=message):
        differentiable_logits(Lambda(function), torch.randn(5, 6))
