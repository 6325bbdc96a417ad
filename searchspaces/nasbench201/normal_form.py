"""The normal form of a cell: equal for cells that compute the same function, however they are written.

A cell's output is a formal sum over its input ``x`` and its convolutions, and these laws hold for every
value of the weights, in training and in evaluation:

- sums are flattened and unordered, ``skip_connect`` is the identity, ``none`` is zero;
- average pooling (which does not count the padding) is linear: ``P(a + b) = P(a) + P(b)``;
- zero stays zero under everything but a convolution. The normalised convolution of zero is the shift of
  its normalisation, a trainable number a channel (``beta``), whatever its kernel's size;
- pooling leaves a shift as it is, since a shift is the same at every place;
- what the output does not depend on does not matter;
- it does not matter which of several convolutions is called the first; but one convolution used twice
  is not two convolutions, for the two are trained apart.

More would not be sound. Two shifts added are *not* one: together they learn twice as fast. A convolution
of ``2x`` is not one of ``x``: the normalisation's epsilon sees the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, permutations, product
from typing import NamedTuple, TypeAlias

from automl.searchspaces.nasbench201.cell import CONV_1X1, CONV_3X3, CONVOLUTIONS, NONE, OUTPUT, POOL, Cell

_X = -1
"""The atom that stands for the cell's input; a convolution's atom is the number of its edge."""

_Sum: TypeAlias = "Counter[tuple[int, int]]"
"""How often each (atom, number of poolings applied to it) is added. Never changed once it is made."""


class _Convolution(NamedTuple):
    """A normalised convolution: what it is, and what it is applied to."""

    kind: str
    input: _Sum


_KINDS = {CONV_1X1: "conv1x1", CONV_3X3: "conv3x3"}
_SHIFT = "shift"
_NAMES = "abcdef"


def canonical_text(cell: Cell) -> str:
    """A text that is equal for cells that compute the same function of input and trainable weights.

    It reads as definitions and the output: ``a=conv3x3(x); b=conv1x1(x+a); P(a)+2b``. Of all ways to
    name the convolutions, the one with the smallest text is taken. Only convolutions that look alike once
    names are left out can change places, so that few of the up to 720 orders are tried.
    """
    output, convolutions = _expand(cell)
    shapes = _shapes(output, convolutions)
    return min(_write(output, convolutions, order) for order in _orders(shapes))


def _expand(cell: Cell) -> tuple[_Sum, Mapping[int, _Convolution]]:
    """The output as a formal sum, and the convolutions by the numbers of their edges."""
    convolutions: dict[int, _Convolution] = {}
    nodes: list[_Sum] = [Counter({(_X, 0): 1}), Counter(), Counter(), Counter()]
    for edge, (source, target, operation) in enumerate(cell.edges()):
        if operation != NONE:
            nodes[target] = nodes[target] + _apply(operation, edge, nodes[source], convolutions)
    return nodes[OUTPUT], convolutions


def _apply(operation: str, edge: int, source: _Sum, convolutions: dict[int, _Convolution]) -> _Sum:
    if operation in CONVOLUTIONS:
        convolutions[edge] = _Convolution(_KINDS[operation] if source else _SHIFT, source)
        return Counter({(edge, 0): 1})
    if operation == POOL:
        pooled: _Sum = Counter()
        for (atom, poolings), times in source.items():
            is_shift = atom != _X and convolutions[atom].kind == _SHIFT
            pooled[atom, poolings if is_shift else poolings + 1] += times
        return pooled
    return source


def _shapes(output: _Sum, convolutions: Mapping[int, _Convolution]) -> dict[int, str]:
    """The convolutions that the output depends on, each with its definition written out without names.

    Definitions with other texts cannot be the same convolution under another name.
    """
    shapes: dict[int, str] = {}

    def visit(terms: _Sum) -> str:
        written = []
        for (atom, poolings), times in terms.items():
            if atom != _X and atom not in shapes:
                kind, source = convolutions[atom]
                shapes[atom] = f"{kind}({visit(source)})"
            written.append(_term(times, poolings, "x" if atom == _X else shapes[atom]))
        return "+".join(sorted(written))

    visit(output)
    return shapes


def _orders(shapes: Mapping[int, str]) -> Iterator[list[int]]:
    """The orders in which the convolutions may be named: by shape, those of one shape in every order.

    The shape of a convolution is longer than the shapes of what it depends on, so that shorter ones
    first means that a definition only uses names defined before it.
    """

    def rank(atom: int) -> tuple[int, str]:
        return len(shapes[atom]), shapes[atom]

    alike = [list(group) for _, group in groupby(sorted(shapes, key=rank), key=rank)]
    for choice in product(*(permutations(group) for group in alike)):
        yield list(chain.from_iterable(choice))


def _write(output: _Sum, convolutions: Mapping[int, _Convolution], order: Sequence[int]) -> str:
    names = {atom: _NAMES[position] for position, atom in enumerate(order)}
    names[_X] = "x"

    def text(terms: _Sum) -> str:
        written = (_term(times, poolings, names[atom]) for (atom, poolings), times in terms.items())
        return "+".join(sorted(written)) or "0"

    lines = []
    for atom in order:
        kind, source = convolutions[atom]
        lines.append(f"{names[atom]}={kind}" if kind == _SHIFT else f"{names[atom]}={kind}({text(source)})")
    return "; ".join([*lines, text(output)])


def _term(times: int, poolings: int, atom: str) -> str:
    pooled = "P(" * poolings + atom + ")" * poolings
    return pooled if times == 1 else f"{times}{pooled}"
