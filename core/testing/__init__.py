"""The kit that holds a plugin to its contract.

A plugin's author subclasses a case, names his class, and pytest does the rest::

    from automl.testing import SpaceContract
    from my_plugin import MySpace

    class TestMySpace(SpaceContract):
        space = MySpace

Each test that fails says what the plugin did, what the contract demands, and what to change.
"""

from automl.core.testing.broken import BrokenContractError
from automl.core.testing.evaluator import EvaluatorContract
from automl.core.testing.parts import BranchSpace, ConvSpace, LineSpace, NoiseOptions, NoiseTask
from automl.core.testing.space import SpaceContract
from automl.core.testing.strategy import StrategyContract
from automl.core.testing.task import TaskContract

__all__ = [
    "BranchSpace",
    "BrokenContractError",
    "ConvSpace",
    "EvaluatorContract",
    "LineSpace",
    "NoiseOptions",
    "NoiseTask",
    "SpaceContract",
    "StrategyContract",
    "TaskContract",
]
