"""What is read off a kernel, on kernels whose spectrum is known."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from automl.core.contracts import DegenerateScoreError
from automl.evaluators.ntk.spectrum import helmert, spectrum

EIGENVALUES = st.lists(st.floats(0.01, 100), min_size=2, max_size=8)
SEEDS = st.integers(0, 2**32)


def orthogonal(n: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    found: Tensor = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator))[0]
    return found


def with_eigenvalues(values: list[float], seed: int) -> Tensor:
    """A kernel with these eigenvalues, in random directions."""
    q = orthogonal(len(values), seed)
    return q @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ q.T


def with_centred_eigenvalues(values: list[float], common: float, seed: int) -> Tensor:
    """A kernel with these eigenvalues across the vector of ones, and what all samples share besides."""
    basis = helmert(len(values) + 1)
    return basis.T @ with_eigenvalues(values, seed) @ basis + common


@settings(deadline=None)
@given(values=EIGENVALUES, seed=SEEDS)
def test_known_eigenvalues_are_found(values: list[float], seed: int) -> None:
    found = spectrum(with_eigenvalues(values, seed), centred=False)
    smallest, mean, largest = min(values), sum(values) / len(values), max(values)
    assert (found.smallest, found.mean, found.largest) == pytest.approx((smallest, mean, largest))
    assert found.evenness == pytest.approx(-math.log(mean / smallest))
    assert found.log_condition == pytest.approx(math.log(largest / smallest))


@settings(deadline=None)
@given(values=EIGENVALUES, common=st.floats(0, 100), seed=SEEDS)
def test_what_all_samples_share_is_no_part_of_a_centred_spectrum(
    values: list[float], common: float, seed: int
) -> None:
    found = spectrum(with_centred_eigenvalues(values, common, seed))
    expected = (min(values), sum(values) / len(values), max(values))
    assert (found.smallest, found.mean, found.largest) == pytest.approx(expected)


@settings(deadline=None)
@given(values=EIGENVALUES, seed=SEEDS)
def test_centring_is_hkh_without_the_zero_of_the_vector_of_ones(values: list[float], seed: int) -> None:
    kernel = with_eigenvalues(values, seed)
    h = torch.eye(len(values)) - torch.ones(len(values), len(values)) / len(values)
    zero, *others = torch.linalg.eigvalsh(h.double() @ kernel @ h.double()).tolist()
    assert zero == pytest.approx(0, abs=1e-5)
    found = spectrum(kernel)
    assert (found.smallest, found.largest) == pytest.approx((others[0], others[-1]), rel=1e-3)


@settings(deadline=None)
@given(values=EIGENVALUES, seed=SEEDS, centred=st.booleans(), data=st.data())
def test_the_order_of_the_samples_does_not_matter(
    values: list[float], seed: int, centred: bool, data: st.DataObject
) -> None:
    kernel = with_eigenvalues(values, seed)
    order = data.draw(st.permutations(range(len(values))))
    found, again = (spectrum(k, centred=centred) for k in (kernel, kernel[order][:, order]))
    assert again.evenness == pytest.approx(found.evenness, abs=1e-9)
    assert again.log_condition == pytest.approx(found.log_condition, abs=1e-9)
    assert (again.smallest, again.largest) == pytest.approx((found.smallest, found.largest))


@settings(deadline=None)
@given(values=EIGENVALUES, seed=SEEDS, centred=st.booleans(), exponent=st.integers(-60, 60))
def test_the_scale_of_the_kernel_does_not_matter(
    values: list[float], seed: int, centred: bool, exponent: int
) -> None:
    kernel, scale = with_eigenvalues(values, seed), 10.0**exponent
    found, scaled = spectrum(kernel, centred=centred), spectrum(scale * kernel, centred=centred)
    assert scaled.evenness == pytest.approx(found.evenness, abs=1e-9)
    assert scaled.log_condition == pytest.approx(found.log_condition, abs=1e-9)
    assert scaled.smallest == pytest.approx(scale * found.smallest)


@settings(deadline=None)
@given(values=EIGENVALUES, seed=SEEDS)
def test_no_kernel_is_more_even_than_one_with_equal_eigenvalues(values: list[float], seed: int) -> None:
    found = spectrum(with_eigenvalues(values, seed), centred=False)
    assert found.evenness <= 1e-12
    assert found.log_condition >= -1e-12
    assert spectrum(torch.eye(4)).evenness == pytest.approx(0)


@pytest.mark.parametrize("n", [1, 2, 3, 16])
def test_helmert_rows_are_an_orthonormal_basis_across_the_vector_of_ones(n: int) -> None:
    basis = helmert(n)
    assert basis.shape == (n - 1, n)
    torch.testing.assert_close(basis @ basis.T, torch.eye(n - 1, dtype=torch.float64))
    torch.testing.assert_close(basis.sum(1), torch.zeros(n - 1, dtype=torch.float64))


# -- kernels that rank nothing ------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_kernel_that_is_not_finite_is_degenerate(value: float) -> None:
    kernel = torch.eye(4)
    kernel[1, 2] = kernel[2, 1] = value
    with pytest.raises(DegenerateScoreError, match="2 of 16 entries of the tangent kernel are not finite"):
        spectrum(kernel)


@pytest.mark.parametrize("centred", [True, False])
def test_a_zero_kernel_is_degenerate(centred: bool) -> None:
    with pytest.raises(DegenerateScoreError, match="the tangent kernel is zero"):
        spectrum(torch.zeros(4, 4), centred=centred)


def test_equal_gradients_are_degenerate() -> None:
    with pytest.raises(DegenerateScoreError, match="the centred tangent kernel is singular"):
        spectrum(torch.full((4, 4), 3.0))


@pytest.mark.parametrize("centred", [True, False])
def test_singular_gram_matrices_of_float32_never_get_a_number(centred: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    negative = 0
    for _ in range(200):
        gradients = torch.randn(16, 12, generator=generator)
        kernel = gradients @ gradients.T
        negative += bool(torch.linalg.eigvalsh(kernel.double())[0] < 0)
        with pytest.raises(DegenerateScoreError, match="tangent kernel is singular"):
            spectrum(kernel, centred=centred)
    assert negative > 50  # of which a ratio of eigenvalues would have made a negative condition number


def test_a_sample_twice_is_degenerate_even_if_rounding_tells_the_two_apart() -> None:
    gradients = torch.randn(8, 500, generator=torch.Generator().manual_seed(0))
    gradients[1] = gradients[0] * (1 + torch.finfo(torch.float32).eps)
    kernel = gradients.double() @ gradients.double().T
    with pytest.raises(DegenerateScoreError, match="singular"):
        spectrum(kernel)


def test_the_floor_is_that_of_the_gradients_precision() -> None:
    kernel = torch.diag(torch.tensor([1.0, 1.0, 1.0, 1e-9], dtype=torch.float64))
    with pytest.raises(DegenerateScoreError, match="singular"):
        spectrum(kernel, centred=False)
    assert spectrum(kernel, centred=False, precision=torch.float64).smallest == pytest.approx(1e-9)
