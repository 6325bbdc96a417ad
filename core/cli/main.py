"""The entry point: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from automl.core.cli.group import Group
from automl.core.errors import AutomlError

EXIT_FAILED, EXIT_USAGE, EXIT_NOTHING_SCORED, EXIT_INTERRUPTED = 1, 2, 3, 130

_COMMANDS = {
    "search": "Search a space for good candidates.",
    "resume": "Go on with a run.",
    "show": "Show a run, or one of its trials.",
    "runs": "List runs, or compact one.",
    "score": "Score one candidate, in every detail.",
    "plugins": "List what is plugged in.",
    "doctor": "Tell what is installed here and what would be used.",
}
"""The commands, in the order of the help, with the help's line: so that help imports none of them."""


class _ReaderGoneError(Exception):
    """Whoever read our output has gone, as ``head`` does."""


class _Commands(Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"automl.core.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would make an exit code of 1 of it
            raise _ReaderGoneError from error


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"automl {version('automl-search')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command has a help of its own:  automl search --help",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error (after any command)."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Search spaces of neural networks: score without training, replay every run, keep every trial.

    Begin with:  automl search --space nasbench201 --proxy ntk
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(EXIT_USAGE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    _prepare_output()
    try:
        sys.exit(_run([argument for argument in arguments if argument != "--debug"]))
    except _ReaderGoneError:
        # Nothing is wrong, and there is nobody to tell; nor shall the interpreter try once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort: every error becomes a line and an exit code
        sys.exit(_explain(error, arguments, debug=debug))


def _prepare_output() -> None:
    """What the caller has closed goes nowhere, and letters that an encoding lacks come as their codes."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open to the end
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: list[str]) -> int:
    try:
        code = cli.main(arguments, "automl", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    return code if isinstance(code, int) else 0


def _explain(error: Exception, arguments: list[str], *, debug: bool) -> int:
    """Print what went wrong, and return the exit code."""
    if debug:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, click.Abort):
        return _fail("interrupted.", EXIT_INTERRUPTED)
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else _command_path(arguments)
        return _fail(f"{_sentence(error.format_message())} See: {where} --help", EXIT_USAGE)
    if isinstance(error, click.ClickException):
        return _fail(_sentence(error.format_message()), EXIT_FAILED)
    if isinstance(error, AutomlError):
        return _fail(str(error), error.exit_code)
    lines = str(error).strip().splitlines() or ["no message"]
    return _fail(
        f"{type(error).__name__}: {_sentence(lines[0])} This should not have happened: repeat the command "
        "with --debug, and report what it prints.",
        EXIT_FAILED,
    )


def _command_path(arguments: list[str]) -> str:
    """The command that was called, where click does not tell."""
    return f"automl {arguments[0]}" if arguments and arguments[0] in _COMMANDS else "automl"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "?)")) else f"{text}."


def _fail(message: str, code: int) -> int:
    with contextlib.suppress(OSError):
        click.echo(f"automl: error: {' '.join(message.split())}", err=True)
    return code
