"""The neural tangent kernel's score: how a network's gradients differ from sample to sample."""

from automl.evaluators.ntk.evaluator import Ntk
from automl.evaluators.ntk.options import NtkOptions

__all__ = ["Ntk", "NtkOptions"]
