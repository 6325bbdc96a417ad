"""The search space of NAS-Bench-201: what can be chosen, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from automl.core.contracts import Choices, Genotype, InvalidCandidateError, Options, SearchSpace, Task
from automl.searchspaces.nasbench201.cell import (
    EDGES,
    NONE,
    OPERATIONS,
    OUTPUT,
    SKIP,
    Cell,
    parse_cell,
    render_cell,
)
from automl.searchspaces.nasbench201.normal_form import canonical_text

if TYPE_CHECKING:
    from torch import nn

FULL_CHANNELS, FULL_CELLS = 16, 5
"""The published networks' size (Dong and Yang, 2020)."""

PROXY_CHANNELS, PROXY_CELLS = 8, 1
"""Small enough for a score without training in milliseconds."""


class NasBench201Options(Options):
    """The size of the networks."""

    channels: Annotated[int, Field(ge=1, le=512)] | None = Field(
        None, description="channels of the first stage: by default 16, and 8 for scores without training"
    )
    cells: Annotated[int, Field(ge=1, le=20)] | None = Field(
        None, description="cells in each of the three stages: by default 5, and 1 for scores without training"
    )


class NasBench201(SearchSpace[Cell]):
    """The 15,625 cells of NAS-Bench-201 (Dong and Yang, 2020) and the image classifiers built of them."""

    name = "nasbench201"
    Options = NasBench201Options
    options: NasBench201Options

    def define(self, choose: Choices) -> Cell:
        """One of five operations on each of six edges."""
        return Cell(tuple(choose.one_of(f"edge_{target}_{source}", OPERATIONS) for source, target in EDGES))

    def network(self, candidate: Cell, task: Task) -> nn.Module:
        """The network, ``(n, *task.input_shape)`` to ``(n, task.classes)``, for images of any size.

        Raises:
            InvalidCandidateError: the task's inputs are not images.
        """
        from automl.searchspaces.nasbench201.network import Network

        if len(task.input_shape) != 3:
            raise InvalidCandidateError(
                f"nasbench201 takes images, (channels, height, width), and the inputs of task {task.name!r} "
                f"have the shape {task.input_shape}: choose a task of images."
            )
        return Network(
            candidate,
            input_channels=task.input_shape[0],
            classes=task.classes,
            channels=self.options.channels or FULL_CHANNELS,
            cells=self.options.cells or FULL_CELLS,
        )

    def proxy(self) -> NasBench201:
        """The same cells in networks of 8 channels and 1 cell a stage, where the user set nothing else."""
        channels, cells = self.options.channels or PROXY_CHANNELS, self.options.cells or PROXY_CELLS
        return NasBench201(NasBench201Options(channels=channels, cells=cells))

    def table_key(self, candidate: Cell) -> str:
        """The official text, by which the published tables list cells."""
        return render_cell(candidate)

    def render(self, candidate: Cell) -> str:
        """The official text: ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``."""
        return render_cell(candidate)

    def parse(self, text: str) -> Genotype:
        """The genotype of an official text, or of a genotype's JSON.

        Raises:
            ParseError: what is wrong, where, and what was expected.
        """
        if text.lstrip().startswith("{"):
            return super().parse(text)
        cell = parse_cell(text)
        return Genotype({f"edge_{target}_{source}": operation for source, target, operation in cell.edges()})

    def canonical(self, candidate: Cell) -> str:
        """The cell's normal form: see `normal_form`."""
        return canonical_text(candidate)

    def describe(self, genotype: Genotype, candidate: Cell) -> list[tuple[str, str]]:
        """The graph, a node a row; then what it comes to, and the edges that change nothing."""
        rows = [("cell", render_cell(candidate))]
        for node in range(1, OUTPUT + 1):
            terms = [
                _title(source) if operation == SKIP else f"{operation}({_title(source)})"
                for source, target, operation in candidate.edges()
                if target == node and operation != NONE
            ]
            rows.append((_title(node), " + ".join(terms) or "0"))
        rows.append(("computes", canonical_text(candidate)))
        live = candidate.live_edges()
        dead = [
            f"{operation} {source}→{target}"
            for source, target, operation in candidate.edges()
            if operation != NONE and (source, target, operation) not in live
        ]
        return [*rows, ("without effect", ", ".join(dead))] if dead else rows


def _title(node: int) -> str:
    return {0: "input", OUTPUT: "output"}.get(node, f"node {node}")
