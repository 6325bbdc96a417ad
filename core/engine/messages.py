"""Candidates, evaluations and errors as JSON: what travels between a driver and its child process."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from automl.core import errors
from automl.core.contracts import Genotype, Outcome, Status
from automl.core.engine.work import Evaluation, Work
from automl.core.errors import AutomlError


def encode_work(work: Work) -> dict[str, Any]:
    """A candidate as JSON."""
    return {"number": work.number, "genotype": work.genotype.json, "repeat": work.repeat}


def decode_work(message: dict[str, Any]) -> Work:
    """The inverse of `encode_work`."""
    return Work(message["number"], Genotype.from_json(message["genotype"]), message["repeat"])


def encode_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    """An evaluation as JSON; numbers survive to the last bit."""
    outcome = evaluation.outcome
    return {
        "number": evaluation.number,
        "status": outcome.status.value,
        "metrics": dict(outcome.metrics),
        "reason": outcome.reason,
        "seconds": outcome.seconds,
        "started_at": evaluation.started_at.isoformat(),
        "host": evaluation.host,
        "device": evaluation.device,
    }


def decode_evaluation(message: dict[str, Any]) -> Evaluation:
    """The inverse of `encode_evaluation`."""
    outcome = Outcome(Status(message["status"]), message["metrics"], message["reason"], message["seconds"])
    started = datetime.fromisoformat(message["started_at"])
    return Evaluation(message["number"], outcome, started, message["host"], message["device"])


def encode_error(error: AutomlError) -> dict[str, Any]:
    """An error that ends the search as JSON. One of a plugin's own kind travels as the kind it is one of."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == errors.__name__]
    return {"error": kinds[0], "message": error.message, "hint": error.hint}


def decode_error(message: dict[str, Any]) -> AutomlError:
    """The inverse of `encode_error`, up to the attributes that subclasses add."""
    kind: type[AutomlError] = getattr(errors, message["error"])
    error = kind.__new__(kind)
    AutomlError.__init__(error, message["message"], hint=message["hint"])
    return error
