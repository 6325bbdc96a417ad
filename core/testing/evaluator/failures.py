"""What an evaluator gives for a candidate that cannot be evaluated."""

from __future__ import annotations

from automl.core.contracts import Status
from automl.core.testing.broken import BrokenContractError
from automl.core.testing.evaluator.case import (
    EvaluatorCase,
    Fault,
    builds_networks,
    check_same,
    described,
    evaluate,
)


class FailureCases(EvaluatorCase):
    """One candidate's fault is its own. About evaluators of networks; others pass."""

    def test_a_network_that_cannot_be_built_fails_alone(self) -> None:
        """It has a failed outcome, and its batch-mates have theirs."""
        self._check_fails_alone("unbuildable")

    def test_a_network_that_raises_fails_alone(self) -> None:
        """It has a failed outcome, and its batch-mates have theirs."""
        self._check_fails_alone("raising")

    def test_a_network_without_numbers_harms_nobody(self) -> None:
        """Parameters that are NaN: an outcome all the same, and nothing for the batch-mates to notice."""
        self._check_fails_alone("nan")

    def _check_fails_alone(self, kind: str) -> None:
        evaluator, subjects = self.make_evaluator(), self.subjects()
        if not builds_networks(evaluator):
            return
        who = type(evaluator).__name__
        sound = self.outcomes(subjects)
        for position in (0, len(subjects) - 1):
            fault = Fault(subjects[position], kind)
            outcomes = evaluate(evaluator, subjects, self.context([fault]))
            if fault.met and outcomes[position].status is Status.OK:
                raise BrokenContractError(
                    f"{who} gave {described(outcomes[position])} for a candidate whose network is {kind}.",
                    demanded="a candidate that cannot be evaluated has a failed outcome, which ranks below "
                    "every success; never a magic number.",
                    change="let the exception pass out of score, or turn it into "
                    "automl.core.contracts.failure(error).",
                )
            mates = [index for index in range(len(subjects)) if index != position]
            check_same(
                who,
                [subjects[index] for index in mates],
                [sound[index] for index in mates],
                [outcomes[index] for index in mates],
                when=f"beside a candidate whose network is {kind}",
                change="catch what one candidate raises, put automl.core.contracts.failure(error) in its "
                "place alone, and let nothing of it into what the others are computed from.",
            )
