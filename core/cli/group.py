"""A group of commands that knows its default one, and names the nearest where there is none."""

from __future__ import annotations

from typing import Any

import click

from automl.core.errors import UnknownNameError


class Group(click.Group):
    """A group of commands.

    Args:
        default: the command that runs where none is named: ``automl runs --json`` lists as JSON.
        **settings: as click takes them.
    """

    def __init__(self, *arguments: Any, default: str | None = None, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command where none is named."""
        named = args and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        if self._default is not None and not named:
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named.

        Raises:
            UnknownNameError: there is none of this name.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            raise UnknownNameError(
                "command", name, self.list_commands(ctx), hint=f"See: {ctx.command_path} --help"
            )
        return super().resolve_command(ctx, args)
