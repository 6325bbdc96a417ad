"""``params``: how many trainable numbers a network has."""

from __future__ import annotations

from collections.abc import Mapping

from automl.core.contracts import (
    Direction,
    Equality,
    EvaluationContext,
    Evaluator,
    Metric,
    NetworkSize,
    Subject,
)


class Params(Evaluator):
    """Counts the trainable parameters of the full network, those shared between layers once.

    Statistics of normalisations are no parameters. On NAS-Bench-201 these are the published numbers.
    """

    name = "params"
    size = NetworkSize.FULL
    equality = Equality.FORM
    metrics = (Metric("params", Direction.MIN, "", "trainable parameters of the full network"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        """The number of parameters. A network with lazy layers runs once, so that they take shape."""
        import torch
        from torch.nn.parameter import is_lazy

        network = context.network(subject)
        if any(is_lazy(parameter) for parameter in network.parameters()):
            with torch.no_grad():
                network.eval()(torch.zeros(1, *context.task.input_shape, device=context.device))
        return {"params": sum(p.numel() for p in network.parameters() if p.requires_grad)}
