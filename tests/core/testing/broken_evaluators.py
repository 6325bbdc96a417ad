"""Evaluators that break their contract, each in one way."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch

from automl.core.contracts import (
    DegenerateScoreError,
    EvaluationContext,
    Evaluator,
    Metric,
    Options,
    Outcome,
    Status,
    Subject,
    derive_seed,
    failure,
)
from tests.core.testing.catching import Broken


class Sound(Evaluator):
    """The base of those that follow: the mean of the logits, on a batch of its own size."""

    name = "sound"
    metrics: tuple[Metric, ...] = (Metric("mean_logit"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        with torch.no_grad():
            logits = context.network(subject)(context.batch(8, repeat=subject.repeat).inputs)
        return {"mean_logit": float(logits.mean())}


# -- results ------------------------------------------------------------------------------------------


class Nameless(Sound):
    name = ""


class Silent(Sound):
    name = "silent"
    metrics = ()


class Loose(Sound):
    name = "loose"
    metrics = Metric("mean_logit")  # type: ignore[assignment]  # that is the fault


class Twins(Sound):
    name = "twins"
    metrics = (Metric("mean_logit"), Metric("mean_logit"))


class Lacking(Sound):
    name = "lacking"
    metrics = (Metric("mean_logit"), Metric("largest_logit"))


class Generous(Sound):
    name = "generous"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {**super().score(subject, context), "extra": 1.0}


class TensorValued(Sound):
    name = "tensor-valued"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        value = torch.tensor(1.0)
        return [Outcome(Status.OK, {"mean_logit": value}) for _ in subjects]  # type: ignore[dict-item]  # the fault


class LongWinded(Sound):
    name = "long-winded"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [Outcome.degenerate("first line\nsecond line") for _ in subjects]


class Hopeless(Sound):
    name = "hopeless"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        raise DegenerateScoreError("never good enough")


class Ranking(Sound):
    """Scores a candidate by its place in the batch."""

    name = "ranking"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        scores = [self.score(subject, context)["mean_logit"] for subject in subjects]
        return [Outcome.ok({"mean_logit": float(sorted(scores).index(score))}) for score in scores]


class Short(Sound):
    """Gives one outcome for equal candidates."""

    name = "short"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        different = {subject.genotype: subject for subject in subjects}
        return super().evaluate(list(different.values()), context)


class Bored(Sound):
    """Does not score a candidate again that it has just seen."""

    name = "bored"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        seen, outcomes = set(), []
        for subject in subjects:
            again = subject.genotype in seen
            seen.add(subject.genotype)
            outcomes.append(
                Outcome.degenerate("seen before") if again else self.evaluate_one(subject, context)
            )
        return outcomes


class Scoring(Sound):
    name = "scoring"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [1.0 for _ in subjects]  # type: ignore[misc]  # that is the fault


# -- independence -------------------------------------------------------------------------------------


class Counting(Sound):
    name = "counting"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.calls = 0

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        self.calls += 1
        return {"mean_logit": float(self.calls)}


class Whimsical(Sound):
    """New numbers for a repeat, from nowhere."""

    name = "whimsical"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        noise = random.Random().random() if subject.repeat else 0.0
        return {"mean_logit": super().score(subject, context)["mean_logit"] + noise}


class Noisy(Sound):
    name = "noisy"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        inputs = torch.randn(8, *context.task.input_shape)
        return {"mean_logit": float(context.network(subject)(inputs).mean())}


class Threaded(Sound):
    """Remembers how many threads there were when it was made."""

    name = "threaded"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.threads = torch.get_num_threads()

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"mean_logit": float(self.threads)}


class Untidy(Sound):
    name = "untidy"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        torch.set_grad_enabled(False)
        return super().score(subject, context)


class Meddling(Sound):
    name = "meddling"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        context.batch(8).inputs.mul_(0.5)
        return super().score(subject, context)


class Demanding(Sound):
    name = "demanding"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        context.batch(8).inputs.requires_grad_()
        return super().score(subject, context)


class Hashing(Sound):
    name = "hashing"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        return {"mean_logit": float(hash(subject.genotype) % 1000)}


# -- failures -----------------------------------------------------------------------------------------


class Fragile(Sound):
    name = "fragile"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        return [Outcome.ok(self.score(subject, context)) for subject in subjects]


class Magical(Sound):
    name = "magical"

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        try:
            return super().score(subject, context)
        except Exception:
            return {"mean_logit": -1000.0}


class Solidary(Sound):
    """All of a batch fail where one does."""

    name = "solidary"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        try:
            return [Outcome.ok(self.score(subject, context)) for subject in subjects]
        except Exception as error:
            return [failure(error) for _ in subjects]


class Contagious(Sound):
    """Normalises by the batch's mean, which one NaN makes a NaN; and a NaN makes it give up."""

    name = "contagious"

    def evaluate(self, subjects: Sequence[Subject], context: EvaluationContext) -> Sequence[Outcome]:
        draws = [derive_seed(0, 0, subject.genotype.json) / 2**63 for subject in subjects]
        networks = [context.network(subject) for subject in subjects]
        total = sum(
            float(parameter.detach().sum()) for network in networks for parameter in network.parameters()
        )
        if total != total:
            return [Outcome.degenerate("something is a NaN") for _ in subjects]
        return [Outcome.ok({"mean_logit": draw}) for draw in draws]


_REGISTERED = "test_it_can_be_registered_and_its_options_are_checked"
_DECLARES = "test_it_declares_metrics"
_SUCCESS = "test_a_success_has_every_metric_that_is_declared"
_COMPANY = "test_a_candidate_scores_the_same_alone_and_in_any_company"
_BATCHES = "test_it_leaves_shared_batches_alone"
_UNBUILDABLE = "test_a_network_that_cannot_be_built_fails_alone"
_RAISING = "test_a_network_that_raises_fails_alone"

ALL = (
    Broken(Nameless, _REGISTERED, "Nameless.name is ''"),
    Broken(Silent, _DECLARES, "Silent.metrics is ()"),
    Broken(Loose, _DECLARES, "Loose.metrics is Metric("),
    Broken(Twins, _DECLARES, "names 'mean_logit' twice"),
    Broken(Lacking, _SUCCESS, "declares ['largest_logit', 'mean_logit']"),
    Broken(Generous, _SUCCESS, "gave ['extra', 'mean_logit']"),
    Broken(TensorValued, _SUCCESS, "a Tensor"),
    Broken(LongWinded, _SUCCESS, "a reason of several lines"),
    Broken(Scoring, _SUCCESS, "gave 1.0 among its outcomes"),
    Broken(Hopeless, "test_some_candidate_succeeds", "degenerate, never good enough"),
    Broken(Ranking, _COMPANY, "among others"),
    Broken(Short, "test_a_candidate_scores_the_same_twice_in_a_batch", "gave 4 outcomes for 8 subjects"),
    Broken(Bored, "test_a_candidate_scores_the_same_twice_in_a_batch", "later in the batch"),
    Broken(Counting, "test_a_second_evaluation_gives_the_same", "afterwards"),
    Broken(Whimsical, "test_a_repeat_gives_the_same_again", "afterwards"),
    Broken(Noisy, "test_it_uses_no_global_random_state", "the global random state of torch"),
    Broken(Threaded, "test_the_number_of_threads_around_it_does_not_matter", "with two threads"),
    Broken(Untidy, "test_it_leaves_torch_as_it_was", "left torch.is_grad_enabled() at False; it was True"),
    Broken(Meddling, _BATCHES, "changed a batch of shape (8, 3, 8, 8)"),
    Broken(Demanding, _BATCHES, "asked for gradients of a batch"),
    Broken(Hashing, "test_it_gives_the_same_in_another_process", "in one process"),
    Broken(Fragile, _UNBUILDABLE, "Fragile.evaluate raised InvalidCandidateError"),
    Broken(Magical, _UNBUILDABLE, "mean_logit = -1000.0"),
    Broken(Fragile, _RAISING, "Fragile.evaluate raised InvalidCandidateError"),
    Broken(Solidary, _RAISING, "beside a candidate whose network is raising"),
    Broken(Contagious, "test_a_network_without_numbers_harms_nobody", "whose network is nan"),
)
