"""Tables: aligned, and folded where there is no room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.report.table import Column, Kind, Table, fold

CELL = "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|"
TABLE = Table(
    (
        Column("rank", Kind.NUMBER),
        Column("score", Kind.NUMBER),
        Column("long_name_of_a_metric", Kind.NUMBER, optional=True),
        Column("another", Kind.NUMBER, optional=True),
        Column("candidate", least=48),
    ),
    tuple((str(n), "-3.5000", "1,828.9", "7", CELL) for n in (1, 10)),
)
WORDS = st.text("ab|+,;/ _~", max_size=60)


def set_at(table: Table, width: int | None) -> list[str]:
    head, body = table.fitted(width)[0].lines(width)
    return [*head, *body]


def test_without_a_limit_a_row_is_a_line() -> None:
    assert set_at(TABLE, None) == [
        "rank    score  long_name_of_a_metric  another  candidate",
        f"----  -------  ---------------------  -------  {'-' * len(CELL)}",
        f"   1  -3.5000                1,828.9        7  {CELL}",
        f"  10  -3.5000                1,828.9        7  {CELL}",
    ]


def test_headings_are_folded_first() -> None:
    assert set_at(TABLE, 130) == [
        "                 long_",
        "                 name_",
        "                 of_a_",
        "rank    score   metric  another  candidate",
        f"----  -------  -------  -------  {'-' * len(CELL)}",
        f"   1  -3.5000  1,828.9        7  {CELL}",
        f"  10  -3.5000  1,828.9        7  {CELL}",
    ]


def test_then_the_text_down_to_what_it_should_get() -> None:
    assert set_at(TABLE, 81)[3:7] == [
        "rank    score   metric  another  candidate",
        "----  -------  -------  -------  ------------------------------------------------",
        "   1  -3.5000  1,828.9        7  |avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|",
        "                                 +|nor_conv_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|",
    ]


def test_then_optional_columns_are_left_out() -> None:
    assert TABLE.fitted(81)[1] == []
    assert TABLE.fitted(80)[1] == ["another"]
    assert TABLE.fitted(71)[1] == ["long_name_of_a_metric", "another"]
    assert TABLE.fitted(20)[1] == ["long_name_of_a_metric", "another"]
    assert set_at(TABLE, 71)[0].split() == ["rank", "score", "candidate"]


def test_a_narrow_window_gets_what_is_possible() -> None:
    lines = set_at(TABLE, 20)
    assert max(map(len, lines)) == 4 + 2 + 7 + 2 + 10  # no text is narrower than ten columns
    assert "".join(line[15:] for line in lines[2:]) == CELL * 2


def test_a_table_without_headings() -> None:
    table = Table((Column("", Kind.NAME), Column("")), (("a", "1"), ("bcd", "two words\nand more")))
    assert table.lines(None) == ([], ["a    1", "bcd  two words", "     and more"])


def test_a_table_without_rows() -> None:
    table = Table((Column("a", Kind.NUMBER), Column("b")), ())
    assert table.lines(80) == (["a  b", "-  -"], [])


def test_names_are_never_folded() -> None:
    name = "20261120-210346-nasbench201-count-3e3ab9"
    table = Table((Column("run name", Kind.NAME), Column("state")), ((name, "finished"),))
    assert table.lines(20)[1][0].startswith(name)


def test_letters_that_are_two_columns_wide() -> None:
    table = Table((Column("name", Kind.NAME), Column("n", Kind.NUMBER)), (("層", "1"), ("layer", "2")))
    assert table.lines(None)[1] == ["層     1", "layer  2"]
    assert fold("層層層層", 5) == ["層層", "層層"]


def test_a_stored_text_cannot_move_the_cursor() -> None:
    table = Table((Column("text"),), (("a\x1b[2Jb\rc\x7f",),))
    assert table.lines(None)[1] == [r"a\x1b[2Jb\x0dc\x7f"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("one two three", 8, ["one two", "three"]),
        ('{"x":30,"kind":"b"}', 12, ['{"x":30,', '"kind":"b"}']),
        ("/path/to/file.py:Space", 12, ["/path/to/", "file.py:Spac", "e"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        (CELL[:52], 48, ["|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|", "+|no"]),
        ("a|+|b", 3, ["a|+", "|b"]),
        ("first\nsecond line", 7, ["first", "second", "line"]),
    ],
)
def test_where_a_text_is_broken(text: str, width: int, lines: list[str]) -> None:
    assert fold(text, width) == lines


@given(WORDS, st.integers(1, 70))
def test_folding_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = fold(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert max(map(len, lines)) <= width


@given(st.lists(st.tuples(WORDS, WORDS), max_size=4), st.integers(30, 100))
def test_a_table_of_texts_fits(rows: list[tuple[str, str]], width: int) -> None:
    table = Table((Column("first", optional=True), Column("second"), Column("third")), tuple(
        (first, second, "x" * 9) for first, second in rows
    ))  # fmt: skip
    lines = set_at(table, width)
    assert max(map(len, lines)) <= width
