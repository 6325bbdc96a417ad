"""``macs``: how many multiply-adds a network takes for one example.

Counted are convolutions and matrix products, a multiply-add for each weight each time it is used, and one
for each number that a bias of theirs is added to. Normalisations, activations, pooling and sums of
features count nothing. This is what the published numbers of NAS-Bench-201 count: of the 7,783,050
of its empty cell, 10 are the biases of the classifier.

PyTorch's own counter watches the operations, so that layers written with functions count like modules.
It counts two operations a multiply-add and leaves biases out, hence the formulas below. The network runs
on one example of zeros where the context computes: PyTorch's meta device would need no arithmetic, but
takes three to five times as long for such networks, since most of its shape rules are written in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from automl.core.contracts import (
    Direction,
    Equality,
    EvaluationContext,
    Evaluator,
    Metric,
    NetworkSize,
    Subject,
)


class Macs(Evaluator):
    """Counts the multiply-adds of the full network for one example of the task, in evaluation mode.

    Modules that leave out parts that no output depends on, and say so by an attribute
    ``runs_dead_parts``, are made to run them: counted is the network as it is written.
    """

    name = "macs"
    size = NetworkSize.FULL
    equality = Equality.FORM
    metrics = (Metric("macs", Direction.MIN, "", "multiply-adds of the full network for one example"),)

    def score(self, subject: Subject, context: EvaluationContext) -> Mapping[str, float]:
        """The number of multiply-adds."""
        import torch
        from torch.utils.flop_counter import FlopCounterMode

        network = context.network(subject).eval()
        module: Any
        for module in network.modules():
            if hasattr(module, "runs_dead_parts"):
                module.runs_dead_parts = True
        example = torch.zeros(1, *context.task.input_shape, device=context.device)
        formulas = {torch.ops.aten.convolution: _convolution, torch.ops.aten.addmm: _addmm}
        with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=formulas) as counter:
            network(example)
        return {"macs": counter.get_total_flops() // 2}


_Shape = Sequence[int]


def _convolution(
    inputs: _Shape,
    weight: _Shape,
    bias: _Shape | None,
    stride: object,
    padding: object,
    dilation: object,
    transposed: bool,
    *_: object,
    out_shape: _Shape,
    **__: Any,
) -> int:
    """Floating-point operations of a convolution, bias included; arguments as of ``aten.convolution``."""
    places = prod((inputs if transposed else out_shape)[2:])
    macs = inputs[0] * places * prod(weight)
    return 2 * (macs + (prod(out_shape) if bias is not None else 0))


def _addmm(bias: _Shape, left: _Shape, right: _Shape, *_: object, out_shape: _Shape, **__: Any) -> int:
    """Floating-point operations of ``left @ right + bias``, as linear layers do it."""
    return 2 * (prod(left) * right[1] + prod(out_shape))
