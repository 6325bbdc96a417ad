"""What travels between a driver and its child comes back as it was."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.core import errors
from automl.core.contracts import Genotype, InvalidCandidateError, Outcome, Status
from automl.core.engine import Evaluation, Work
from automl.core.engine.messages import (
    decode_error,
    decode_evaluation,
    decode_work,
    encode_error,
    encode_evaluation,
    encode_work,
)
from automl.core.errors import AutomlError, DataError, MissingExtraError, UnknownNameError

ERRORS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AutomlError)]
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
GENOTYPES = st.dictionaries(TEXT, TEXT | st.integers() | FINITE | st.booleans() | st.none()).map(Genotype)


def travelled(message: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(message)
    assert "\n" not in text, "a message is a line"
    arrived: dict[str, Any] = json.loads(text.encode())
    return arrived


@given(st.integers(0), GENOTYPES, st.integers(0, 9))
def test_a_candidate_travels(number: int, genotype: Genotype, repeat: int) -> None:
    work = Work(number, genotype, repeat)
    assert decode_work(travelled(encode_work(work))) == work


@given(
    st.integers(0),
    st.sampled_from(Status),
    st.dictionaries(TEXT, FINITE, min_size=1),
    TEXT.filter(bool),
    FINITE,
    st.datetimes(timezones=st.just(UTC)),
    TEXT,
)
def test_an_evaluation_travels_to_the_last_bit(
    number: int, status: Status, metrics: dict[str, float], reason: str, seconds: float, at: Any, host: str
) -> None:
    evaluation = Evaluation(number, Outcome(status, metrics, reason, seconds), at, host, "cpu")
    arrived = decode_evaluation(travelled(encode_evaluation(evaluation)))
    assert arrived == evaluation
    assert [value.hex() for value in arrived.outcome.metrics.values()] == [v.hex() for v in metrics.values()]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_of_the_tree_travels(kind: type[AutomlError]) -> None:
    error: AutomlError
    if kind is UnknownNameError:
        error = UnknownNameError("proxy", "nkt", ["ntk"], hint="See all.")
    elif kind is MissingExtraError:
        error = MissingExtraError("export", extra="onnx")
    else:
        error = kind("what was wrong, \u00e4 and all.", hint="what to do")
    arrived = decode_error(travelled(encode_error(error)))
    assert type(arrived) is kind
    assert (str(arrived), arrived.message, arrived.hint, arrived.exit_code) == (
        str(error),
        error.message,
        error.hint,
        error.exit_code,
    )


class OwnError(DataError):
    """A plugin's own."""


@pytest.mark.parametrize(
    ("error", "kind"), [(OwnError("torn"), DataError), (InvalidCandidateError("no"), AutomlError)]
)
def test_an_error_of_a_plugins_own_travels_as_what_it_is_one_of(
    error: AutomlError, kind: type[AutomlError]
) -> None:
    assert type(decode_error(travelled(encode_error(error)))) is kind
