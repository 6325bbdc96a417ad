"""Search spaces whose texts or networks break the contract, each in one way."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from automl.core.contracts import Genotype, Options, SearchSpace, Task
from automl.core.errors import ParseError
from automl.testing import BranchSpace, ConvSpace
from tests.core.testing.catching import Broken

Conv = tuple[int, int, int, str]

# -- text ---------------------------------------------------------------------------------------------


class Written(ConvSpace):
    """The sound base of those that follow: width/kernel/depth/pooling."""

    name = "written"

    def render(self, candidate: Conv) -> str:
        return "/".join(map(str, candidate))

    def parse(self, text: str) -> Genotype:
        try:
            width, kernel, depth, pooling = text.split("/")
            genotype = Genotype(
                {"width": int(width), "kernel": int(kernel), "depth": int(depth), "pooling": pooling}
            )
            self.rebuild(genotype)
        except Exception as error:
            raise ParseError(f"{text!r}: expected width/kernel/depth/pooling") from error
        return genotype


class Mute(ConvSpace):
    name = "mute"

    def render(self, candidate: Conv) -> str:
        return str(candidate)


class Misreading(Written):
    name = "misreading"

    def parse(self, text: str) -> Genotype:
        return Genotype({**super().parse(text), "depth": 1})


class Choosy(Written):
    name = "choosy"

    def parse(self, text: str) -> Genotype:
        if text.startswith("4"):
            raise ParseError("I do not like fours")
        return super().parse(text)


class Mumbling(Written):
    name = "mumbling"

    def render(self, candidate: Conv) -> str:
        return f"{candidate[0]} wide"


class Verbose(Written):
    name = "verbose"

    def render(self, candidate: Conv) -> str:
        return super().render(candidate).replace("/", "\n")


class Abrupt(Written):
    name = "abrupt"

    def parse(self, text: str) -> Genotype:
        width, kernel, depth, pooling = text.split("/")
        return Genotype({"width": int(width), "kernel": int(kernel), "depth": int(depth), "pooling": pooling})


class Curt(Written):
    name = "curt"

    def parse(self, text: str) -> Genotype:
        try:
            return super().parse(text)
        except ParseError:
            raise ParseError("") from None


class Unstable(ConvSpace):
    name = "unstable"

    def canonical(self, candidate: Conv) -> str:
        return str(id(self))


class Tabular(ConvSpace):
    name = "tabular"

    def describe(self, genotype: Genotype, candidate: Conv) -> list[tuple[str, str]]:
        return dict(genotype)  # type: ignore[return-value]  # that is the fault


# -- networks -----------------------------------------------------------------------------------------


class Narrow(ConvSpace):
    """Its small form knows other candidates."""

    name = "narrow"

    def proxy(self) -> SearchSpace[Conv]:
        return BranchSpace()  # type: ignore[return-value]  # that is the fault


class Colour(ConvSpace):
    name = "colour"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, task.classes)
        )


class TenClasses(ConvSpace):
    name = "ten-classes"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        return nn.Sequential(super().network(candidate, task), nn.Linear(task.classes, 10))


class Double(ConvSpace):
    name = "double"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        class Doubled(nn.Module):
            def forward(self, inputs: torch.Tensor) -> torch.Tensor:
                return inputs.double().flatten(1)[:, : task.classes]

        return Doubled()


class NoModule(ConvSpace):
    name = "no-module"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        return lambda inputs: inputs  # type: ignore[return-value]  # that is the fault


class Unbuildable(ConvSpace):
    name = "unbuildable"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        raise ValueError("no network today")


class EntropySeeded(ConvSpace):
    name = "entropy-seeded"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        network = super().network(candidate, task)
        generator = torch.Generator()
        generator.seed()
        for parameter in network.parameters():
            nn.init.normal_(parameter, generator=generator)
        return network


class NumpyInit(ConvSpace):
    name = "numpy-init"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        network = super().network(candidate, task)
        for parameter in network.parameters():
            parameter.data.mul_(np.random.rand())  # noqa: NPY002 - the global generator is the fault
        return network


class Reseeding(ConvSpace):
    name = "reseeding"

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        torch.manual_seed(0)
        return super().network(candidate, task)


class Hoarding(ConvSpace):
    name = "hoarding"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.built: dict[tuple[Conv, int], nn.Module] = {}

    def network(self, candidate: Conv, task: Task) -> nn.Module:
        key = candidate, task.classes
        if key not in self.built:
            self.built[key] = super().network(candidate, task)
        return self.built[key]


class NumberedTable(ConvSpace):
    name = "numbered-table"

    def table_key(self, candidate: Conv) -> str:
        return 7  # type: ignore[return-value]  # that is the fault


_NONSENSE = "test_what_is_no_candidate_does_not_parse"
_FIT = "test_networks_fit_the_task"

BROKEN = (
    Broken(Mute, "test_render_and_parse_come_together", "overrides render and not parse"),
    Broken(Misreading, "test_a_text_reads_back_as_its_candidate", "another candidate than"),
    Broken(Choosy, "test_a_text_reads_back_as_its_candidate", "I do not like fours"),
    Broken(Verbose, "test_a_text_reads_back_as_its_candidate", "Verbose.render gave"),
    Broken(Mumbling, "test_different_candidates_have_different_texts", "for two candidates"),
    Broken(Abrupt, _NONSENSE, "parse raised ValueError"),
    Broken(Curt, _NONSENSE, "without a message"),
    Broken(Unstable, "test_equal_candidates_have_one_normal_form", "Unstable.canonical gave two texts"),
    Broken(Tabular, "test_a_candidate_can_be_described", "Tabular.describe gave"),
    Broken(Narrow, "test_the_proxy_has_the_same_candidates", "Narrow.proxy() has other candidates"),
    Broken(Colour, _FIT, "for inputs of shape (4, 1, 8, 8)"),
    Broken(TenClasses, _FIT, "gave (4, 10), expected a tensor of shape (4, 4)"),
    Broken(Double, _FIT, "torch.float64"),
    Broken(NoModule, _FIT, "NoModule.network returned"),
    Broken(Unbuildable, _FIT, "no network today"),
    Broken(EntropySeeded, "test_the_same_seed_builds_the_same_network", "other initial values"),
    Broken(NumpyInit, "test_the_same_seed_builds_the_same_network", "numpy.random"),
    Broken(Reseeding, "test_building_leaves_the_seed_alone", "a seed of its own"),
    Broken(Hoarding, "test_networks_are_built_anew", "shares parameters"),
    Broken(NumberedTable, "test_table_keys_are_texts", "table_key gave 7"),
)
