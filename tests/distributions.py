"""Distributions as pip leaves them, written by hand: for tests of plugins."""

from __future__ import annotations

from pathlib import Path

HOOK = """
from automl.core.contracts import SearchSpace
from automl.core.hookspecs import hookimpl

AUTOML_API = 1


class Found(SearchSpace):
    name = "found"

    def define(self, choose):
        return choose.integer("number", 1, 3)


@hookimpl
def automl_register(register):
    register.space(Found)
"""
"""A plugin's module that brings one search space, ``found``."""


def write_distribution(
    folder: Path, module: str, text: str, *, entry: str = "", version: str = "1.2", name: str = ""
) -> None:
    """An installed distribution of one module, with an entry point of the group ``automl`` that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    name = name or module.replace("_", "-")
    information = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    information.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    (information / "METADATA").write_text(metadata, encoding="utf-8")
    entry_points = f"[automl]\n{entry or module} = {module}\n"
    (information / "entry_points.txt").write_text(entry_points, encoding="utf-8")
