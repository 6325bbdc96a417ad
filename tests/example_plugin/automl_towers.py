"""An example of a plugin: a search space and a proxy."""

from automl.core.contracts import Evaluator, Metric, SearchSpace
from automl.core.hookspecs import hookimpl

AUTOML_API = 1


class Towers(SearchSpace):
    """One to three convolutions, each with a width and an activation of its own."""

    name = "towers"

    def define(self, choose):
        depth = choose.integer("depth", 1, 3)
        return tuple(
            (choose.one_of(f"width_{i}", (4, 8, 16)), choose.one_of(f"activation_{i}", ("ReLU", "Tanh")))
            for i in range(depth)
        )

    def network(self, candidate, task):
        from torch import nn

        layers, channels = [], task.input_shape[0]
        for width, activation in candidate:
            layers += [nn.Conv2d(channels, width, 3, padding=1), getattr(nn, activation)()]
            channels = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, task.classes)]
        return nn.Sequential(*layers)


class Spread(Evaluator):
    """How differently an untrained network sees the images of a batch: the deviation of its logits."""

    name = "spread"
    metrics = (Metric("spread"),)

    def score(self, subject, context):
        images = context.batch(32, repeat=subject.repeat).inputs
        return {"spread": context.network(subject)(images).std(dim=0).mean().item()}


@hookimpl
def automl_register(register):
    """Register what this plugin brings."""
    register.space(Towers)
    register.evaluator(Spread)
