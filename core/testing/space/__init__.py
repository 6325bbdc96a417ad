"""The contract of search spaces as test cases."""

from automl.core.testing.space.definition import DefinitionCases
from automl.core.testing.space.enumeration import EnumerationCases
from automl.core.testing.space.network import NetworkCases
from automl.core.testing.space.text import TextCases
from automl.core.testing.space.variation import VariationCases

__all__ = ["SpaceContract"]


class SpaceContract(DefinitionCases, VariationCases, EnumerationCases, TextCases, NetworkCases):
    """Holds a search space to its contract.

    ``class TestMySpace(SpaceContract): space = MySpace`` is a whole test suite. Override `make_space` for a
    space with other options, and `make_tasks` for one whose networks are not for images.
    """
