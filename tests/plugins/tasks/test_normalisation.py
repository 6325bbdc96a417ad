from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from automl.plugins.tasks.normalisation import Normalisation

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def counts_of(pixels: Pixels) -> list[list[int]]:
    return [
        np.bincount(pixels[:, channel].ravel(), minlength=256).tolist() for channel in range(pixels.shape[1])
    ]


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 3), st.just(4), st.just(3))))
def test_normalises_as_numpy_would(pixels: Pixels) -> None:
    found = Normalisation.of_counts(counts_of(pixels))
    mean = pixels.mean(axis=(0, 2, 3), dtype=np.float64)
    std = pixels.std(axis=(0, 2, 3), dtype=np.float64)
    std[std == 0] = 1
    np.testing.assert_allclose(found.mean, mean, rtol=1e-12)
    np.testing.assert_allclose(found.std, std, rtol=1e-9)
    expected = (pixels - mean.reshape(-1, 1, 1)) / std.reshape(-1, 1, 1)
    np.testing.assert_allclose(found.apply(pixels).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_channel_that_never_varies_stays_finite() -> None:
    pixels = np.full((2, 1, 3, 3), 9, dtype=np.uint8)
    found = Normalisation.of_counts(counts_of(pixels))
    assert (found.mean, found.std) == ((9.0,), (1.0,))
    assert found.apply(pixels).abs().max() == 0


def test_leaves_the_pixels_as_they_were() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)
    before = pixels.copy()
    Normalisation((1.0,), (2.0,)).apply(pixels)
    assert (pixels == before).all()


def test_sums_do_not_lose_digits_to_many_pixels() -> None:
    counts = [0] * 256
    counts[254], counts[255] = 10**12, 10**12
    found = Normalisation.of_counts([counts])
    assert found.mean == (254.5,)
    assert found.std == pytest.approx((0.5,), rel=1e-12)
