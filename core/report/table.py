"""Tables in plain text: aligned, and long texts folded where they may be broken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest

from rich.cells import cell_len, chop_cells

_GAP = "  "
_LEAST = 10
"""Columns of the terminal below which folding a text helps nobody."""

_TEXT_PIECES = re.compile(r"(?:(?<=\+)\|)?[^\s+,;|/]*(?:\s+|[+,;|/]|$)")
_HEADING_PIECES = re.compile(r"[^\s_]*(?:\s+|_|$)")
"""What a long text and a heading are made of: they may be broken after each."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127) if chr(code) not in "\n\t"} | {9: "    "}
"""A stored text could else move the cursor, or colour the rest of the screen."""


class Kind(Enum):
    """How a column is set."""

    NUMBER = "number"
    """To the right, never folded; its heading may be."""
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


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under columns.

    Attributes:
        columns: what the rows consist of.
        rows: a text for each column; it may have several lines.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def fitted(self, width: int | None) -> tuple[Table, list[str]]:
        """The table without the optional columns that have no room, the last ones first, and their names.

        Args:
            width: columns of the terminal; nothing for no limit.
        """
        table, left_out = self, list[str]()
        while width is not None and table._wish() > width:
            optional = [at for at, column in enumerate(table.columns) if column.optional]
            if not optional:
                break
            left_out.insert(0, table.columns[optional[-1]].heading)
            table = table._without(optional[-1])
        return table, left_out

    def lines(self, width: int | None) -> tuple[list[str], list[str]]:
        """The lines of the heading (none if no column has one) and those of the rows.

        Args:
            width: columns of the terminal, to which texts are folded; nothing for no limit.
        """
        widths = self._widths(width)
        body = [
            line
            for row in self.rows
            for line in self._set(
                [
                    fold(text, size) if column.kind is Kind.TEXT else _clean(text).split("\n")
                    for column, text, size in zip(self.columns, row, widths, strict=True)
                ],
                widths,
            )
        ]
        if not any(column.heading for column in self.columns):
            return [], body
        headings = [
            _folded(column.heading, size, _HEADING_PIECES)
            for column, size in zip(self.columns, widths, strict=True)
        ]
        deepest = max(map(len, headings))
        headings = [[""] * (deepest - len(heading)) + heading for heading in headings]
        return [*self._set(headings, widths), _GAP.join("-" * size for size in widths)], body

    def _without(self, at: int) -> Table:
        rows = tuple((*row[:at], *row[at + 1 :]) for row in self.rows)
        return replace(self, columns=(*self.columns[:at], *self.columns[at + 1 :]), rows=rows)

    def _wish(self) -> int:
        """The width at which no text is narrower than it should be."""
        least = [
            min(natural, column.least) if column.kind is Kind.TEXT else narrowest
            for column, natural, narrowest in zip(
                self.columns, self._naturals(), self._narrowest(), strict=True
            )
        ]
        return sum(least) + len(_GAP) * (len(least) - 1)

    def _widths(self, width: int | None) -> list[int]:
        """As wide as their content where there is room; else headings are folded, then texts."""
        widths = self._naturals()
        if width is None:
            return widths
        room = width - len(_GAP) * (len(widths) - 1)
        texts = [at for at, column in enumerate(self.columns) if column.kind is Kind.TEXT]
        for at, narrowest in enumerate(self._narrowest()):
            if sum(widths) > room and at not in texts:
                widths[at] = narrowest
        while texts and sum(widths) > room:
            widest = max(texts, key=lambda at: widths[at])
            if widths[widest] <= _LEAST:
                break
            widths[widest] -= 1
        return widths

    def _naturals(self) -> list[int]:
        """How wide each column is with nothing folded."""
        return [
            max(cell_len(column.heading), content)
            for column, content in zip(self.columns, self._contents(), strict=True)
        ]

    def _narrowest(self) -> list[int]:
        """How wide each column is with its heading folded, as the names of metrics may be."""
        return [
            max(content, *(cell_len(piece) for piece in _HEADING_PIECES.findall(column.heading)))
            if column.kind is Kind.NUMBER
            else natural
            for column, content, natural in zip(self.columns, self._contents(), self._naturals(), strict=True)
        ]

    def _contents(self) -> list[int]:
        return [
            max((cell_len(line) for row in self.rows for line in _clean(row[at]).split("\n")), default=0)
            for at in range(len(self.columns))
        ]

    def _set(self, cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
        """Cells of one or several lines, side by side, as lines."""
        lines = []
        for texts in zip_longest(*cells, fillvalue=""):
            parts = []
            for column, text, size in zip(self.columns, texts, widths, strict=True):
                padding = " " * (size - cell_len(text))
                parts.append(padding + text if column.kind is Kind.NUMBER else text + padding)
            lines.append(_GAP.join(parts).rstrip())
        return lines


def fold(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width``, broken after spaces and signs where there are any."""
    return _folded(text, width, _TEXT_PIECES)


def _folded(text: str, width: int, pieces: re.Pattern[str]) -> list[str]:
    lines = []
    for given in _clean(text).split("\n"):
        line = ""
        for piece in pieces.findall(given):
            if line and cell_len(line) + cell_len(piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            if cell_len(piece.rstrip()) > width:
                *full, piece = chop_cells(piece, width)
                lines += full
            line += piece
        lines.append(line.rstrip())
    return lines


def _clean(text: str) -> str:
    return text.translate(_CONTROL)
