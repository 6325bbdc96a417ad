"""Tables in plain text, drawn by rich: which columns they have, and which give way where there is no room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

_GAP = 2
_LEAST = 10
"""Columns of the terminal below which folding a text helps nobody."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"} | {
    9: "    "
}
"""A stored text could else move the cursor, or colour the rest of the screen; rich lets escapes through."""


class Kind(Enum):
    """How a column is set."""

    NUMBER = "number"
    """To the right, never folded."""
    NAME = "name"
    """To the left, never folded: it is to be copied."""
    TEXT = "text"
    """To the left, folded where there is no room."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        kind: how it is set.
        optional: it is left out where there is no room for all.
        least: of a text: the width that it should get before optional columns are left out.
    """

    heading: str
    kind: Kind = Kind.TEXT
    optional: bool = False
    least: int = _LEAST


def fitted(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None
) -> tuple[Table, list[str]]:
    """A table without the optional columns that have no room, the last ones first, and their headings.

    Args:
        columns: what the rows consist of.
        rows: a text for each column; it may have several lines.
        width: columns of the terminal; nothing for no limit.
    """
    from rich.box import Box
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    cells = [list(map(printable, row)) for row in rows]
    headed = zip([column.heading for column in columns], *cells, strict=True)
    widths = [max(cell_len(line) for text in texts for line in text.split("\n")) for texts in headed]
    kept, left_out = list(range(len(columns))), list[str]()

    def taken(least: Callable[[Column], int]) -> int:
        """The width of the table where each text has at least so much, if it is as long."""
        texts = (
            min(widths[at], least(columns[at])) if columns[at].kind is Kind.TEXT else widths[at]
            for at in kept
        )
        return sum(texts) + _GAP * (len(kept) - 1)

    for at in reversed(range(len(columns))):
        if width is not None and columns[at].optional and taken(lambda column: column.least) > width:
            kept.remove(at)
            left_out.insert(0, columns[at].heading)
    natural = taken(lambda _: max(widths))
    table = Table(
        # Nothing but a rule of dashes under the headings, in ASCII for whatever reads it.
        box=Box("\n".join(["    ", "    ", " -- ", *["    "] * 5]), ascii=True),
        padding=(0, _GAP - 1, 0, 0),
        show_edge=False,
        pad_edge=False,
        show_header=any(column.heading for column in columns),
        # Where not even that has room, the terminal breaks the lines: rich would cut off names and numbers.
        width=natural if width is None else min(natural, max(width, taken(lambda _: _LEAST))),
    )
    for at in kept:
        table.add_column(
            Text(columns[at].heading),
            justify="right" if columns[at].kind is Kind.NUMBER else "left",
            no_wrap=columns[at].kind is not Kind.TEXT,
            overflow="fold",
        )
    for row in cells:
        table.add_row(*(Text(row[at]) for at in kept))
    return table, left_out


def printable(text: str) -> str:
    """The text without codes that a terminal obeys."""
    return text.translate(_CONTROL)
