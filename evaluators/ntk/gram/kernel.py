"""The tangent kernel from one forward and one backward pass, and what to do where that is not enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import torch

from automl.core.contracts import DegenerateScoreError, InvalidCandidateError
from automl.evaluators.ntk.forward import differentiable_logits, give_shape
from automl.evaluators.ntk.gram.accumulator import Gram
from automl.evaluators.ntk.gram.checks import is_bilinear, same_gradients, same_values, sample_weights
from automl.evaluators.ntk.gram.recording import (
    Pass,
    Recording,
    record_calls,
    record_layers,
    whole_batch,
)
from automl.evaluators.ntk.gram.samplewise import sample_gradients
from automl.evaluators.ntk.gram.survey import survey
from automl.evaluators.ntk.loop import loop_kernel, trainable_parameters

if TYPE_CHECKING:
    from torch import Tensor, nn

    from automl.evaluators.ntk.gram.statistics import Moments
    from automl.evaluators.ntk.options import BatchNorm, Output


class Way(StrEnum):
    """How a kernel was computed, the cheapest way first."""

    LAYERS = "layers"
    """One backward pass; torch's layers were watched, and the graph proves that samples do not meet."""
    CALLS = "calls"
    """One backward pass, or two where it has to be checked that samples do not meet; all torch functions
    were watched."""
    MIXED = "calls and samples"
    """So, but for parameters that are used in a way that no rule knows: `torch.func` gave their gradients."""
    SAMPLES = "samples"
    """`torch.func` gave all gradients, each sample alone."""
    LOOP = "loop"
    """One backward pass a sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """A tangent kernel.

    Attributes:
        values: ``(n, n)`` float64, symmetric; ``(n classes, n classes)`` for the output ``full``.
        way: how it was computed.
        parts: into how many parts the batch was cut, each two of them being in memory at a time.
    """

    values: Tensor
    way: Way
    parts: int = 1


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be computed: the Gram matrix of the gradients of one function of the logits a row.

    Attributes:
        work: how the network is run, on one input a row.
        output: which functions.
        rows: the rows' numbers in the whole kernel.
    """

    work: Pass
    output: Output
    rows: Tensor

    def cotangents(self, logits: Tensor) -> list[Tensor]:
        """The functions' weights of the logits, ``(rows, classes)``; the kernels of several are added."""
        if self.output == "sum":
            return [torch.ones_like(logits)]
        single = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
        if self.output == "full":
            return [single[self.rows % len(single)]]
        return [weights.expand_as(logits) for weights in single]

    def gram(self) -> Gram:
        """An empty sum, in the parameters' precision but at least float32."""
        double = any(p.dtype == torch.float64 for p in self.work.survey.parameters)
        dtype = torch.float64 if double else torch.float32
        return Gram(len(self.rows), dtype=dtype, device=self.work.inputs.device)


class _NotThisWayError(Exception):
    """This way does not give the kernel of this network."""


class _NotInPartsError(MemoryError):
    """A network that does not fit into memory whole, and cannot be cut."""


@torch.enable_grad()
def tangent_kernel(
    network: nn.Module,
    inputs: Tensor,
    *,
    batchnorm: BatchNorm = "frozen",
    output: Output = "sum",
    seed: int = 0,
    parts: int = 1,
) -> Kernel:
    """The empirical neural tangent kernel of a batch, exactly, and as cheaply as the network allows.

    What it is, its settings and its errors are those of `loop_kernel`, which costs n backward passes. This
    one costs little more than one: each operation with parameters sees its inputs and its outputs'
    gradients, forms its per-sample gradients and adds their Gram matrix; the Jacobian is never held.

    That is right where row i of what reaches an operation belongs to sample i. So it is only done where
    autograd's graph proves that, or where a second backward pass with other weights of the samples gives
    the same kernel; where neither does, `torch.func` runs each sample alone, if that gives the same logits
    and gradients as the batch does; and else the loop runs. `Kernel.way` says which it was.

    Cost and shape by output: ``sum`` one backward pass, ``(n, n)``; ``trace`` one a class, ``(n, n)``;
    ``full`` forward and backward passes of n times the number of classes k inputs, ``(n k, n k)``, row
    ``i k + a`` being logit a of sample i (Novak et al. 2022).

    Where memory runs out, the batch is cut into parts, and the pairs of parts are run one after another,
    with the statistics of the whole batch. Then the last bits differ.

    Args:
        network: as in `loop_kernel`.
        inputs: as in `loop_kernel`.
        batchnorm: as in `loop_kernel`.
        output: as in `loop_kernel`.
        seed: as in `loop_kernel`.
        parts: into how many parts to cut the batch from the start.

    Raises:
        MemoryError: memory ran out, and the network cannot be run in parts.
    """
    found = survey(network)
    if found.lazy:
        give_shape(network, inputs, seed=seed)
        found = survey(network)
    device = inputs.device
    if not found.parameters or not all(
        parameter.is_floating_point() and parameter.device == device for parameter in found.parameters
    ):
        trainable_parameters(network, device)  # which says what is wrong with them
    work = Pass(network, found, inputs, batchnorm, seed)
    with _exact(device):
        if output == "full":
            logits = differentiable_logits(network, inputs, batchnorm=batchnorm, seed=seed).detach()
            classes = logits.shape[1]
            # Each sample once a class: the statistics of the batch are the same.
            many, again = (tensor.repeat_interleave(classes, 0) for tensor in (inputs, logits))
            work = replace(work, inputs=many, expected=again)
        rows = len(work.inputs)
        parts = min(parts, rows)
        job = _Job(work, output, torch.arange(rows, device=device))
        while True:
            if parts > 1:
                attempt = _attempted(lambda: _in_parts(job, parts))  # noqa: B023 - it is called at once
            else:
                attempt = _attempted(lambda: _whole(job, inputs))
            if attempt is not None:
                return attempt
            if parts >= rows:
                raise MemoryError(f"{rows} samples do not fit into memory, not even two at a time")
            if device.type == "cuda":
                torch.cuda.empty_cache()
            parts = min(rows, max(3, 2 * (parts - parts // 3)))  # 3, 4, 6, 8, 12: two of them ever smaller


def _attempted(compute: Callable[[], Kernel]) -> Kernel | None:
    """The kernel, or nothing if memory ran out. What filled it is let go of before this returns."""
    try:
        return compute()
    except Exception as error:
        if isinstance(error, _NotInPartsError) or not _out_of_memory(error):
            raise
        return None


def _whole(job: _Job, inputs: Tensor) -> Kernel:
    found = _cheapest(job, (_by_layers, _by_calls, _by_samples))
    if found is not None:
        return found
    work = job.work
    values = loop_kernel(work.network, inputs, batchnorm=work.batchnorm, output=job.output, seed=work.seed)
    return Kernel(values, Way.LOOP)


def _cheapest(job: _Job, ways: Sequence[Callable[[_Job], Kernel]]) -> Kernel | None:
    """The kernel by the first of the ways that gives it."""
    if job.work.survey.hooked:
        return None
    for way in ways:
        try:
            return way(job)
        except (DegenerateScoreError, InvalidCandidateError):
            raise
        except Exception as error:
            # What fails in one way, such as a view of memory in another order, need not fail in the next.
            if _out_of_memory(error):
                raise
    return None


# -- ways -------------------------------------------------------------------------------------------------


def _by_layers(job: _Job) -> Kernel:
    recording = record_layers(job.work)
    _check_usual(job, recording)
    if recording.random or recording.rest or not recording.reading.by_rows:
        raise _NotThisWayError
    gram = job.gram()
    *others, last = job.cotangents(recording.logits)
    for cotangent in others:
        _backward(recording, gram, cotangent, again=True)
    _backward(recording, gram, last, again=False)
    return Kernel(gram.kernel(), Way.LAYERS)


def _by_calls(job: _Job) -> Kernel:
    recording = record_calls(job.work)
    _check_usual(job, recording)
    used = {id(parameter) for op in recording.reading.operations for parameter in op.parameters}
    if any(id(parameter) in used for parameter in recording.rest):
        raise _NotThisWayError  # its gradient is the sum over uses of both kinds
    total = job.gram().kernel()
    for cotangent in job.cotangents(recording.logits):
        gram = job.gram()
        _backward(recording, gram, cotangent, again=True)
        if not recording.reading.by_rows or recording.rest:
            weights = sample_weights(len(cotangent)).to(cotangent)
            again = job.gram()
            by_rest = _backward(recording, again, weights.unsqueeze(1) * cotangent, again=True)
            proven = recording.reading.by_rows
            if not proven and not is_bilinear(gram.kernel(), again.kernel(), weights):
                raise _NotThisWayError
            if recording.rest:
                moments = recording.tape.statistics.moments
                _add_samples(
                    job, gram, recording.rest, cotangent, moments, recording.logits, weights, by_rest
                )
        total += gram.kernel()
    return Kernel(total, Way.MIXED if recording.rest else Way.CALLS)


def _by_samples(job: _Job) -> Kernel:
    work, parameters = job.work, job.work.survey.parameters
    recording = record_calls(work)
    _check_usual(job, recording)
    moments = recording.tape.statistics.moments
    del recording
    logits = differentiable_logits(work.network, work.inputs, batchnorm=work.batchnorm, seed=work.seed)
    gram = job.gram()
    for cotangent in job.cotangents(logits):
        weights = sample_weights(len(cotangent)).to(cotangent)
        reference = torch.autograd.grad(
            logits, parameters, weights.unsqueeze(1) * cotangent, retain_graph=True, allow_unused=True
        )
        _add_samples(job, gram, parameters, cotangent, moments, logits, weights, reference)
    return Kernel(gram.kernel(), Way.SAMPLES)


def _backward(
    recording: Recording, gram: Gram, cotangent: Tensor, *, again: bool
) -> tuple[Tensor | None, ...]:
    """One backward pass, in which operations add to ``gram``. Returns the gradients by the rest.

    Unless there is to be another one, activations are let go of on the way.
    """
    gram.expect(parameter for op in recording.reading.operations for parameter in op.parameters)
    recording.tape.gram = gram
    wanted = (recording.tape.token, *recording.rest)
    return torch.autograd.grad(recording.logits, wanted, cotangent, retain_graph=again, allow_unused=True)[1:]


def _add_samples(
    job: _Job,
    gram: Gram,
    parameters: Sequence[nn.Parameter],
    cotangent: Tensor,
    moments: Sequence[Moments],
    logits: Tensor,
    weights: Tensor,
    reference: Sequence[Tensor | None],
) -> None:
    """Add the gradients of ``parameters`` that each sample alone has, if they are those of the batch: if
    ``logits`` are, and the sum of the samples' gradients with ``weights``, which is ``reference``.
    """
    gradients, alone = sample_gradients(job.work, parameters, cotangent, moments)
    if not same_values(alone, logits.detach()):
        raise _NotThisWayError
    gram.expect(parameters)
    for parameter, by_sample, summed in zip(parameters, gradients, reference, strict=True):
        found = torch.tensordot(weights.to(by_sample), by_sample, 1)
        if not same_gradients(found, torch.zeros_like(found) if summed is None else summed):
            raise _NotThisWayError
        gram.add(parameter, by_sample)


def _check_usual(job: _Job, recording: Recording) -> None:
    """Hooks, and batch statistics that gradients are to flow through, are for the loop. So are copies of
    samples, or a part of them, if they have other logits than in their batch: then samples meet, or the
    network draws random numbers.
    """
    expected = job.work.expected
    alike = expected is None or (not recording.random and same_values(recording.logits.detach(), expected))
    if recording.hooked or recording.tape.coupled or not alike:
        raise _NotThisWayError


# -- memory ---------------------------------------------------------------------------------------------


def _in_parts(job: _Job, parts: int) -> Kernel:
    """Every two parts together, with the statistics of the whole batch: all pairs of samples meet once.

    Costs about ``parts - 1`` times the whole, at ``2 / parts`` of its memory.
    """
    work = job.work
    try:
        logits, moments = whole_batch(work)
    except NotImplementedError as error:
        raise _not_in_parts(job) from error
    blocks = torch.tensor_split(job.rows, parts)
    values = torch.zeros(len(job.rows), len(job.rows), dtype=torch.float64, device=work.inputs.device)
    way = Way.LAYERS
    for second in range(1, len(blocks)):
        for first in range(second):
            rows = torch.cat([blocks[first], blocks[second]])
            some = replace(work, inputs=work.inputs[rows], moments=moments, expected=logits[rows])
            found = _cheapest(replace(job, work=some, rows=rows), (_by_layers, _by_calls))
            if found is None:
                raise _not_in_parts(job)
            values[rows.unsqueeze(1), rows] = found.values
            way = max(way, found.way, key=list(Way).index)
    return Kernel(values, way, parts)


def _not_in_parts(job: _Job) -> _NotInPartsError:
    return _NotInPartsError(
        f"{len(job.rows)} samples do not fit into memory, and the network cannot be run on fewer at a time: "
        "its samples depend on each other, or it draws random numbers"
    )


def _out_of_memory(error: Exception) -> bool:
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "can't allocate memory" in str(error)


@contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """On CUDA: no TF32, which keeps 10 bits, and algorithms that give the same result every time."""
    if device.type != "cuda":
        yield
        return
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, False
    try:
        with torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False
        ):
            yield
    finally:
        matmul.allow_tf32 = before
