"""Which rows are read, against a reading of all of them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.plugins.tasks.images.dataset import Split, open_dataset
from tests.plugins.tasks.images.writing import write


def _split(folder: Path, shards: Sequence[int], group: int) -> Split:
    """A split whose row number n holds the text n instead of an image, and the label n."""
    first = 0
    for number, rows in enumerate(shards):
        labels = list(range(first, first + rows))
        name = f"train-{number:05}-of-{len(shards):05}.parquet"
        write(folder / name, [str(label).encode() for label in labels], labels, names=None, group=group)
        first += rows
    return open_dataset(folder).splits["train"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=3), st.integers(1, 200), st.data())
def test_gives_the_rows_that_are_wanted(shards: list[int], group: int, data: st.DataObject) -> None:
    count = sum(shards)
    wanted = data.draw(st.lists(st.integers(0, count - 1), unique=True, max_size=20))
    with tempfile.TemporaryDirectory() as folder:
        split = _split(Path(folder), shards, group)
        assert len(split) == count
        rows = list(split.rows(wanted))
        assert split.highest_label() == count - 1
    assert [row.number for row in rows] == sorted(wanted)
    assert [row.label for row in rows] == sorted(wanted)
    assert [row.image for row in rows] == [str(number).encode() for number in sorted(wanted)]
    places = [
        f"row {row} of train-{number:05}-of-{len(shards):05}.parquet"
        for number, rows_of_shard in enumerate(shards)
        for row in range(rows_of_shard)
    ]
    assert [row.place for row in rows] == [places[number] for number in sorted(wanted)]


def test_a_small_split_is_its_own_sample(tmp_path: Path) -> None:
    assert _split(tmp_path, [5, 8], 3).sample(100) == list(range(13))


@pytest.mark.parametrize("group", [2, 10, 1000])
def test_a_sample_comes_from_few_row_groups(tmp_path: Path, group: int) -> None:
    split = _split(tmp_path, [700, 300], group)
    sample = split.sample(50)
    assert sample == split.sample(50) == sorted(set(sample))
    assert len(sample) == 50
    assert all(0 <= number < 1000 for number in sample)
    groups = [(number >= 700, number % 700 // group) for number in sample]
    assert len(set(groups)) <= 32
    # It is spread over both files, not taken from the beginning.
    assert 5 < sum(number >= 700 for number in sample) < 30


def test_a_sample_takes_as_many_groups_as_it_needs(tmp_path: Path) -> None:
    sample = _split(tmp_path, [200], 1).sample(150)
    assert len(set(sample)) == 150
