"""What an evaluator gives: the metrics that it declares, one outcome for each subject."""

from __future__ import annotations

from collections import Counter

from automl.core.contracts import Metric, Status
from automl.core.testing.broken import BrokenContractError, short
from automl.core.testing.component import check_component
from automl.core.testing.evaluator.case import EvaluatorCase, check_same

_BY_ITSELF = (
    "compute each candidate by itself, or together in a way that gives the same bits in any company; sums "
    "in another order differ in their last ones."
)


class ResultCases(EvaluatorCase):
    """Metrics and outcomes."""

    def test_it_can_be_registered_and_its_options_are_checked(self) -> None:
        """A name, options with defaults that refuse the unknown and survive JSON."""
        check_component("evaluator", getattr(self, "evaluator", None) or type(self.make_evaluator()))

    def test_it_declares_metrics(self) -> None:
        """At least one, each with a name of its own."""
        evaluator = self.make_evaluator()
        metrics = evaluator.metrics
        fine = isinstance(metrics, tuple) and all(isinstance(metric, Metric) for metric in metrics)
        if not fine or not metrics:
            raise BrokenContractError(
                f"{type(evaluator).__name__}.metrics is {short(metrics)}.",
                demanded="an evaluator declares what it gives, the main metric first: the columns of the "
                "store are made from it.",
                change=f"metrics = (Metric({evaluator.name.replace('-', '_')!r}),), a tuple even of one.",
            )
        twice = [name for name, count in Counter(metric.name for metric in metrics).items() if count > 1]
        if twice:
            raise BrokenContractError(
                f"{type(evaluator).__name__}.metrics names {twice[0]!r} twice.",
                demanded="each metric has a name of its own: it is a column of the store.",
                change="give one of them another name.",
            )

    def test_a_success_has_every_metric_that_is_declared(self) -> None:
        """All of those declared, nothing else, each a float."""
        evaluator = self.make_evaluator()
        declared = {metric.name for metric in evaluator.metrics}
        for outcome in self.outcomes(self.subjects()):
            given = set(outcome.metrics)
            missing = declared - given if outcome.status is Status.OK else set()
            if missing or given - declared:
                raise BrokenContractError(
                    f"{type(evaluator).__name__} gave {sorted(given)}, and declares {sorted(declared)}.",
                    demanded="a success has all metrics that are declared, and no outcome has others.",
                    change="declare in metrics what is given, and give all of it.",
                )
            strange = {name: value for name, value in outcome.metrics.items() if type(value) is not float}
            if strange:
                name, value = next(iter(strange.items()))
                raise BrokenContractError(
                    f"{type(evaluator).__name__} gave {name} = {short(value)}, a {type(value).__name__}.",
                    demanded="metrics are plain floats: they are written to JSON and Parquet.",
                    change=f"float({name}), or Outcome.ok(…), which does it.",
                )
            if "\n" in outcome.reason:
                raise BrokenContractError(
                    f"{type(evaluator).__name__} gave a reason of several lines: {short(outcome.reason)}.",
                    demanded="a reason is one line: it stands in a table.",
                    change="give its first line.",
                )

    def test_some_candidate_succeeds(self) -> None:
        """Else the other tests would compare failures with failures."""
        subjects = self.subjects()
        outcomes = self.outcomes(subjects)
        if all(outcome.status is not Status.OK for outcome in outcomes):
            raise BrokenContractError(
                f"{type(self.make_evaluator()).__name__} failed for all of {len(subjects)} candidates of "
                f"{type(self.make_space()).__name__}: {outcomes[0].status.value}, {outcomes[0].reason}",
                demanded="what can be evaluated is evaluated.",
                change="what the reason says; or set space and task to ones that the evaluator is for.",
            )

    def test_a_candidate_scores_the_same_alone_and_in_any_company(self) -> None:
        """In a batch, in the reverse batch, and alone: engines batch as it suits them."""
        who, subjects = type(self.make_evaluator()).__name__, self.subjects()
        alone = [self.outcomes([subject])[0] for subject in subjects]
        check_same(who, subjects, alone, self.outcomes(subjects), when="among others", change=_BY_ITSELF)
        backwards = self.outcomes(subjects[::-1])[::-1]
        check_same(who, subjects, alone, backwards, when="among the same in reverse order", change=_BY_ITSELF)

    def test_a_candidate_scores_the_same_twice_in_a_batch(self) -> None:
        """Two equal subjects of one batch are evaluated as if each were alone."""
        who, subjects = type(self.make_evaluator()).__name__, self.subjects()
        twice = self.outcomes([*subjects, *subjects])
        first, second = twice[: len(subjects)], twice[len(subjects) :]
        check_same(who, subjects, first, second, when="later in the batch", change=_BY_ITSELF)
