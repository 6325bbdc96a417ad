"""The space's contract catches what is broken, and passes what is not."""

from __future__ import annotations

from typing import Any
from unittest import SkipTest

import pytest

from automl.core.contracts import Choices, SearchSpace
from automl.testing import BranchSpace, ConvSpace, LineSpace, SpaceContract
from tests.core.testing import broken_spaces, broken_views
from tests.core.testing.catching import Broken, cases_of, check_caught

ALL = (*broken_spaces.BROKEN, *broken_views.BROKEN)


@pytest.mark.parametrize("broken", ALL, ids=str)
def test_a_broken_space_is_caught(broken: Broken) -> None:
    check_caught(SpaceContract, "space", broken)


def test_every_test_of_the_contract_can_fail() -> None:
    assert {broken.test for broken in ALL} == cases_of(SpaceContract)


@pytest.mark.parametrize("space", [ConvSpace, BranchSpace, LineSpace, broken_views.Written])
class TestSound(SpaceContract):
    @pytest.fixture(autouse=True)
    def _named(self, space: type[SearchSpace[Any]]) -> None:
        self.space = space


def test_a_space_that_no_other_process_finds_is_skipped_with_the_reason() -> None:
    class Local(SearchSpace[int]):
        name = "local"

        def define(self, choose: Choices) -> int:
            return choose.integer("number", 1, 3)

    case = type("Case", (SpaceContract,), {"space": Local})()
    with pytest.raises(SkipTest, match="define it at the top of a module"):
        case.test_it_means_the_same_in_another_process()


def test_a_case_without_a_space_says_what_to_write() -> None:
    with pytest.raises(TypeError, match="space = MySpace"):
        SpaceContract().test_the_list_has_a_fixed_order()
