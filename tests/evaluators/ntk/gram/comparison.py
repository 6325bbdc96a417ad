"""The kernel of this package beside the loop's."""

from __future__ import annotations

from torch import Tensor, nn

from automl.evaluators.ntk.gram import Kernel, Way, tangent_kernel
from automl.evaluators.ntk.loop import loop_kernel
from automl.evaluators.ntk.options import BatchNorm, Output


def error(found: Tensor, expected: Tensor) -> float:
    """The relative error in the Frobenius norm."""
    return float((found - expected).norm() / expected.norm())


def same_as_loop(
    network: nn.Module,
    inputs: Tensor,
    *,
    batchnorm: BatchNorm = "frozen",
    output: Output = "sum",
    way: Way | None = None,
    tolerance: float = 1e-10,
) -> Kernel:
    """The kernel, which is the loop's, and was found in the way that was asked for."""
    expected = loop_kernel(network, inputs, batchnorm=batchnorm, output=output, seed=3)
    found = tangent_kernel(network, inputs, batchnorm=batchnorm, output=output, seed=3)
    assert found.values.shape == expected.shape
    assert error(found.values, expected) < tolerance
    if way is not None:
        assert found.way is way
    return found
