"""The command line. One file a command; each is imported when it is asked for."""

from automl.core.cli.main import main

__all__ = ["main"]
