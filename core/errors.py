"""Every error that a user can meet, in one tree.

    AutomlError
    ├── UsageError                what was typed cannot be done (exit code 2)
    │   ├── UnknownNameError      no such space, proxy, strategy, option, metric …
    │   ├── OptionError           an option's value is not one it takes
    │   ├── ParseError            a candidate's text, a settings file, a duration does not parse
    │   ├── MissingViewError      an evaluator needs a view that the space lacks
    │   └── MissingExtraError     an optional dependency is not installed
    ├── ChoiceError               a search space or a genotype breaks the rules of choices
    ├── DataError                 a data set is missing, torn, or of another layout
    ├── PluginError               a plugin does not import, or registers what cannot be
    ├── EvaluatorError            an evaluator breaks its contract
    ├── StrategyError             a strategy breaks its contract
    └── RunError                  a run on disk
        ├── RunNotFoundError
        ├── RunDamagedError
        ├── RunTooNewError
        ├── RunBusyError          another process is writing it
        ├── LeaseLostError        this process was the writer, and no longer is
        ├── ReplayError           the strategy proposes something else than the record
        └── StoreWriteError       the folder cannot be written (permissions, a full disk)

A message says what was wrong, with the value; what was expected; and what to do next. ``hint`` holds the
last part where it is a command to type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AutomlError(Exception):
    """The root of the tree.

    Attributes:
        hint: what to type or do next, or the empty string.
        exit_code: what the command line exits with.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(AutomlError):
    """What was typed cannot be done."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that nothing has. The message gives the nearest known ones, or all where they are few.

    Args:
        what: the kind of thing, in the user's words: ``"search space"``, ``"option of space nasbench201"``.
        name: what was asked for.
        known: the names there are.
        hint: what to type next.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        self.what, self.name, self.known = what, name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.6)
        if near:
            guess = f"did you mean {' or '.join(near)}?"
        elif not self.known:
            guess = "there are none."
        elif len(self.known) <= 12:
            guess = f"there are: {', '.join(self.known)}."
        else:
            guess = f"there are {len(self.known)}, among them {', '.join(self.known[:6])}."
        super().__init__(f"unknown {what} {name!r}: {guess}", hint=hint)


class OptionError(UsageError):
    """An option's value is not one that it takes."""


class ParseError(UsageError):
    """A text that does not parse."""


class MissingViewError(UsageError):
    """An evaluator needs a view of the candidate (network, program …) that the space lacks."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the extra '{extra}', which is not installed.",
            hint=f"Install it with: pip install 'automl-search[{extra}]'",
        )


class ChoiceError(AutomlError):
    """A search space's ``define``, or a genotype, breaks the rules of choices."""


class DataError(AutomlError):
    """A data set is missing, torn, or of another layout."""


class PluginError(AutomlError):
    """A plugin does not import, or registers what cannot be registered."""


class EvaluatorError(AutomlError):
    """An evaluator breaks its contract: another number of outcomes, an undeclared metric."""


class StrategyError(AutomlError):
    """A strategy breaks its contract: it waits for nothing, or proposes what the space does not know."""


class RunError(AutomlError):
    """Something about a run on disk."""


class RunNotFoundError(RunError):
    """No run under this name."""


class RunDamagedError(RunError):
    """The run's folder cannot be read as a run."""


class RunTooNewError(RunError):
    """The run was written by a newer version of this software."""


class RunBusyError(RunError):
    """Another process holds the lease on the run."""


class LeaseLostError(RunError):
    """This process held the lease on the run, and another one has taken it."""


class ReplayError(RunError):
    """The strategy, asked again, proposes something else than the record says."""


class StoreWriteError(RunError):
    """The run's folder cannot be written: permissions, or a full disk."""
