"""``automl plugins``: what is plugged in."""

from __future__ import annotations

import click

from automl.core.cli.options import json_option
from automl.core.cli.output import note, print_json, print_table


@click.group("plugins", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List what is plugged in, and what failed to load. Without a command: list."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command, as_json=as_json)


@command.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List search spaces, proxies, strategies and tasks, and the plugins that bring them."""
    from automl.core.hookspecs import API_VERSION
    from automl.core.registry import WORDS, load_registry

    registry = load_registry()
    if as_json:
        print_json(
            {
                "api": API_VERSION,
                "plugins": [
                    {
                        "name": plugin.name,
                        "distribution": plugin.distribution,
                        "version": plugin.version,
                        "built_in": plugin.built_in,
                        "api": plugin.api,
                        "registered": [{"kind": kind, "name": name} for kind, name in plugin.registered],
                        "error": plugin.error,
                    }
                    for plugin in registry.plugins
                ],
            }
        )
        return
    rows = []
    for kind, word in WORDS.items():
        for name in registry.names(kind):
            part = registry.find(kind, name)
            owner = next(plugin for plugin in registry.plugins if (kind, name) in plugin.registered)
            summary = (part.__doc__ or "").strip().partition("\n")[0]
            rows.append(
                (
                    word,
                    name,
                    f"{owner.distribution} {owner.version}",
                    ", ".join(part.Options.model_fields),
                    summary,
                )
            )
    headings = ["kind", "name", "from", "options", "what it is"]
    print_table([(heading, False) for heading in headings], rows)
    for plugin in registry.plugins:
        if plugin.error:
            note(
                f"plugin {plugin.name!r} ({plugin.distribution or 'unknown'}) was not loaded: {plugin.error}"
            )
