from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any, cast

import torch

from automl.core.contracts import SearchSpace
from automl.core.registry import load_from_file
from automl.searchspaces.nasbench201.cell import parse_cell, render_cell
from tests.searchspaces.noise import NoiseTask

README = Path(__file__).parent.parent.parent / "searchspaces" / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_example_is_a_search_space(tmp_path: Path) -> None:
    (code,) = blocks("python")
    (tmp_path / "plain.py").write_text(code)
    reference = f"{tmp_path}/plain.py:PlainConvolutions"
    space = cast(SearchSpace[Any], load_from_file(reference, SearchSpace, "search space")())
    task, random = NoiseTask(2, 6, 6, classes=3), Random(0)
    parent = space.sample(random)
    for genotype in (parent, space.mutate(parent, random), space.crossover(parent, parent, random)):
        logits = space.network(space.rebuild(genotype), task)(torch.zeros(4, 2, 6, 6))
        assert logits.shape == (4, 3)
    assert space.size() == 6 + 6**2 + 6**3


def test_the_cell_that_it_shows_is_one() -> None:
    (text,) = blocks("")
    assert render_cell(parse_cell(text)) == text.strip()
