"""The evaluator: what it declares it gives, and what it cannot score it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from math import sqrt
from statistics import fmean, stdev

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from automl.core.contracts import EvaluationContext, NetworkSize, Status, View
from automl.evaluators.ntk import Ntk, NtkOptions
from automl.evaluators.ntk.loop import loop_kernel
from automl.evaluators.ntk.spectrum import spectrum
from tests.evaluators.ntk.context import Build, ListedNetworks, NormalTask, PlainContext


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(16, 3)
    )


def wide() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(32, 24), nn.Tanh(), nn.Dropout(0.5), nn.Linear(24, 3))


class Noisy(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1) + torch.randn(32))


class Pair(nn.Linear):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # the point of it
        found = super().forward(x.flatten(1))
        return found, found


def constant() -> nn.Module:
    """The logits, and their gradients, are the same whatever comes in."""
    return nn.Sequential(nn.Flatten(), nn.Linear(32, 24), nn.Threshold(1e9, 1.0), nn.Linear(24, 3))


class Steep(nn.Linear):
    """Gradients beyond float32; the logits are finite only where the weights are tiny."""

    def __init__(self, weight: float) -> None:
        super().__init__(32, 3, bias=False)
        nn.init.constant_(self.weight, weight)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1)) * 1e38 * 1e10


NETWORKS: Mapping[str, Build] = {
    "convolutional": convolutional,
    "wide": wide,
    "noisy": lambda: Noisy(32, 3),
    "pair": lambda: Pair(32, 3),
    "map": lambda: nn.Conv2d(2, 3, 1),
    "constant": constant,
    "zero": lambda: nn.Sequential(nn.Flatten(), nn.Linear(32, 3, bias=False), nn.Hardtanh(-1e-30, 1e-30)),
    "empty": nn.Flatten,
    "overflowing": lambda: Steep(1.0),
    "steep": lambda: Steep(1e-30),
    "misfit": lambda: nn.Sequential(nn.Flatten(), nn.Linear(31, 3)),
}
SPACE = ListedNetworks(NETWORKS)
SMALL = NtkOptions(batch=6, repeats=2)


def context(run_seed: int = 0) -> EvaluationContext:
    return PlainContext(SPACE, NormalTask(), run_seed)


@pytest.mark.parametrize("name", ["convolutional", "wide", "noisy"])
@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        NtkOptions(batch=5, repeats=1, batchnorm="train"),
        NtkOptions(batch=5, repeats=3, batchnorm="eval", output="trace", centred=False),
    ],
    ids=str,
)
def test_metrics_are_means_over_kernels_of_the_repeats(name: str, options: NtkOptions) -> None:
    evaluator, subject, given = Ntk(options), SPACE.subject(name, repeat=2), context()
    outcome = evaluator.evaluate_one(subject, given)
    assert outcome.status is Status.OK, outcome.reason

    spectra = []
    for draw in range(options.repeats):
        kernel = loop_kernel(
            given.network(subject, draw=draw),
            given.batch(options.batch, repeat=2, draw=draw).inputs,
            batchnorm=options.batchnorm,
            output=options.output,
            seed=given.seed("ntk forward", repeat=2, draw=draw),
        )
        spectra.append(spectrum(kernel, centred=options.centred))
    expected = {
        "ntk": fmean(s.evenness for s in spectra),
        "ntk_lambda_min": fmean(s.smallest for s in spectra),
        "ntk_lambda_max": fmean(s.largest for s in spectra),
        "ntk_log_condition": fmean(s.log_condition for s in spectra),
    }
    if options.repeats > 1:
        expected["ntk_stderr"] = stdev(s.evenness for s in spectra) / sqrt(options.repeats)
    assert outcome.metrics == pytest.approx(expected, rel=1e-4)
    assert set(expected) == {metric.name for metric in evaluator.metrics}


def test_the_main_metric_is_ntk_and_more_is_better() -> None:
    assert Ntk().metrics[0].name == "ntk"
    assert Ntk().metrics[0].direction == "max"
    assert (Ntk.view, Ntk.size) == (View.NETWORK, NetworkSize.PROXY)


def test_a_score_is_the_same_again_whatever_the_random_state_and_the_company() -> None:
    subjects = [SPACE.subject(name) for name in ("wide", "pair", "convolutional")]
    together = Ntk(SMALL).evaluate(subjects, context())
    state = torch.get_rng_state()
    torch.manual_seed(99)
    alone = [Ntk(SMALL).evaluate([subject], context())[0] for subject in reversed(subjects)]
    assert [outcome.metrics for outcome in together] == [outcome.metrics for outcome in reversed(alone)]
    torch.manual_seed(99)
    expected = torch.rand(3)
    torch.manual_seed(99)
    Ntk(SMALL).evaluate(subjects, context())
    assert torch.equal(torch.rand(3), expected)
    torch.set_rng_state(state)


def test_another_run_and_another_repeat_draw_anew() -> None:
    def score(run_seed: int, repeat: int) -> float:
        return Ntk(SMALL).score(SPACE.subject("wide", repeat=repeat), context(run_seed))["ntk"]

    assert len({score(0, 0), score(1, 0), score(0, 1)}) == 3


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("pair", Status.INVALID, "the network's output is a tuple"),
        ("map", Status.INVALID, "shape (6, 3, 4, 4)"),
        ("misfit", Status.INVALID, "cannot be multiplied"),
        ("constant", Status.DEGENERATE, "repeat 1 of 2: the centred tangent kernel is singular"),
        ("zero", Status.DEGENERATE, "repeat 1 of 2: the tangent kernel is zero"),
        ("empty", Status.DEGENERATE, "repeat 1 of 2: the network has no trainable parameters"),
        ("overflowing", Status.DEGENERATE, "repeat 1 of 2: 18 of 18 logits are not finite"),
        ("steep", Status.DEGENERATE, "repeat 1 of 2: 36 of 36 entries of the tangent kernel are not finite"),
    ],
)
def test_what_cannot_be_scored_says_why(name: str, status: Status, reason: str) -> None:
    outcome = Ntk(SMALL).evaluate_one(SPACE.subject(name), context())
    assert outcome.status is status
    assert reason in outcome.reason
    assert not outcome.metrics


@pytest.mark.parametrize(
    "options",
    [{"batch": 1}, {"batch": 2}, {"repeats": 0}, {"batchnorm": "frosen"}, {"output": "mean"}, {"batchs": 9}],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NtkOptions.model_validate(options)


def test_registering_needs_no_torch() -> None:
    code = "import sys, automl.evaluators.ntk; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
