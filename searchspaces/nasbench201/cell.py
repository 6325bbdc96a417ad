"""The cell: six operations on the edges of a graph of four nodes, and its official text."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from automl.core.errors import ParseError, UnknownNameError, UsageError

NONE: Final = "none"
SKIP: Final = "skip_connect"
CONV_1X1: Final = "nor_conv_1x1"
CONV_3X3: Final = "nor_conv_3x3"
POOL: Final = "avg_pool_3x3"

OPERATIONS: Final = (NONE, SKIP, CONV_1X1, CONV_3X3, POOL)
"""What an edge can do, in the order of the published code."""

CONVOLUTIONS: Final = frozenset({CONV_1X1, CONV_3X3})
"""The operations with weights: ReLU, convolution without bias, batch normalisation."""

EDGES: Final = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(source, target) of the six edges in the order of the text and of the choices."""

INPUT: Final = 0
OUTPUT: Final = 3

EXAMPLE: Final = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"


@dataclass(frozen=True, slots=True)
class Cell:
    """One operation an edge, in the order of `EDGES`. A node is the sum of the edges that end in it.

    Raises:
        UsageError: there are not six operations, or one is not among `OPERATIONS`.
    """

    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.operations) != len(EDGES):
            raise UsageError(
                f"a cell has {len(EDGES)} operations, one an edge, and {len(self.operations)} were given: "
                f"{self.operations!r}."
            )
        for operation in self.operations:
            if operation not in OPERATIONS:
                raise UnknownNameError("operation", str(operation), OPERATIONS)

    def __str__(self) -> str:
        return render_cell(self)

    def edges(self) -> list[tuple[int, int, str]]:
        """(source, target, operation) of the six edges, sorted by target and source."""
        return [(source, target, op) for (source, target), op in zip(EDGES, self.operations, strict=True)]

    def live_edges(self) -> list[tuple[int, int, str]]:
        """Those of the edges that the output depends on, through the weights or the input.

        Zero stays zero on every edge but a convolution, whose normalisation shifts it. So an edge from a
        node that nothing flows into is live only if it is a convolution.
        """
        flowing, nonzero = [], {INPUT}
        for source, target, operation in self.edges():
            if operation in CONVOLUTIONS or (operation != NONE and source in nonzero):
                flowing.append((source, target, operation))
                nonzero.add(target)
        live, wanted = [], {OUTPUT}
        for source, target, operation in reversed(flowing):
            if target in wanted:
                live.append((source, target, operation))
                wanted.add(source)
        return live[::-1]


def render_cell(cell: Cell) -> str:
    """The official text, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``: a group a node, a source an edge."""
    a, b, c, d, e, f = cell.operations
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def parse_cell(text: str) -> Cell:
    """The cell that an official text names; white space is ignored.

    Raises:
        ParseError: what is wrong, where, and what was expected.
    """
    groups = "".join(text.split()).split("+")
    if len(groups) != OUTPUT:
        raise _error(text, f"it has {_count(len(groups), 'group')} of edges, expected 3 joined by '+'")
    return Cell(tuple(op for node, group in enumerate(groups, 1) for op in _parse_node(text, node, group)))


def _parse_node(text: str, node: int, group: str) -> list[str]:
    where = f"node {node} (group {node} of 3) is {group!r}"
    if len(group) < 2 or not (group.startswith("|") and group.endswith("|")):
        raise _error(text, f"{where}, expected it to begin and end with '|'")
    edges = group[1:-1].split("|")
    if len(edges) != node:
        raise _error(
            text, f"{where} and has {_count(len(edges), 'edge')}, expected {node}, one a node before it"
        )
    return [_parse_edge(text, node, source, edge) for source, edge in enumerate(edges)]


def _parse_edge(text: str, node: int, source: int, edge: str) -> str:
    where = f"the edge from node {source} to node {node} is {edge!r}"
    operation, tilde, number = edge.partition("~")
    if not tilde:
        raise _error(text, f"{where}, expected OPERATION~{source}")
    if operation not in OPERATIONS:
        near = difflib.get_close_matches(operation, OPERATIONS, n=1, cutoff=0.5)
        guess = f"did you mean {near[0]}? " if near else ""
        raise _error(
            text, f"{where}: unknown operation {operation!r}, {guess}there are {', '.join(OPERATIONS)}"
        )
    if number != str(source):
        raise _error(text, f"{where}: source {number!r}, expected '{source}', for sources stand in order")
    return operation


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _error(text: str, problem: str) -> ParseError:
    return ParseError(f"cell {text!r}: {problem}.", hint=f"An example: {EXAMPLE}")
