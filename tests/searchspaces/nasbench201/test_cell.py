from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core.errors import ParseError, UnknownNameError, UsageError
from automl.searchspaces.nasbench201 import OPERATIONS, Cell
from automl.searchspaces.nasbench201.cell import EXAMPLE, parse_cell, render_cell
from tests.searchspaces.nasbench201.cells import CONV1, CONV3, NONE, POOL, SKIP, all_cells

TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|avg_pool_3x3~2|"


def test_the_text_is_the_official_one() -> None:
    cell = Cell((CONV3, NONE, SKIP, SKIP, CONV1, POOL))
    assert render_cell(cell) == str(cell) == TEXT
    assert parse_cell(TEXT) == cell


def test_every_cell_comes_back_from_its_text() -> None:
    texts = {render_cell(cell): cell for cell in all_cells()}
    assert len(texts) == 5**6
    assert all(parse_cell(text) == cell for text, cell in texts.items())


def test_white_space_does_not_matter() -> None:
    assert parse_cell(f"  {TEXT.replace('+', ' + ')}\n") == parse_cell(TEXT)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has 1 group of edges, expected 3 joined by '+'"),
        ("|none~0|+|none~0|none~1|", "it has 2 groups of edges"),
        (f"{TEXT}+|none~0|", "it has 4 groups of edges"),
        (TEXT[1:], "node 1 (group 1 of 3) is 'nor_conv_3x3~0|', expected it to begin and end with '|'"),
        (TEXT[:-1], "node 3 (group 3 of 3) is"),
        (
            TEXT.replace("|none~0|", "|"),
            "node 2 (group 2 of 3) is '|skip_connect~1|' and has 1 edge, expected 2",
        ),
        (TEXT.replace("none~0", "none"), "the edge from node 0 to node 2 is 'none', expected OPERATION~0"),
        (
            TEXT.replace("nor_conv_3x3", "nor_conv3x3"),
            "the edge from node 0 to node 1 is 'nor_conv3x3~0': unknown operation 'nor_conv3x3', "
            "did you mean nor_conv_3x3? there are none, skip_connect",
        ),
        (TEXT.replace("avg_pool_3x3", "zzz"), "unknown operation 'zzz', there are none, skip_connect"),
        (TEXT.replace("avg_pool_3x3~2", "none~1"), "is 'none~1': source '1', expected '2'"),
        (TEXT.replace("none~0", "none~"), "is 'none~': source '', expected '0'"),
    ],
)
def test_a_text_that_is_none_is_refused_with_what_is_wrong_and_where(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_cell(text)
    assert message in caught.value.message
    assert repr(text) in caught.value.message
    assert EXAMPLE in caught.value.hint


def test_the_example_of_the_messages_parses() -> None:
    assert render_cell(parse_cell(EXAMPLE)) == EXAMPLE


pieces = st.sampled_from([*OPERATIONS, "|", "~", "+", "0", "1", "2", "|none~0|", "conv", ""])


@given(st.one_of(st.text(max_size=30), st.lists(pieces, max_size=25).map("".join)))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    try:
        cell = parse_cell(text)
    except ParseError:
        return
    assert render_cell(cell) == "".join(text.split())


@given(st.integers(0, len(TEXT) - 1), st.characters())
def test_one_wrong_character_is_noticed(position: int, character: str) -> None:
    text = TEXT[:position] + character + TEXT[position + 1 :]
    if text != TEXT:
        with pytest.raises(ParseError):
            parse_cell(text)


def test_a_cell_holds_six_known_operations() -> None:
    with pytest.raises(UsageError, match="6 operations"):
        Cell((SKIP,) * 5)
    with pytest.raises(UnknownNameError, match="did you mean skip_connect"):
        Cell((SKIP, SKIP, "skip_conect", SKIP, SKIP, SKIP))


@pytest.mark.parametrize(
    ("operations", "live"),
    [
        ((SKIP,) * 6, [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]),
        ((NONE,) * 6, []),
        ((CONV3, CONV3, CONV3, NONE, NONE, NONE), []),
        ((CONV3, NONE, CONV1, POOL, NONE, NONE), [(0, 3)]),
        ((NONE, NONE, NONE, NONE, POOL, SKIP), []),
        ((NONE, NONE, CONV1, NONE, NONE, SKIP), [(1, 2), (2, 3)]),
        ((NONE, POOL, SKIP, NONE, NONE, CONV3), [(0, 2), (2, 3)]),
    ],
)
def test_live_edges_are_those_that_the_output_depends_on(
    operations: tuple[str, ...], live: list[tuple[int, int]]
) -> None:
    assert [edge[:2] for edge in Cell(operations).live_edges()] == live
