"""The tangent kernel's score, as an evaluator."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from statistics import fmean, stdev

from automl.core.contracts import (
    DegenerateScoreError,
    Direction,
    EvaluationContext,
    Evaluator,
    Metric,
    NetworkSize,
    Subject,
)
from automl.evaluators.ntk.options import NtkOptions

_METRICS = (
    Metric("ntk", Direction.MAX, "", "minus the log of mean over smallest eigenvalue of the tangent kernel"),
    Metric("ntk_lambda_min", Direction.MAX, "", "smallest eigenvalue of the tangent kernel"),
    Metric("ntk_lambda_max", Direction.MIN, "", "largest eigenvalue of the tangent kernel"),
    Metric("ntk_log_condition", Direction.MIN, "", "log of largest over smallest eigenvalue"),
)
_STDERR = Metric("ntk_stderr", Direction.MIN, "", "standard error of ntk over the repeats")


class Ntk(Evaluator):
    """How evenly a network's tangent kernel is spread at initialisation: a score without training.

    The kernel of a batch holds the inner products of the samples' gradients. Where all its eigenvalues
    are alike, gradient descent learns all directions at the same rate; where the smallest is tiny, some
    are not learnt at all. Of the spectrum's summaries, minus the log of mean over smallest eigenvalue,
    of the centred kernel, ranked NAS-Bench-201's networks best (Spearman .78 with their test accuracy on
    CIFAR-10; the published condition number .71, the smallest eigenvalue .56). Within the best tenth
    it does not rank. Every metric is the mean over ``repeats`` initialisations and batches.

    With ``batchnorm=train`` and ``centred=False``, ``ntk_log_condition`` is what TE-NAS ranks by (Chen et
    al. 2021; there over weights only, not biases), and ``ntk_lambda_min`` what Eigen-NAS does (Zhu et al.
    2022).
    """

    name = "ntk"
    size = NetworkSize.PROXY
    Options = NtkOptions
    options: NtkOptions

    def __init__(self, options: NtkOptions | None = None) -> None:
        super().__init__(options)
        # One repeat says nothing about its own error.
        self.metrics = (*_METRICS, _STDERR) if self.options.repeats > 1 else _METRICS

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        """The metrics of one candidate.

        Raises:
            DegenerateScoreError: a repeat's kernel is not finite, zero or singular.
            InvalidCandidateError: the network cannot be built, or does not yield a batch of logits.
        """
        draws = [self._draw(subject, context, draw) for draw in range(self.options.repeats)]
        metrics = {metric.name: fmean(values[metric.name] for values in draws) for metric in _METRICS}
        if len(draws) > 1:
            metrics[_STDERR.name] = stdev(values["ntk"] for values in draws) / sqrt(len(draws))
        return metrics

    def _draw(self, subject: Subject, context: EvaluationContext, draw: int) -> dict[str, float]:
        """The metrics of one initialisation on one batch."""
        from automl.evaluators.ntk.gram import tangent_kernel
        from automl.evaluators.ntk.spectrum import spectrum

        options, repeat = self.options, subject.repeat
        try:
            kernel = tangent_kernel(
                context.network(subject, draw=draw),
                context.batch(options.batch, repeat=repeat, draw=draw).inputs,
                batchnorm=options.batchnorm,
                output=options.output,
                seed=context.seed("ntk forward", repeat=repeat, draw=draw),
            )
            found = spectrum(kernel.values, centred=options.centred)
        except DegenerateScoreError as error:
            raise DegenerateScoreError(f"repeat {draw + 1} of {options.repeats}: {error.message}") from error
        return {
            "ntk": found.evenness,
            "ntk_lambda_min": found.smallest,
            "ntk_lambda_max": found.largest,
            "ntk_log_condition": found.log_condition,
        }
