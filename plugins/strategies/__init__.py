"""Strategies: what decides which candidate is tried next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from automl.core.hookspecs import Register

AUTOML_API = 1


@hookimpl
def automl_register(register: Register) -> None:
    """Register the built-in strategies."""
    from automl.plugins.strategies.evolution import Evolution
    from automl.plugins.strategies.exhaustive import Exhaustive
    from automl.plugins.strategies.random_search import RandomSearch

    for strategy in (RandomSearch, Exhaustive, Evolution):
        register.strategy(strategy)
