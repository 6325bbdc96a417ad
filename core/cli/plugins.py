"""``automl plugins``: what is plugged in."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from automl.core.cli.group import Group
from automl.core.cli.options import json_option
from automl.core.cli.output import out, print_json, print_table

if TYPE_CHECKING:
    from automl.core.registry import Plugin, Registry


@click.group("plugins", cls=Group, default="list")
def command() -> None:
    """List what is plugged in, and what failed to load. Without a command: list."""


@command.command("list", short_help="List spaces, proxies, strategies, tasks, and what failed to load.")
@json_option
def list_command(*, as_json: bool) -> None:
    """List search spaces, proxies, strategies and tasks with their options, and what failed to load."""
    from automl.core.hookspecs import API_VERSION
    from automl.core.registry import KINDS, load_registry

    registry = load_registry()
    parts = [_part(registry, kind, name) for kind in KINDS for name in registry.names(kind)]
    if as_json:
        plugins = [_plugin(plugin) for plugin in registry.plugins]
        print_json({"api": API_VERSION, "plugins": plugins, "parts": parts})
        return
    _print_parts(parts)
    _print_failures([plugin for plugin in registry.plugins if plugin.error])


def _part(registry: Registry, kind: str, name: str) -> dict[str, Any]:
    part = registry.find(kind, name)
    owner = next(plugin for plugin in registry.plugins if (kind, name) in plugin.registered)
    return {
        "kind": kind,
        "name": name,
        "plugin": owner.name,
        "distribution": owner.distribution,
        "version": owner.version,
        "built_in": owner.built_in,
        "summary": _summary(part),
        "options": [
            {
                "name": option,
                "default": field.get_default(call_default_factory=True),
                "description": field.description or "",
            }
            for option, field in part.Options.model_fields.items()
        ],
    }


def _plugin(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "built_in": plugin.built_in,
        "api": plugin.api,
        "registered": [{"kind": kind, "name": name} for kind, name in plugin.registered],
        "error": plugin.error,
    }


def _summary(part: type[Any]) -> str:
    """The first paragraph of the docstring, without its marks."""
    paragraph = inspect.cleandoc(part.__doc__ or "").partition("\n\n")[0]
    return " ".join(paragraph.replace("`", "").split())


def _print_parts(parts: list[dict[str, Any]]) -> None:
    from automl.core.registry import WORDS
    from automl.core.report.table import Column, Kind

    rows, kind = [], ""
    for part in parts:
        lines = [part["summary"]]
        if part["options"]:
            lines.append(f"options: {', '.join(map(_option, part['options']))}")
        if not part["built_in"]:
            lines.append(f"from: {part['distribution']} {part['version']}")
        rows.append((WORDS[part["kind"]] if part["kind"] != kind else "", part["name"], "\n".join(lines)))
        kind = part["kind"]
    print_table([Column("kind", Kind.NAME), Column("name", Kind.NAME), Column("what it is")], rows)


def _option(option: dict[str, Any]) -> str:
    return option["name"] if option["default"] is None else f"{option['name']}={option['default']}"


def _print_failures(plugins: list[Plugin]) -> None:
    from automl.core.report.table import Column, Kind

    if plugins:
        out()
        print_table(
            [Column("not loaded", Kind.NAME), Column("from", Kind.NAME), Column("why")],
            [(plugin.name, plugin.distribution or "-", plugin.error) for plugin in plugins],
        )
