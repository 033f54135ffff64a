"""The program's root: its name, its version and what every command has in common."""

from typing import Annotated, Any

import typer

from stocktrend._version import __version__
from stocktrend.cli import options

app = typer.Typer(
    name="stocktrend",
    help="How relevant is today's context to each stock's trend, and in which direction?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMAND: dict[str, Any] = {"context_settings": options.UNKNOWN_OPTIONS}
INCOMPLETE = 1
"""Exit code of an update of which a source failed: the others are done."""
FOUND = 3
"""Exit code of a command that was to look for something wrong, and found it."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"stocktrend {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def stocktrend(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """How relevant is today's context to each stock's trend, and in which direction?"""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
