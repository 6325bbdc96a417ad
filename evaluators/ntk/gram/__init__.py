"""The tangent kernel, layer by layer: exact, at the price of about one backward pass."""

from automl.evaluators.ntk.gram.kernel import Kernel, Way, tangent_kernel

__all__ = ["Kernel", "Way", "tangent_kernel"]
