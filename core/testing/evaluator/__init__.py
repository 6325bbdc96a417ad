"""The contract of evaluators as test cases."""

from automl.core.testing.evaluator.failures import FailureCases
from automl.core.testing.evaluator.independence import IndependenceCases
from automl.core.testing.evaluator.results import ResultCases

__all__ = ["EvaluatorContract"]


class EvaluatorContract(ResultCases, IndependenceCases, FailureCases):
    """Holds an evaluator to its contract.

    ``class TestMyScore(EvaluatorContract): evaluator = MyScore`` is a whole test suite: the evaluator is
    tried on small convolutional networks and images of noise. Set ``space`` and ``task``, or override
    `make_evaluator`, `make_space` and `make_task`, for one that needs others.
    """
