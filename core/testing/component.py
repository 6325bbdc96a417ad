"""What the contract demands of everything that is registered: a name, and options that are checked."""

from __future__ import annotations

import json

from pydantic import ValidationError

from automl.core.contracts import Component, Options
from automl.core.errors import PluginError
from automl.core.registry import KINDS, WORDS, check_part
from automl.core.testing.broken import BrokenContractError, first_line, short

_UNKNOWN = "no_such_option"


def check_component(kind: str, part: type[Component]) -> None:
    """Hold a class to what every kind of part has in common.

    Args:
        kind: ``"space"``, ``"evaluator"``, ``"strategy"`` or ``"task"``.
        part: the class.

    Raises:
        BrokenContractError: it could not be registered, or its options are not as options are.
    """
    who = getattr(part, "__name__", short(part))
    try:
        check_part(part, KINDS[kind], WORDS[kind])
    except PluginError as error:
        raise BrokenContractError(
            f"{who} cannot be registered: {error}.",
            demanded=f"a {WORDS[kind]} is a class derived from {KINDS[kind].__name__}, with a name and with "
            "all that is abstract there.",
            change="what the first line says.",
        ) from error
    options = part.Options
    if not (isinstance(options, type) and issubclass(options, Options)):
        raise BrokenContractError(
            f"{who}.Options is {short(options)}.",
            demanded="options are a class derived from automl.core.contracts.Options, so that they are "
            "checked and stand in the run's record.",
            change=f"class {who}Options(Options): … with a field for each option, and Options = "
            f"{who}Options.",
        )
    _check_defaults(who, options)
    _check_refusal(who, options)
    _check_record(who, options())


def _check_defaults(who: str, options: type[Options]) -> None:
    try:
        options()
    except ValidationError as error:
        fields = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})
        raise BrokenContractError(
            f"{who}.Options() fails at {', '.join(fields) or first_line(error)}.",
            demanded="every option has a valid default, so that a part can be used by its name alone.",
            change="give each of them a default. A part that cannot do without one refuses the default in "
            "__init__, with a UsageError that says what to give.",
        ) from error


def _check_refusal(who: str, options: type[Options]) -> None:
    try:
        options.model_validate({_UNKNOWN: 1})
    except ValidationError:
        return
    raise BrokenContractError(
        f"{who}.Options takes an option {_UNKNOWN!r} that it does not have.",
        demanded="unknown options are refused: a mistyped one must not be a silent default.",
        change="leave extra='forbid' in the model_config as automl.core.contracts.Options has it.",
    )


def _check_record(who: str, options: Options) -> None:
    text = options.model_dump_json()
    try:
        again: object = type(options).model_validate(json.loads(text))
    except ValidationError as error:
        again = first_line(error)
    if again != options:
        raise BrokenContractError(
            f"{who}.Options reads {text} back as {short(again)}, and was {short(options)}.",
            demanded="options survive JSON: they stand in run.json, and a run is repeated and resumed from "
            "it.",
            change="use fields whose values JSON can hold: numbers, text, lists, tables.",
        )
