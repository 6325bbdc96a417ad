"""Architecture search with training-free scores, runs that replay, and every trial in Parquet.

The names below are the public face. They are imported when first used, so that ``import automl`` and
``automl --help`` cost next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automl.core import contracts, errors
    from automl.core.hookspecs import API_VERSION, hookimpl
    from automl.core.launch import resume, search
    from automl.core.store import open_run

__all__ = ["API_VERSION", "contracts", "errors", "hookimpl", "open_run", "resume", "search"]

_HOMES = {
    "API_VERSION": ("automl.core.hookspecs", "API_VERSION"),
    "contracts": ("automl.core.contracts", None),
    "errors": ("automl.core.errors", None),
    "hookimpl": ("automl.core.hookspecs", "hookimpl"),
    "open_run": ("automl.core.store", "open_run"),
    "search": ("automl.core.launch", "search"),
    "resume": ("automl.core.launch", "resume"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'automl' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    home = import_module(module)
    return home if attribute is None else getattr(home, attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
