"""Where every random number comes from.

What candidates share (a batch, initial values) is drawn from (run seed, repeat, purpose); what is the
candidate's own from (run seed, repeat, genotype). Never from a worker, a clock, a version, or global
state: so a trial's numbers do not depend on who computes them, or when.
"""

from __future__ import annotations

from hashlib import blake2b

_BITS = 63  # torch.Generator.manual_seed and Parquet's int64 both take 63 bits


def derive_seed(run_seed: int, repeat: int, *purpose: str | int) -> int:
    """A seed in [0, 2^63) for one purpose: equal for equal arguments, unrelated for all others.

    The arguments are hashed with BLAKE2b (Aumasson et al. 2013) as length-prefixed text, so that
    ``("a", "bc")`` and ``("ab", "c")`` differ; a number is its text, ``1`` the same purpose as ``"1"``.
    """
    parts = "".join(f"{len(str(part))}:{part}" for part in (run_seed, repeat, *purpose))
    return int.from_bytes(blake2b(parts.encode(), digest_size=8).digest(), "big") >> (64 - _BITS)
