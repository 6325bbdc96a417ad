"""The picture of a run."""

from __future__ import annotations

import os
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from automl.core.errors import StoreWriteError, UsageError
from automl.core.report.picture import draw_run
from tests.core.cli.tool import run as run_tool
from tests.core.report.runs import row, run_of

pytest.importorskip("matplotlib", reason="the extra 'report' is not installed")

SIGNATURES = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}
SVG = "{http://www.w3.org/2000/svg}"
SCORES = [1.0, None, 3.0, 2.0, None, None, 2.5]


def marks(picture: ET.Element, name: str) -> list[tuple[float, float]]:
    """Where the marks of one series are, in points from the upper left corner."""
    [group] = [element for element in picture.iter(f"{SVG}g") if element.get("id") == name]
    return [(float(mark.get("x", 0)), float(mark.get("y", 0))) for mark in group.iter(f"{SVG}use")]


@pytest.mark.parametrize("kind", SIGNATURES)
def test_the_kinds_of_file(tmp_path: Path, kind: str) -> None:
    run = run_of(tmp_path, [row(n, score) for n, score in enumerate(SCORES)])
    first, second = tmp_path / f"first{kind}", tmp_path / f"SECOND{kind.upper()}"
    draw_run(run, first)
    draw_run(run, second)
    assert first.read_bytes().startswith(SIGNATURES[kind])
    assert first.read_bytes() == second.read_bytes()  # no date, no random names


def test_every_trial_is_drawn_where_it_belongs(tmp_path: Path) -> None:
    run = run_of(tmp_path, [row(n, score) for n, score in enumerate(SCORES)])
    draw_run(run, tmp_path / "run.svg")
    picture = ET.parse(tmp_path / "run.svg").getroot()
    scored = marks(picture, "trials")
    assert len(scored) == 4
    assert [x for x, _ in scored] == sorted(x for x, _ in scored)
    heights = [-y for _, y in scored]  # svg counts downwards
    assert sorted(heights) == [heights[0], heights[2], heights[3], heights[1]]
    failed = marks(picture, "failed")
    assert len(failed) == 3
    assert len({y for _, y in failed}) == 1
    assert all(y > max(y for _, y in scored) for _, y in failed)
    one = scored[1][0] - scored[0][0]  # trials 0 and 2
    assert failed[0][0] - scored[0][0] == pytest.approx(one / 2)


@pytest.mark.parametrize("direction", ["max", "min"])
def test_the_best_so_far_is_a_staircase(tmp_path: Path, direction: str) -> None:
    run = run_of(tmp_path, [row(n, score) for n, score in enumerate(SCORES)], direction=direction)
    draw_run(run, tmp_path / "run.svg")
    picture = ET.parse(tmp_path / "run.svg").getroot()
    [group] = [element for element in picture.iter(f"{SVG}g") if element.get("id") == "best"]
    [path] = group.iter(f"{SVG}path")
    words = path.get("d", "").replace("M", "").replace("L", "").split()
    heights = [-float(word) for word in words[1::2]]
    assert heights == sorted(heights, reverse=direction == "min")
    assert len(set(heights)) == (2 if direction == "max" else 1)


@pytest.mark.parametrize(
    "candidate", ["{$x^{", "a_b^c", "|conv~0|" * 80, "two\nlines", "x" * 1000, "", "\x1b[1m"]
)
def test_any_candidate_has_a_title(tmp_path: Path, candidate: str) -> None:
    draw_run(run_of(tmp_path, [row(0, 1.0, candidate=candidate)]), tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 0


def test_all_scores_alike(tmp_path: Path) -> None:
    draw_run(run_of(tmp_path, [row(n, 2.0) for n in range(5)]), tmp_path / "run.png")


def test_nothing_to_draw(tmp_path: Path) -> None:
    run = run_of(tmp_path, [row(0, None)])
    with pytest.raises(UsageError, match="has no trial with a score: there is nothing to draw"):
        draw_run(run, tmp_path / "run.png")
    assert not (tmp_path / "run.png").exists()


def test_places_and_names_that_cannot_be(tmp_path: Path) -> None:
    run = run_of(tmp_path, [row(0, 1.0)])
    with pytest.raises(UsageError, match=r"run.jpg': expected a name that ends in .png, .svg, .pdf"):
        draw_run(run, tmp_path / "run.jpg")
    with pytest.raises(StoreWriteError, match="cannot be written: No such file or directory"):
        draw_run(run, tmp_path / "nowhere" / "run.png")


@pytest.mark.slow
def test_without_matplotlib_it_is_said_what_to_install(tmp_path: Path) -> None:
    run = run_of(tmp_path, [row(0, 1.0)])
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'matplotlib':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    picture = tmp_path / "run.png"
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    result = run_tool("show", run.folder, "--picture", picture, PYTHONPATH=path, AUTOML_PLUGINS="")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "automl: error: drawing a picture needs the extra 'report', which is not installed. "
        "Install it with: pip install 'automl-search[report]'\n"
    )
    assert not picture.exists()
    assert run_tool("show", run.folder, PYTHONPATH=path, AUTOML_PLUGINS="").code == 0
    assert "matplotlib" in sys.modules  # here it is not missing
