"""Tables: aligned, and folded where there is no room."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from automl.core.report.table import Column, Kind, fitted

CELL = "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|"
COLUMNS = [
    Column("rank", Kind.NUMBER),
    Column("score", Kind.NUMBER),
    Column("long_metric", Kind.NUMBER, optional=True),
    Column("another", Kind.NUMBER, optional=True),
    Column("candidate", least=48),
]
ROWS = [(str(n), "-3.5000", "1,828.9", "7", CELL) for n in (1, 10)]
NAMES = [Column("name", Kind.NAME), Column("what it is")]
LETTERS = st.text("ab|+[]/\\ _~層", max_size=60)


def drawn(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    table, _ = fitted(columns, rows, width)
    console = Console(color_system=None)
    with console.capture() as lines:
        console.print(table, crop=False)
    return [line.rstrip() for line in lines.get().rstrip("\n").split("\n")]


def test_without_a_limit_a_row_is_a_line() -> None:
    assert drawn(COLUMNS, ROWS) == [
        "rank    score  long_metric  another  candidate",
        "-" * (37 + len(CELL)),
        f"   1  -3.5000      1,828.9        7  {CELL}",
        f"  10  -3.5000      1,828.9        7  {CELL}",
    ]


def test_the_text_is_folded_down_to_what_it_should_get() -> None:
    assert drawn(COLUMNS, ROWS, 85)[2:4] == [
        f"   1  -3.5000      1,828.9        7  {CELL[:48]}",
        f"{'':37}{CELL[48:]}",
    ]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (None, []),
        (85, []),
        (84, ["another"]),
        (76, ["another"]),
        (75, ["long_metric", "another"]),
        (20, ["long_metric", "another"]),
    ],
)
def test_then_optional_columns_are_left_out(width: int | None, left_out: list[str]) -> None:
    assert fitted(COLUMNS, ROWS, width)[1] == left_out
    headings = [column.heading for column in COLUMNS if column.heading not in left_out]
    assert drawn(COLUMNS, ROWS, width)[0].split() == headings


def test_a_narrow_window_gets_what_is_possible() -> None:
    lines = drawn(COLUMNS, ROWS, 20)
    assert max(map(len, lines)) == 4 + 2 + 7 + 2 + 10  # no text is narrower than ten columns
    assert "".join(line[15:] for line in lines[2:]) == CELL * 2


def test_a_table_without_headings() -> None:
    columns = [Column("", Kind.NAME), Column("")]
    assert drawn(columns, [("a", "1"), ("bcd", "two words\nand more")]) == [
        "a    1",
        "bcd  two words",
        "     and more",
    ]


def test_a_table_without_rows() -> None:
    assert drawn(NAMES, [], 80) == ["name  what it is", "----------------"]


@pytest.mark.parametrize("width", [5, 30, 60])
def test_names_and_numbers_are_never_folded(width: int) -> None:
    name = "20261120-210346-nasbench201-count-3e3ab9"
    columns = [Column("run", Kind.NAME), Column("trials", Kind.NUMBER), Column("why")]
    assert drawn(columns, [(name, "1,234,567", "for a long reason")], width)[2].startswith(
        f"{name}  1,234,567  for a"
    )


def test_letters_that_are_two_columns_wide() -> None:
    columns = [Column("name", Kind.NAME), Column("n", Kind.NUMBER)]
    assert drawn(columns, [("層", "1"), ("layer", "2")])[2:] == ["層     1", "layer  2"]


@pytest.mark.parametrize("text", ["[bold]a[/bold]", "[/]", ":smile:", "a\\[b]", "https://[::1]/"])
def test_a_stored_text_is_no_markup(text: str) -> None:
    assert drawn([Column("text")], [(text,)])[2:] == [text]


def test_a_stored_text_cannot_move_the_cursor() -> None:
    stored = "a\x1b[2Jb\rc\x7f\x9b1md\te"
    assert drawn([Column("text")], [(stored,)])[2:] == [r"a\x1b[2Jb\x0dc\x7f\x9b1md    e"]


@given(st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=4), st.integers(34, 100))
def test_a_table_of_texts_fits_and_loses_nothing_but_spaces(rows: list[tuple[str, str]], width: int) -> None:
    columns = [Column("first"), Column("second"), Column("third")]
    lines = drawn(columns, [(first, second, "x" * 9) for first, second in rows], width)
    assert max(len(line) + line.count("層") for line in lines) <= width
    # Lines mix the columns: every letter is there as often as in the rows.
    written = sorted("".join(lines[2:]).replace(" ", ""))
    assert written == sorted("".join(f"{first}{second}{'x' * 9}" for first, second in rows).replace(" ", ""))
