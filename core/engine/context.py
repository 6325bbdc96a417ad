"""The evaluation context that every engine injects into evaluators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from automl.core.contracts import (
    Batch,
    Checkpoints,
    InvalidCandidateError,
    NetworkSize,
    SearchSpace,
    Status,
    Subject,
    Task,
    derive_seed,
    failure,
)
from automl.core.errors import AutomlError

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCHES_KEPT = 16
"""An evaluator draws its batches again for every candidate: a few repeats' worth stay at hand."""


class EngineContext:
    """What an evaluator may use besides the candidates (`contracts.EvaluationContext`).

    Args:
        space: the search space, in full size.
        task: the task, in full size.
        run_seed: the run's seed.
        size: which networks the evaluator wants.
        device: where to compute, as torch names it.
        resolve: finds another registered thing by kind and name.
        checkpoints: where an evaluator that trains keeps its state.
    """

    def __init__(
        self,
        *,
        space: SearchSpace[Any],
        task: Task,
        run_seed: int,
        size: NetworkSize = NetworkSize.FULL,
        device: str = "cpu",
        resolve: Callable[[str, str], Any] | None = None,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        small = size is NetworkSize.PROXY
        self.space: SearchSpace[Any] = space.proxy() if small else space
        self.task: Task = task.proxy() if small else task
        self.checkpoints = checkpoints
        self._run_seed = run_seed
        self._device = device
        self._resolve = resolve
        self._batch = lru_cache(maxsize=_BATCHES_KEPT)(self._draw_batch)

    @property
    def device(self) -> torch.device:
        """Where to compute."""
        import torch

        return torch.device(self._device)

    def seed(self, purpose: str, *, repeat: int = 0, draw: int = 0) -> int:
        """A seed that all candidates of one repeat share."""
        return derive_seed(self._run_seed, repeat, "shared", purpose, draw)

    def own_seed(self, subject: Subject, purpose: str, *, draw: int = 0) -> int:
        """A seed of the subject's own: derived from the one that stands in the trial's row."""
        own = derive_seed(self._run_seed, subject.repeat, "own", subject.genotype.json)
        return derive_seed(own, 0, purpose, draw)

    def batch(self, size: int, *, repeat: int = 0, draw: int = 0) -> Batch:
        """The batch that all candidates of one repeat share.

        Every call gives a copy: a network that begins with an in-place operation writes into its input, and
        would spoil the batch for the candidates after it.
        """
        kept = self._batch(size, self.seed("batch", repeat=repeat, draw=draw))
        return Batch(kept.inputs.clone(), None if kept.labels is None else kept.labels.clone())

    def _draw_batch(self, size: int, seed: int) -> Batch:
        batch = self.task.batch(size, seed)
        labels = None if batch.labels is None else batch.labels.to(self.device)
        return Batch(batch.inputs.to(self.device), labels)

    def network(self, subject: Subject, *, draw: int = 0) -> nn.Module:
        """The subject's network in train mode, its initial values from the shared seed.

        Raises:
            InvalidCandidateError: the space cannot build it.
        """
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed("initial values", repeat=subject.repeat, draw=draw))
            try:
                network: Any = self.space.network(subject.candidate, self.task)
            except Exception as error:
                outcome = failure(error)
                if isinstance(error, AutomlError) or outcome.status is Status.OUT_OF_MEMORY:
                    raise
                raise InvalidCandidateError(f"the network cannot be built: {outcome.reason}") from error
        if not isinstance(network, torch.nn.Module):
            raise InvalidCandidateError(
                f"the network cannot be built: search space {self.space.name!r} gives a "
                f"{type(network).__name__}, and a network is a torch.nn.Module"
            )
        moved: nn.Module = network.to(self.device)
        return moved.train()

    def report(self, subject: Subject, step: int, metrics: Mapping[str, float]) -> bool:
        """Whether to go on: always, where no scheduler is at work."""
        return True

    def resolve(self, kind: str, name: str) -> Any:
        """Another registered thing, made with its default options."""
        if self._resolve is None:
            raise LookupError(f"this context resolves nothing: asked for {kind} {name!r}")
        return self._resolve(kind, name)
