"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("automl", deadline=None)  # a slow machine is no failure
settings.load_profile("automl")

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first: whoever breaks something wants to know at once."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real benchmark tables and images: ``$AUTOML_SHARED``, else ``../shared``."""
    folder = Path(os.environ.get("AUTOML_SHARED", ROOT.parent / "shared"))
    if (folder / "data").is_dir():
        return folder
    message = f"no shared data in {folder}: set AUTOML_SHARED to the folder that holds data/"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
