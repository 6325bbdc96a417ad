"""``automl doctor``: what is installed here, and what would be used."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from automl.core.cli.options import json_option, root_option
from automl.core.cli.output import out, print_facts, print_json

_BASE = ("torch", "ray", "optuna", "pluggy", "numpy", "pandas", "pyarrow", "click", "rich", "pydantic")
_EXTRAS = {"report": ("matplotlib",), "dev": ("pytest", "hypothesis", "mypy", "ruff")}
_ABSENT = "not installed"


@click.command("doctor")
@root_option
@json_option
def command(root: Path, *, as_json: bool) -> int:
    """Tell what is installed here, what would be used, and what is wrong.

    Exits with 1 where something is wrong.
    """
    from automl.core.cli.main import EXIT_FAILED
    from automl.core.provenance import cpu_model, versions
    from automl.core.registry import load_registry

    problems: list[str] = []
    found = versions() | {name: _version(name) for name in _BASE}
    problems += [
        f"{name} is not installed: pip install automl-search" for name in _BASE if found[name] == _ABSENT
    ]
    facts = {"version of " + name: number for name, number in found.items()}
    for extra, names in _EXTRAS.items():
        missing = [name for name in names if _version(name) == _ABSENT]
        facts[f"extra {extra}"] = f"missing {', '.join(missing)}" if missing else "installed"
    facts["processor"] = f"{cpu_model()}, {os.cpu_count()} cores"
    facts["memory"] = _memory()
    facts.update(_torch_facts(problems))
    facts["ray"] = _ray_fact(problems)
    facts["a search would use"] = "this process, cpu, 1 thread (change with --device, --threads)"
    facts["runs go to"] = _writable(root, problems)
    registry = load_registry()
    failed = [plugin for plugin in registry.plugins if plugin.error]
    facts["plugins"] = f"{len(registry.plugins) - len(failed)} loaded, {len(failed)} failed"
    problems += [f"plugin {plugin.name!r}: {plugin.error}" for plugin in failed]
    if as_json:
        print_json({"facts": facts, "problems": problems})
    else:
        print_facts(facts.items())
        out(
            "\n".join(
                ["", "Problems:", *(f"- {problem}" for problem in problems)]
                if problems
                else ["", "No problems."]
            )
        )
    return EXIT_FAILED if problems else 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _ABSENT


def _torch_facts(problems: list[str]) -> dict[str, str]:
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - a broken installation may raise anything, and is what we look for
        problems.append(f"torch does not import: {type(error).__name__}: {error}")
        return {}
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "devices": ", ".join(["cpu", *(f"cuda:{index} ({name})" for index, name in enumerate(names))]),
        "torch threads": f"{torch.get_num_threads()} by default",
    }


def _ray_fact(problems: list[str]) -> str:
    try:
        import ray
    except Exception as error:  # noqa: BLE001 - as above
        problems.append(f"ray does not import: {type(error).__name__}: {error}")
        return "does not import"
    return f"{ray.__version__}, not started: one worker needs none"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "unknown"
    return f"{total / 2**30:.1f} GiB"


def _writable(root: Path, problems: list[str]) -> str:
    """Where runs go; that it can be written is tried with a file without a name, which leaves nothing."""
    folder = root.resolve()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        problems.append(
            f"runs cannot be written to {folder}: {error.strerror}. Choose another folder with --out."
        )
    return str(folder)
