"""The entry point: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

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


class _Commands(click.Group):
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


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"automl {version('automl-search')}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def cli() -> None:
    """Search spaces of neural networks: score without training, replay every run, keep every trial.

    Begin with:  automl search --space nasbench201 --proxy ntk
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    try:
        code = cli.main([a for a in arguments if a != "--debug"], "automl", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "automl"
        code = _fail(f"{error.format_message()} See: {where} --help", EXIT_USAGE)
    except click.ClickException as error:
        code = _fail(error.format_message(), EXIT_FAILED)
    except (click.Abort, KeyboardInterrupt):
        code = _fail("interrupted.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing is wrong, and nobody to tell
        code = 0
    except AutomlError as error:
        if debug:
            raise
        code = _fail(str(error), error.exit_code)
    except Exception as error:
        if debug:
            raise
        lines = str(error).strip().splitlines() or ["no message"]
        code = _fail(
            f"{type(error).__name__}: {lines[0]} This should not have happened: repeat the command with "
            "--debug, and report what it prints.",
            EXIT_FAILED,
        )
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> int:
    click.echo(f"automl: error: {message}", err=True)
    return code
