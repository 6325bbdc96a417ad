"""The network around a cell: a stem, three stages of equal cells, two reductions, a linear classifier.

After Dong and Yang, "NAS-Bench-201", 2020, section 2.1 and figure 1. Initial values are PyTorch's own, as
in the published training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from automl.searchspaces.nasbench201.cell import CONV_1X1, CONVOLUTIONS, NONE, OUTPUT, POOL, SKIP, Cell


class Network(nn.Module):
    """From ``(n, input_channels, h, w)`` to ``(n, classes)`` logits, for images of any size.

    Args:
        cell: what each of the ``3 * cells`` cells computes.
        input_channels: of the images.
        classes: the number of logits.
        channels: of the first stage; the second has twice as many, the third four times.
        cells: in each stage.
    """

    def __init__(self, cell: Cell, *, input_channels: int, classes: int, channels: int, cells: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(input_channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        stages: list[nn.Module] = []
        for width in (channels, 2 * channels, 4 * channels):
            if stages:
                stages.append(Reduction(width // 2, width))
            stages.extend(CellModule(cell, width) for _ in range(cells))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(4 * channels)
        self.relu = nn.ReLU()
        self.classifier = nn.Linear(4 * channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """The logits."""
        features: Tensor = self.relu(self.norm(self.stages(self.stem(images))))
        logits: Tensor = self.classifier(features.mean((2, 3)))
        return logits


class CellModule(nn.Module):
    """One cell, ``(n, channels, h, w)`` to the same shape.

    It has a module for each operation, named ``edge_<target>_<source>``, but runs only those that the
    output depends on: the others would cost time, and be counted by scores that watch layers at work.

    Attributes:
        runs_dead_parts: whether to run the others as well, as the published network does. What counts
            the work of a network as it is written turns it on.
    """

    def __init__(self, cell: Cell, channels: int) -> None:
        super().__init__()
        self.runs_dead_parts = False
        for source, target, operation in cell.edges():
            if operation in CONVOLUTIONS:
                kernel = 1 if operation == CONV_1X1 else 3
                self.add_module(_edge_name(source, target), ReluConvNorm(channels, channels, kernel))
            elif operation == POOL:
                pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
                self.add_module(_edge_name(source, target), pool)
        self._live_edges = cell.live_edges()
        self._all_edges = [edge for edge in cell.edges() if edge[-1] != NONE]

    def forward(self, features: Tensor) -> Tensor:
        """The output node."""
        nodes: list[Tensor | None] = [features, None, None, None]
        for source, target, operation in self._all_edges if self.runs_dead_parts else self._live_edges:
            start = nodes[source]
            if start is None:  # a node that nothing flows into is zero
                start = torch.zeros_like(features)
            value = start if operation == SKIP else getattr(self, _edge_name(source, target))(start)
            total = nodes[target]
            nodes[target] = value if total is None else total + value
        output = nodes[OUTPUT]
        return torch.zeros_like(features) if output is None else output


class ReluConvNorm(nn.Module):
    """ReLU, convolution without bias, batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """``(n, inputs, h, w)`` to ``(n, outputs, ceil(h / stride), ceil(w / stride))``."""
        normed: Tensor = self.norm(self.conv(self.relu(features)))
        return normed


class Reduction(nn.Module):
    """A residual block that halves height and width, rounding up."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            ReluConvNorm(inputs, outputs, 3, stride=2), ReluConvNorm(outputs, outputs, 3)
        )
        # Rounded up as the branch is, so that odd sizes add up. For even ones it is the published pooling.
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        """``(n, inputs, h, w)`` to ``(n, outputs, ceil(h / 2), ceil(w / 2))``."""
        total: Tensor = self.branch(features) + self.shortcut(features)
        return total


def _edge_name(source: int, target: int) -> str:
    return f"edge_{target}_{source}"
