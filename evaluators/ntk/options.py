"""What can be set of the tangent kernel's score."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from automl.core.contracts import Options

BatchNorm = Literal["frozen", "train", "eval"]
"""How batch normalisation enters the kernel: statistics of the batch, held constant (``frozen``);
statistics of the batch, differentiated through, so that every output depends on every sample
(``train``); running statistics, at initialisation mean 0 and variance 1 (``eval``)."""

Output = Literal["sum", "trace", "full"]
"""Which function of the logits has its gradient taken: their sum; or each, the kernels being added
(``trace``), or each for itself, in a kernel of all logits of all samples (``full``)."""


class NtkOptions(Options):
    """Options of `Ntk`.

    The defaults follow from measurements on NAS-Bench-201 (8 channels, one cell a stage, CIFAR-10 at
    16 x 16), as Spearman's correlation with the test accuracy. The seed of the initial values is the
    main noise: four initialisations with batches of 16 rank as well (.777) as two with batches of 64
    (.782), at an eighth of the loop's price; one with 16 reaches .700, eight reach .797.
    """

    # One sample has no spectrum once it is centred, and two have one eigenvalue, which is its own mean.
    batch: int = Field(16, ge=3, description="samples in the kernel")
    repeats: int = Field(4, ge=1, description="initialisations, each with a batch of its own, averaged over")
    batchnorm: BatchNorm = Field(
        "frozen",
        description="statistics of the batch held constant (frozen), differentiated through as published "
        "scores do (train), or running ones (eval: ranks badly)",
    )
    output: Output = Field(
        "sum",
        description="kernel of the summed logits (sum), or sum of the logits' kernels (trace)",
    )
    centred: bool = Field(
        True, description="leave out what all samples' gradients have in common (published scores do not)"
    )
