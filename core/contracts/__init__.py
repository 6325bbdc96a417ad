"""The contracts between the engine and everything that is plugged into it.

Nothing here imports torch, ray, pandas or optuna: a plugin's module can be read without them.
"""

from automl.core.contracts.choices import Choices, Decision, IntegerRange, OneOf, UniformRange
from automl.core.contracts.component import Component, Options
from automl.core.contracts.evaluator import (
    Checkpoints,
    DegenerateScoreError,
    Equality,
    EvaluationContext,
    Evaluator,
    InvalidCandidateError,
    NetworkSize,
    Subject,
    failure,
)
from automl.core.contracts.genotype import Genotype, Value
from automl.core.contracts.metric import Direction, Metric, Objective
from automl.core.contracts.seeds import derive_seed
from automl.core.contracts.space import SIZE_CAP, SearchSpace, View
from automl.core.contracts.strategy import Answer, Proposal, Strategy
from automl.core.contracts.task import Batch, Task
from automl.core.contracts.trial import MACHINE_DEPENDENT, Outcome, Source, Status, Trial

__all__ = [
    "MACHINE_DEPENDENT",
    "SIZE_CAP",
    "Answer",
    "Batch",
    "Checkpoints",
    "Choices",
    "Component",
    "Decision",
    "DegenerateScoreError",
    "Direction",
    "Equality",
    "EvaluationContext",
    "Evaluator",
    "Genotype",
    "IntegerRange",
    "InvalidCandidateError",
    "Metric",
    "NetworkSize",
    "Objective",
    "OneOf",
    "Options",
    "Outcome",
    "Proposal",
    "SearchSpace",
    "Source",
    "Status",
    "Strategy",
    "Subject",
    "Task",
    "Trial",
    "UniformRange",
    "Value",
    "View",
    "derive_seed",
    "failure",
]
