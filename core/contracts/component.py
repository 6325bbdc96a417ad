"""What every pluggable thing has: a name, and options that are checked."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of all options: unknown names are refused, values are checked, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


_AnyOptions: TypeAlias = Options


class Component:
    """A thing that a plugin registers: it has a name, and is made from its options.

    Attributes:
        name: how users ask for it: lower case, digits, ``-`` and ``_``.
        version: raise it when the same name and options begin to mean something else.
        Options: the pydantic model of its options. Every field has a default, so that the thing can
            be used by its name alone (a task that cannot do without a folder says so in ``__init__``).
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    Options: ClassVar[type[_AnyOptions]] = Options

    def __init__(self, options: _AnyOptions | None = None) -> None:
        self.options = self.Options() if options is None else options
