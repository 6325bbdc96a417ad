"""Test cases that hold a plugin to its contract: subclass one, name your class in it, and run pytest.

See the docstrings of `SpaceContract`, `EvaluatorContract`, `StrategyContract` and `TaskContract`.
"""

from automl.core.testing import (
    BranchSpace,
    BrokenContractError,
    ConvSpace,
    EvaluatorContract,
    LineSpace,
    NoiseOptions,
    NoiseTask,
    SpaceContract,
    StrategyContract,
    TaskContract,
)

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
