"""Everything that is registered is held to its contract: a new part is tested once it is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from automl.core.contracts import Evaluator, SearchSpace, Task
from automl.core.registry import KINDS, Registry, load_registry
from automl.testing import EvaluatorContract, SpaceContract, StrategyContract, TaskContract

BUILT_IN: Registry = load_registry(only=[])

FOLDERS = {"images": "data/cifar10"}
"""Where the tasks that need a folder have one, in the shared data."""

SMALL: dict[str, dict[str, Any]] = {"images": {"size": 8}}
"""Options that keep these tests short."""


@pytest.mark.parametrize("plugin", BUILT_IN.plugins, ids=lambda plugin: str(plugin.name))
def test_the_built_in_plugins_load(plugin: Any) -> None:
    assert plugin.error == ""
    assert plugin.api == 1
    assert plugin.registered


def test_there_is_something_of_each_kind() -> None:
    assert all(BUILT_IN.names(kind) for kind in KINDS)


@pytest.mark.parametrize("name", BUILT_IN.names("space"))
class TestSpaces(SpaceContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.space = BUILT_IN.find("space", name)


@pytest.mark.parametrize("name", BUILT_IN.names("evaluator"))
class TestEvaluators(EvaluatorContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.evaluator = BUILT_IN.find("evaluator", name)
        self.space = _a_space_for(self.evaluator, default=EvaluatorContract.space)


@pytest.mark.parametrize("name", BUILT_IN.names("strategy"))
class TestStrategies(StrategyContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.strategy = BUILT_IN.find("strategy", name)


@pytest.mark.parametrize("name", BUILT_IN.names("task"))
class TestTasks(TaskContract):
    @pytest.fixture(autouse=True)
    def _named(self, name: str, request: pytest.FixtureRequest) -> None:
        self.task = BUILT_IN.find("task", name)
        self.given = dict(SMALL.get(name, {}))
        if name in FOLDERS:
            shared: Path = request.getfixturevalue("shared")
            self.given["data"] = str(shared / FOLDERS[name])

    def make_task(self) -> Task:
        return self.task(self.task.Options.model_validate(self.given))


def _a_space_for(evaluator: type[Evaluator], *, default: type[SearchSpace[Any]]) -> type[SearchSpace[Any]]:
    """The kit's own space, or a registered one with the view that the evaluator needs."""
    spaces = [default, *(BUILT_IN.find("space", name) for name in BUILT_IN.names("space"))]
    return next(space for space in spaces if evaluator.view is None or evaluator.view in space.views())
