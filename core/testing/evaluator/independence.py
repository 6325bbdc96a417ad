"""What an evaluator's results do not depend on: time, global state, threads, the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from automl.core.testing.broken import BrokenContractError, short
from automl.core.testing.elsewhere import compare_elsewhere, evaluator_facts
from automl.core.testing.evaluator.case import EvaluatorCase, check_same, evaluate
from automl.core.testing.randomness import global_randomness
from automl.core.testing.threads import threads

_KEEP_NOTHING = "keep nothing of one evaluation that the next one sees, and take no number from the time."
_USE_CONTEXT = (
    "draw from torch.Generator().manual_seed(context.seed('purpose')), or context.own_seed for a "
    "candidate's own numbers."
)


class IndependenceCases(EvaluatorCase):
    """The same subject gives the same outcome, whatever surrounds it."""

    def test_a_second_evaluation_gives_the_same(self) -> None:
        """By the same evaluator, in the same context: nothing is left over from the first."""
        evaluator, context, subjects = self.make_evaluator(), self.context(), self.subjects()
        first = evaluate(evaluator, subjects, context)
        second = evaluate(evaluator, subjects, context)
        who = type(evaluator).__name__
        check_same(who, subjects, first, second, when="afterwards", change=_KEEP_NOTHING)

    def test_a_repeat_gives_the_same_again(self) -> None:
        """What is drawn anew for a repeat is drawn from its number."""
        repeats = [replace(subject, repeat=1) for subject in self.subjects()]
        who = type(self.make_evaluator()).__name__
        first, second = self.outcomes(repeats), self.outcomes(repeats)
        check_same(who, repeats, first, second, when="afterwards, for the same repeat", change=_USE_CONTEXT)

    def test_it_uses_no_global_random_state(self) -> None:
        """However the global generators are seeded, results are the same, and the generators stay."""
        who, subjects = type(self.make_evaluator()).__name__, self.subjects()
        outcomes = []
        for seed in (1, 2):
            with global_randomness(seed, who=who, use=_USE_CONTEXT):
                outcomes.append(self.outcomes(subjects))
        check_same(who, subjects, *outcomes, when="with other global seeds", change=_USE_CONTEXT)

    def test_the_number_of_threads_around_it_does_not_matter(self) -> None:
        """Engines fix the number while they evaluate; an evaluator leaves it alone."""
        who, subjects = type(self.make_evaluator()).__name__, self.subjects()
        outcomes = []
        for count in (1, 2):
            with threads(count):
                outcomes.append(self.outcomes(subjects))
        check_same(
            who,
            subjects,
            *outcomes,
            when="in a process with two threads",
            change="neither ask for torch's number of threads nor set it, not even in __init__.",
        )

    def test_it_leaves_torch_as_it_was(self) -> None:
        """Threads, default type, gradients: they are everybody's."""
        evaluator, context, subjects = self.make_evaluator(), self.context(), self.subjects()
        with threads(1):
            before = {name: ask() for name, (ask, _) in _torch_settings().items()}
            try:
                evaluator.evaluate(subjects, context)
                after = {name: ask() for name, (ask, _) in _torch_settings().items()}
            finally:
                for name, (_, set_back) in _torch_settings().items():
                    set_back(before[name])
        changed = [name for name in before if before[name] != after[name]]
        if changed:
            name = changed[0]
            raise BrokenContractError(
                f"{type(evaluator).__name__} left {name} at {after[name]!r}; it was {before[name]!r}.",
                demanded="an evaluator leaves the process as it found it: the next one computes in it.",
                change="set it back in a finally, or use torch's context manager for it.",
            )

    def test_it_leaves_shared_batches_alone(self) -> None:
        """A batch is shared by all candidates: changed in place, it is another one for the next."""
        evaluator, context = self.make_evaluator(), self.context()
        evaluate(evaluator, self.subjects(), context)
        for tensor, then in context.handed:
            if tensor.requires_grad or not tensor.equal(then):
                what = "asked for gradients of" if tensor.requires_grad else "changed"
                raise BrokenContractError(
                    f"{type(evaluator).__name__} {what} a batch of shape {short(tuple(tensor.shape))} that "
                    "the context handed it.",
                    demanded="all candidates of one repeat share a batch.",
                    change="work on a copy: batch.inputs.clone().",
                )

    def test_it_gives_the_same_in_another_process(self) -> None:
        """To the last bit, in processes with other hash seeds."""
        genotypes = [subject.genotype for subject in self.subjects()]
        compare_elsewhere(
            evaluator_facts, (self.make_evaluator(), self.make_space(), self.make_task()), genotypes
        )


def _torch_settings() -> dict[str, tuple[Callable[[], Any], Callable[[Any], object]]]:
    """What torch holds for the whole process, and how it is set."""
    import torch

    return {
        "torch.get_num_threads()": (torch.get_num_threads, torch.set_num_threads),
        "torch.get_default_dtype()": (torch.get_default_dtype, torch.set_default_dtype),
        "torch.is_grad_enabled()": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch.are_deterministic_algorithms_enabled()": (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
    }
