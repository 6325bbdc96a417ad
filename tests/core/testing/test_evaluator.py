"""The evaluator's contract catches what is broken, and passes what is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch

from automl.core.contracts import EvaluationContext, Evaluator, Metric, Subject, View
from automl.testing import BranchSpace, EvaluatorContract
from tests.core.testing.broken_evaluators import ALL, Sound
from tests.core.testing.catching import Broken, cases_of, check_caught


class Counter(Evaluator):
    """One that needs no network."""

    name = "counter"
    view: ClassVar[View | None] = None
    metrics = (Metric("choices"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"choices": len(subject.genotype)}


class Program(Counter):
    name = "program"
    view = View.PROGRAM


@pytest.mark.parametrize("broken", ALL, ids=str)
def test_a_broken_evaluator_is_caught(broken: Broken) -> None:
    settings = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    check_caught(EvaluatorContract, "evaluator", broken)
    assert settings == (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled())


def test_every_test_of_the_contract_can_fail() -> None:
    assert {broken.test for broken in ALL} == cases_of(EvaluatorContract)


class TestSound(EvaluatorContract):
    evaluator = Sound


class TestOneThatNeedsNoNetwork(EvaluatorContract):
    evaluator = Counter
    space = BranchSpace


def test_a_space_without_the_view_says_what_to_set() -> None:
    case = type("Case", (EvaluatorContract,), {"evaluator": Program})()
    with pytest.raises(TypeError, match=r"needs the 'program' view, which ConvSpace has not: set space"):
        case.test_some_candidate_succeeds()


def test_a_case_without_an_evaluator_says_what_to_write() -> None:
    with pytest.raises(TypeError, match="evaluator = MyScore"):
        EvaluatorContract().test_it_declares_metrics()
