"""The one hook through which everything is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from automl.core.contracts import Evaluator, SearchSpace, Strategy, Task

PROJECT = "automl"
"""The name of the plugin system and of the entry-point group."""

API_VERSION = 1
"""Raised when a plugin written for the version before would break. A plugin's module states the one
it was written for as ``AUTOML_API = 1``; one that states another is reported and not loaded."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register(Protocol):
    """What a plugin's hook is handed: one method for each kind of thing there is."""

    def space(self, space: type[SearchSpace[Any]]) -> None:
        """Register a search space under its ``name``."""

    def evaluator(self, evaluator: type[Evaluator]) -> None:
        """Register an evaluator (a proxy, if it does not train) under its ``name``."""

    def strategy(self, strategy: type[Strategy]) -> None:
        """Register a strategy under its ``name``."""

    def task(self, task: type[Task]) -> None:
        """Register a task under its ``name``."""


@hookspec
def automl_register(register: Register) -> None:
    """Called once, when plugins are loaded: register what the plugin brings."""
