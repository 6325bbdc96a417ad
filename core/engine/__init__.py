"""Where evaluations run. An engine turns genotypes into outcomes, the same ones wherever it runs."""

from automl.core.engine.cautious import CautiousEngine
from automl.core.engine.context import EngineContext
from automl.core.engine.inline import InlineEngine
from automl.core.engine.isolated import IsolatedEngine
from automl.core.engine.work import Engine, Evaluation, Work
from automl.core.engine.workbench import Workbench

__all__ = [
    "CautiousEngine",
    "Engine",
    "EngineContext",
    "Evaluation",
    "InlineEngine",
    "IsolatedEngine",
    "Work",
    "Workbench",
]
