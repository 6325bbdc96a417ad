"""What a network costs, whatever its weights: ``params`` and ``macs``.

Both look at the space's full networks, and count what is written down whether or not it has an effect:
so they tell apart candidates that compute the same function (`Equality.FORM`).
"""

from automl.evaluators.complexity.macs import Macs
from automl.evaluators.complexity.params import Params

__all__ = ["Macs", "Params"]
