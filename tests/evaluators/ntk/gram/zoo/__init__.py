"""Networks of many kinds, ordinary and odd, each with the way in which its kernel is to be found."""

from tests.evaluators.ntk.gram.zoo.coupled import COUPLED
from tests.evaluators.ntk.gram.zoo.functions import TORCH_FUNCTIONS
from tests.evaluators.ntk.gram.zoo.layers import TORCH_LAYERS
from tests.evaluators.ntk.gram.zoo.odd import CLASSES, Odd
from tests.evaluators.ntk.gram.zoo.parameters import FREE_PARAMETERS

ZOO: dict[str, Odd] = {**TORCH_LAYERS, **TORCH_FUNCTIONS, **FREE_PARAMETERS, **COUPLED}

__all__ = ["CLASSES", "ZOO", "Odd"]
