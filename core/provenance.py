"""What a result depends on besides its settings: software, plugins, machine."""

from __future__ import annotations

import os
import platform
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from automl.core.registry import DISTRIBUTION, Registry, file_fingerprint, is_file_reference
from automl.core.settings import Settings

_DECIDE_NUMBERS = (DISTRIBUTION, "torch", "numpy", "optuna", "scipy", "scikit-learn", "pillow")
"""The distributions whose version can change a proposal, a score or a pixel."""


def versions() -> dict[str, str]:
    """The versions of Python and of the distributions that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _DECIDE_NUMBERS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, str]:
    """The host, its processor and its operating system."""
    return {
        "host": socket.gethostname(),
        "cpu": cpu_model(),
        "cores": str(os.cpu_count() or 1),
        "system": platform.platform(),
    }


def cpu_model() -> str:
    """The processor's model name, or its architecture where the system does not tell."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def plugin_versions(settings: Settings, registry: Registry) -> dict[str, str]:
    """For everything that the settings name: where it comes from, and in which version.

    A thing from a file has the file's hash for a version.
    """
    used = [("space", settings.space["name"]), ("task", settings.task["name"])]
    used += [("strategy", settings.strategy["name"])]
    used += [("evaluator", name) for name in settings.proxy]
    return {f"{kind} {name}": _origin(kind, name, registry) for kind, name in used}


def _origin(kind: str, name: str, registry: Registry) -> str:
    revision = getattr(registry.find(kind, name), "version", 1)
    if is_file_reference(name):
        return f"sha256 {file_fingerprint(name)}, revision {revision}"
    for plugin in registry.plugins:
        if (kind, name) in plugin.registered:
            return f"{plugin.distribution} {plugin.version}, revision {revision}"
    return f"revision {revision}"


def differences(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """What is not the same any more, as texts for people."""
    return [
        f"{name} was {then[name]} and is {now.get(name, 'gone')}"
        for name in then
        if then[name] != now.get(name)
    ]
