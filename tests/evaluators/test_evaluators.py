"""The folder as a whole: what it registers, and the example of its guide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import automl.evaluators
from automl.core.contracts import Evaluator, Status
from tests.evaluators.ntk.context import ListedNetworks, NormalTask, PlainContext

README = Path(__file__).parent.parent.parent / "evaluators" / "README.md"


class Registered:
    """What a hook is handed: it lists the evaluators."""

    def __init__(self) -> None:
        self.evaluators: list[type[Evaluator]] = []

    def evaluator(self, evaluator: type[Evaluator]) -> None:
        self.evaluators.append(evaluator)

    def space(self, space: object) -> None:
        raise AssertionError(f"{space} is no evaluator")

    strategy = task = space


def test_the_built_in_evaluators_are_registered() -> None:
    registered = Registered()
    automl.evaluators.automl_register(registered)
    assert [evaluator.name for evaluator in registered.evaluators] == ["ntk", "params", "macs"]


def test_the_example_of_the_guide_registers_and_scores() -> None:
    from torch import nn

    code = README.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    module: dict[str, Any] = {}
    exec(code, module)
    registered = Registered()
    module["automl_register"](registered)
    (evaluator,) = (made() for made in registered.evaluators)

    space = ListedNetworks({"linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(32, 3))})
    outcome = evaluator.evaluate_one(space.subject("linear"), PlainContext(space, NormalTask()))
    assert outcome.status is Status.OK, outcome.reason
    assert outcome.metrics["grad_norm"] > 0
