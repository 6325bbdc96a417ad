"""What autograd's graph proves about a forward pass.

A gradient that reaches row i of an operation's output is the gradient of sample i, if on every way from the
logits to that output each step maps rows to the same rows. Most steps of most networks are of kinds of which
that is known. So the graph is read: which operations are in it, which parameters it reaches besides them,
and whether all steps are of such kinds. Whatever is not known counts as not proven.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from automl.evaluators.ntk.gram.tape import SITE, Operation

if TYPE_CHECKING:
    from torch import Tensor

Node = Any
"""A node of autograd's graph; its class depends on the operation, and none has a public type."""

Test = Callable[[Node, Node, int, int], bool]
"""Of a node, the node behind one of its inputs, the number of that node's output, and n: whether row i of
the input meets only row i of the output."""

_LEAF = "torch::autograd::AccumulateGrad"


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands in a graph.

    Attributes:
        operations: those that the output depends on.
        reached: ids of the leaves that the graph reaches, parameters among them, not through operations.
        by_rows: whether it is proven that the output's row i depends only on row i of every operation's
            output.
    """

    operations: tuple[Operation, ...]
    reached: frozenset[int]
    by_rows: bool


def read(output: Tensor, samples: int) -> Reading:
    """Read the graph behind ``output``, ``(n, ...)``."""
    operations: list[Operation] = []
    reached: set[int] = set()
    unproven: list[Node] = []
    seen: set[Node] = {output.grad_fn}
    stack: list[Node] = [output.grad_fn]
    while stack:
        node = stack.pop()
        if type(node) is SITE:
            operations.append(node.operation)
            test: Test | None = _always
        else:
            name = node.name()
            if name == _LEAF:
                reached.add(id(node.variable))
                continue
            test = _TESTS.get(name)
        for child, index in node.next_functions:
            if child is None:
                continue
            if test is not _always and not (test is not None and _holds(test, node, child, index, samples)):
                unproven.append(child)
            if child not in seen:
                seen.add(child)
                stack.append(child)
    # What leads to parameters alone needs no proof: no operation's gradient passes there.
    by_rows = not any(_leads_to_operation(child) for child in unproven)
    return Reading(tuple(operations), frozenset(reached), by_rows)


def _holds(test: Test, node: Node, child: Node, index: int, samples: int) -> bool:
    try:
        return test(node, child, index, samples)
    except (AttributeError, IndexError, TypeError, RuntimeError):
        return False  # what cannot be asked (another version of torch, a freed graph) is not proven


def _leads_to_operation(node: Node) -> bool:
    seen = {node}
    stack = [node]
    while stack:
        node = stack.pop()
        if type(node) is SITE:
            return True
        for child, _ in node.next_functions:
            if child is not None and child not in seen:
                seen.add(child)
                stack.append(child)
    return False


# -- tests ------------------------------------------------------------------------------------------------


def _shape(node: Node, index: int = 0) -> Sequence[int]:
    """Of the tensor that is output number ``index`` of the operation behind a node."""
    shape: Sequence[int] = node._input_metadata[index].shape
    return shape


def _always(node: Node, child: Node, index: int, samples: int) -> bool:
    return True


def _same_shape(node: Node, child: Node, index: int, samples: int) -> bool:
    return _shape(node) == _shape(child, index)


def _same_rows(node: Node, child: Node, index: int, samples: int) -> bool:
    """Reshaped in row-major order with the first axis as it was."""
    return _shape(node)[0] == _shape(child, index)[0] == samples


def _is_rows(axis: int, ndim: int) -> bool:
    if axis >= 1 << 63:  # saved as an unsigned number
        axis -= 1 << 64
    return axis in (0, -ndim)


def _axis_is_not_rows(node: Node, child: Node, index: int, samples: int) -> bool:
    return not _is_rows(node._saved_dim, len(_shape(child, index)))


def _new_axis_is_not_rows(node: Node, child: Node, index: int, samples: int) -> bool:
    return not _is_rows(node._saved_dim, len(_shape(child, index)) + 1)


def _axes_are_not_rows(node: Node, child: Node, index: int, samples: int) -> bool:
    ndim = len(_shape(child, index))
    axes = node._saved_dim
    return bool(axes) and not any(_is_rows(axis, ndim) for axis in axes)


def _no_transposed_rows(node: Node, child: Node, index: int, samples: int) -> bool:
    ndim = len(_shape(child, index))
    return not (_is_rows(node._saved_dim0, ndim) or _is_rows(node._saved_dim1, ndim))


def _rows_stay_first(node: Node, child: Node, index: int, samples: int) -> bool:
    return _is_rows(node._saved_dims[0], len(_shape(child, index)))


def _rows_unpadded(node: Node, child: Node, index: int, samples: int) -> bool:
    return len(node._saved_pad) <= 2 * (len(_shape(child, index)) - 1)


def _rows_spread(node: Node, child: Node, index: int, samples: int) -> bool:
    return len(_shape(node)) == len(_shape(child, index)) and _same_rows(node, child, index, samples)


def _one_pixel(node: Node, child: Node, index: int, samples: int) -> bool:
    """What pooling an image to one pixel ends with, where channels are last: it names the strides anew."""
    _, channels, *pixel = shape = _shape(child, index)
    named = not node._saved_storage_offset and tuple(node._saved_stride[:2]) == (channels, 1)
    return child.name() == "MeanBackward1" and pixel == [1, 1] and named and _shape(node) == shape


def _constant_weights(first: int) -> Test:
    """A test of nodes whose input number ``first`` is the batch: their weights must not be in the graph."""

    def test(node: Node, child: Node, index: int, samples: int) -> bool:
        return all(other is None for number, (other, _) in enumerate(node.next_functions) if number != first)

    return test


def _constant_statistics(node: Node, child: Node, index: int, samples: int) -> bool:
    return not node._saved_training and _constant_weights(0)(node, child, index, samples)


def _normalised_by_sample(node: Node, child: Node, index: int, samples: int) -> bool:
    rows = len(node._saved_normalized_shape) < len(_shape(child, index))
    return rows and _constant_weights(0)(node, child, index, samples)


_TESTS: Mapping[str, Test] = {
    # of one input, elementwise
    **dict.fromkeys(
        (
            f"{name}Backward{number}"
            for number in (0, 1)
            for name in (
                "Relu",
                "LeakyRelu",
                "Elu",
                "Celu",
                "Gelu",
                "Silu",
                "Mish",
                "Tanh",
                "Sigmoid",
                "Hardtanh",
                "Hardswish",
                "Hardsigmoid",
                "Softplus",
                "LogSigmoid",
                "Exp",
                "Log",
                "Log1P",
                "Sqrt",
                "Rsqrt",
                "Abs",
                "Neg",
                "Sin",
                "Cos",
                "Erf",
                "Reciprocal",
                "Clone",
                "ToCopy",
                "Alias",
            )
        ),
        _always,
    ),
    # over pixels or windows of pixels: the last axes of an input with at least one more
    **dict.fromkeys(
        (
            f"{name}Backward{number}"
            for number in (0, 1)
            for name in (
                "AvgPool2D",
                "AvgPool3D",
                "MaxPool2DWithIndices",
                "MaxPool3DWithIndices",
                "AdaptiveAvgPool2D",
                "AdaptiveAvgPool3D",
                "AdaptiveMaxPool2D",
                "AdaptiveMaxPool3D",
                "MkldnnAdaptiveAvgPool2D",
                "UpsampleNearest2D",
                "UpsampleBilinear2D",
                "ReflectionPad2D",
                "ReplicationPad2D",
            )
        ),
        _always,
    ),
    # of several inputs, elementwise, or of one and numbers
    **dict.fromkeys(
        (
            f"{name}Backward{number}"
            for number in (0, 1)
            for name in ("Add", "Sub", "Rsub", "Mul", "Div", "Pow", "Maximum", "Minimum", "Where", "Clamp")
        ),
        _same_shape,
    ),
    **dict.fromkeys(
        (
            "ViewBackward0",
            "UnsafeViewBackward0",
            "ReshapeAliasBackward0",
            "SqueezeBackward0",
            "PixelShuffleBackward0",
        ),
        _same_rows,
    ),
    **dict.fromkeys(
        (
            "SoftmaxBackward0",
            "LogSoftmaxBackward0",
            "SelectBackward0",
            "SliceBackward0",
            "SplitBackward0",
            "SplitWithSizesBackward0",
            "UnbindBackward0",
            "SqueezeBackward1",
            "CatBackward0",
            "GluBackward0",
            "MaxBackward0",
            "MinBackward0",
        ),
        _axis_is_not_rows,
    ),
    **dict.fromkeys(("UnsqueezeBackward0", "StackBackward0"), _new_axis_is_not_rows),
    **dict.fromkeys(("MeanBackward1", "SumBackward1", "AmaxBackward0", "VarBackward0"), _axes_are_not_rows),
    "AsStridedBackward1": _one_pixel,
    "TransposeBackward0": _no_transposed_rows,
    "PermuteBackward0": _rows_stay_first,
    "ConstantPadNdBackward0": _rows_unpadded,
    "ExpandBackward0": _rows_spread,
    "ConvolutionBackward0": _constant_weights(0),
    "MmBackward0": _constant_weights(0),
    "AddmmBackward0": _constant_weights(1),
    "NativeGroupNormBackward0": _constant_weights(0),
    "NativeLayerNormBackward0": _normalised_by_sample,
    "NativeBatchNormBackward0": _constant_statistics,
}
