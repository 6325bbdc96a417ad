"""Hypothesis strategies that several tests share: search spaces of any shape."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from automl.core.contracts import Choices, SearchSpace, Value

SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
"""Any value that a choice may yield."""


def kind_and_value(value: Value) -> tuple[type, Value]:
    """What tells values apart here: ``1``, ``1.0`` and ``True`` are three."""
    return type(value), value


@dataclass(frozen=True)
class Node:
    """One choice of a tree, and what is asked next after each of its options."""

    options: tuple[Value, ...]
    children: tuple[Node | None, ...]


Assignment = tuple[tuple[str, Value], ...]


def leaves(node: Node | None, depth: int = 0) -> list[Assignment]:
    """All that can be chosen in a tree, in the order of the options: the plain twin of an enumeration."""
    if node is None:
        return [()]
    return [
        ((f"choice_{depth}", option), *rest)
        for option, child in zip(node.options, node.children, strict=True)
        for rest in leaves(child, depth + 1)
    ]


class TreeSpace(SearchSpace[tuple[Value, ...]]):
    """The space of a tree. A choice is named by its depth: one name has other options in other branches."""

    name = "tree"

    def __init__(self, root: Node | None) -> None:
        super().__init__()
        self.root = root

    def define(self, choose: Choices) -> tuple[Value, ...]:
        values: list[Value] = []
        node = self.root
        while node is not None:
            chosen = choose.one_of(f"choice_{len(values)}", node.options)
            values.append(chosen)
            index = [kind_and_value(option) for option in node.options].index(kind_and_value(chosen))
            node = node.children[index]
        return tuple(values)


@st.composite
def _nodes(draw: st.DrawFn, depth: int) -> Node:
    # Few options from a small pool, so that branches often share some.
    pool = st.sampled_from([0, 1, 2, True, False, 1.0, "a", "b", None])
    options = draw(st.lists(pool, min_size=1, max_size=3, unique_by=kind_and_value))
    child = st.none() if depth == 0 else st.none() | _nodes(depth - 1)
    return Node(tuple(options), tuple(draw(child) for _ in options))


def tree_spaces(depth: int = 3) -> st.SearchStrategy[TreeSpace]:
    """Finite conditional spaces with at most ``3 ** (depth + 1)`` candidates; one has no choice at all."""
    return (st.none() | _nodes(depth)).map(TreeSpace)
