"""Fixtures for the store's tests."""

from __future__ import annotations

import pytest

from automl.core.store import writer


@pytest.fixture(autouse=True)
def _seal_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sealed because the machine was slow."""
    assert writer.SEAL_SECONDS == writer.DEAR_SECONDS == 1.0
    monkeypatch.setattr(writer, "SEAL_SECONDS", 3600.0)
