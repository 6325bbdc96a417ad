"""The views of a candidate, first of all its network."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from automl.core.contracts import Genotype, InvalidCandidateError, NetworkSize, SearchSpace, Task, View
from automl.core.errors import ChoiceError
from automl.core.testing.broken import BrokenContractError, first_line, short
from automl.core.testing.elsewhere import state_digest
from automl.core.testing.randomness import global_randomness
from automl.core.testing.space.case import SAMPLES, SpaceCase, draw, rebuilt
from automl.core.testing.threads import threads

if TYPE_CHECKING:
    import torch
    from torch import nn

_EXAMPLES = 4
_CANDIDATES = {NetworkSize.PROXY: 6, NetworkSize.FULL: 2}
"""How many networks of each size are built: full ones may be large."""

_USE_TORCH = (
    "draw initial values from torch's global generator (as torch's layers do), and from nothing else."
)


class NetworkCases(SpaceCase):
    """What the views have to be. A space without networks passes those tests that are about networks."""

    def test_the_proxy_has_the_same_candidates(self) -> None:
        """Genotypes mean the same in the space's small form."""
        space = self.make_space()
        proxy = space.proxy()
        for seed, genotype in enumerate(draw(space)):
            try:
                same = proxy.rebuild(genotype) == space.rebuild(genotype)
            except ChoiceError:
                same = False
            if not same or proxy.sample(Random(seed)) != genotype:
                raise BrokenContractError(
                    f"{type(space).__name__}.proxy() has other candidates: {genotype.json} is not the same "
                    "in it.",
                    demanded="the proxy is the same space with smaller networks.",
                    change="let define be the same in both, and only network differ.",
                )

    def test_networks_fit_the_task(self) -> None:
        """From ``(n, *input_shape)`` to ``(n, classes)``, for every task, while training and after."""
        import torch

        for space, task, genotype in self._networks():
            network = _built(space, genotype, task)
            inputs = task.batch(_EXAMPLES, seed=0).inputs
            expected = (_EXAMPLES, task.classes)
            for mode in (True, False):
                try:
                    with torch.no_grad(), threads(1):
                        logits = network.train(mode)(inputs)
                except Exception as error:
                    raise BrokenContractError(
                        f"{_network_of(space, genotype)} raised {first_line(error)} for inputs of shape "
                        f"{tuple(inputs.shape)}.",
                        demanded="a network takes (n, *task.input_shape), in train mode and in eval mode.",
                        change="build its first layer for task.input_shape, and let it stand small images. "
                        "A space that is not for images tests with tasks of its own: override make_tasks.",
                    ) from error
                _check_logits(space, genotype, logits, expected)

    def test_the_same_seed_builds_the_same_network(self) -> None:
        """Initial values come from torch's global generator, which the caller has seeded."""
        for space, task, genotype in self._networks():
            networks = [_built(space, genotype, task, others=others) for others in (1, 2)]
            if state_digest(networks[0]) != state_digest(networks[1]):
                raise BrokenContractError(
                    f"{_network_of(space, genotype)} had other initial values the second time, with torch "
                    "seeded the same.",
                    demanded="the same seed gives the same network: a trial is repeated from it.",
                    change=_USE_TORCH,
                )

    def test_building_leaves_the_seed_alone(self) -> None:
        """A space that seeds torch itself would give every repeat the same network."""
        import torch

        for space, task, genotype in self._networks():
            after = []
            for seed in (1, 2):
                with torch.random.fork_rng(devices=[]):
                    torch.default_generator.manual_seed(seed)
                    space.network(rebuilt(space, genotype, source="it sampled"), task)
                    after.append(torch.default_generator.get_state())
            if torch.equal(after[0], after[1]):
                raise BrokenContractError(
                    f"{_network_of(space, genotype)} was built with a seed of its own: torch's generator "
                    "stood the same after it, whatever it was seeded with before.",
                    demanded="the caller seeds: another repeat has other initial values.",
                    change="remove torch.manual_seed.",
                )

    def test_networks_are_built_anew(self) -> None:
        """Two networks share no parameter: training one leaves the other alone."""
        for space, task, genotype in self._networks():
            first, second = (_built(space, genotype, task) for _ in range(2))
            shared = {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}
            if first is second or shared:
                raise BrokenContractError(
                    f"{_network_of(space, genotype)} shares parameters with the one built before.",
                    demanded="every call builds a new network: evaluators train them and change them.",
                    change="keep no module in the space; build all of them in network.",
                )

    def test_table_keys_are_texts(self) -> None:
        """The name in published tables, where the space has one."""
        space = self.make_space()
        if View.TABLE_KEY not in space.views():
            return
        for genotype in draw(space, SAMPLES):
            key = space.table_key(rebuilt(space, genotype, source="it sampled"))
            if not isinstance(key, str) or not key:
                raise BrokenContractError(
                    f"{type(space).__name__}.table_key gave {short(key)} for {genotype.json}.",
                    demanded="a table's key is a text.",
                    change="return the name that the table has for the candidate.",
                )

    def _networks(self) -> list[tuple[SearchSpace[Any], Task, Genotype]]:
        """The networks to look at: some of each size for each task."""
        space = self.make_space()
        if View.NETWORK not in space.views():
            return []
        sizes = {NetworkSize.PROXY: space.proxy(), NetworkSize.FULL: space}
        return [
            (sized, task, genotype)
            for size, sized in sizes.items()
            for task in self.make_tasks()
            for genotype in draw(space, _CANDIDATES[size])
            if not _is_refused(sized, genotype, task)
        ]


def _built(space: SearchSpace[Any], genotype: Genotype, task: Task, *, others: int = 0) -> nn.Module:
    """The network with torch seeded by 0, and the other global generators by ``others``."""
    import torch
    from torch import nn

    candidate = rebuilt(space, genotype, source="it sampled")
    who = f"{type(space).__name__}.network"
    with (
        torch.random.fork_rng(devices=[]),
        global_randomness(others, who=who, use=_USE_TORCH, torch_too=False),
    ):
        torch.default_generator.manual_seed(0)
        try:
            network = space.network(candidate, task)
        except Exception as error:
            raise BrokenContractError(
                f"{_network_of(space, genotype)} cannot be built for inputs of shape {task.input_shape} and "
                f"{task.classes} classes: {first_line(error)}",
                demanded="a candidate has a network for every task of the shape that the space is for.",
                change="what the first line says; a candidate that has none raises InvalidCandidateError. A "
                "space that is not for images tests with tasks of its own: override make_tasks.",
            ) from error
    if not isinstance(network, nn.Module):
        raise BrokenContractError(
            f"{type(space).__name__}.network returned {short(network)}.",
            demanded="a network is a torch.nn.Module.",
            change="return the module.",
        )
    return network


def _is_refused(space: SearchSpace[Any], genotype: Genotype, task: Task) -> bool:
    """Whether the space says itself that this candidate has no network."""
    import torch

    with torch.random.fork_rng(devices=[]):
        try:
            space.network(rebuilt(space, genotype, source="it sampled"), task)
        except InvalidCandidateError:
            return True
        except Exception:  # noqa: BLE001 - the tests say what is wrong with it
            return False
    return False


def _check_logits(
    space: SearchSpace[Any], genotype: Genotype, logits: torch.Tensor, expected: tuple[int, ...]
) -> None:
    import torch

    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise BrokenContractError(
            f"{_network_of(space, genotype)} gave {found}, expected a tensor of shape {expected}.",
            demanded="a network gives (n, task.classes) logits and nothing else.",
            change="end it with a layer of task.classes outputs.",
        )
    if logits.dtype != torch.float32:
        raise BrokenContractError(
            f"{_network_of(space, genotype)} gave logits of type {logits.dtype}.",
            demanded="networks compute in float32.",
            change="leave out what turns the values into another type.",
        )


def _network_of(space: SearchSpace[Any], genotype: Genotype) -> str:
    return f"{type(space).__name__}: the network of {genotype.json}"
