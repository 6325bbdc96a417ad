"""The built-in tasks: handwritten digits, noise, and images from a folder of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl.core.hookspecs import hookimpl

if TYPE_CHECKING:
    from automl.core.hookspecs import Register

AUTOML_API = 1


@hookimpl
def automl_register(register: Register) -> None:
    """Register the built-in tasks."""
    from automl.plugins.tasks.digits import Digits
    from automl.plugins.tasks.images import Images
    from automl.plugins.tasks.noise import Noise

    for task in (Digits, Noise, Images):
        register.task(task)
