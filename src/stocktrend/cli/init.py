"""``stocktrend init``: a few questions, and a configuration that works."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, app
from stocktrend.cli.display import Display
from stocktrend.errors import ConfigError

if TYPE_CHECKING:
    from stocktrend.workflow.initial import Index

FOLDER = Path("market")
Asked = TypeVar("Asked")
TICKERS = "AAPL,AMZN,GOOGL,JPM,MSFT,NVDA,WMT,XOM"


@app.command(**COMMAND)
def init(
    context: typer.Context,
    data_root: Annotated[Path | None, typer.Option(help="Folder to write into.")] = None,
    tickers: Annotated[
        str | None,
        typer.Option(help="Separated by commas, or an index file.", metavar="A,B|FILE"),
    ] = None,
    sources: Annotated[
        str | None, typer.Option(help="Services, separated by commas.", metavar="KIND,KIND")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing: defaults where options say nothing.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Ask a few questions and write a commented configuration.

    Keys are asked for hidden, or taken from the environment (FRED_API_KEY, TIINGO_API_KEY,
    STOOQ_API_KEY, FINNHUB_API_KEY) at each update, and are no options: those would stay in the
    shell's history.
    """
    problems = options.unknown_options(context)
    if problems:
        raise ConfigError(problems)
    display, quiet = Display(as_json), yes or as_json
    from stocktrend.settings import FILE_NAME, load_settings
    from stocktrend.workflow import initial

    root = data_root or Path(_answer("Folder", str(FOLDER), quiet, str))
    if (root / FILE_NAME).exists():  # before any more is asked
        initial.write_first(root, "", {})
    index = (
        _index(tickers)
        if tickers is not None
        else _answer("Tickers, separated by commas, or an index file", TICKERS, quiet, _index)
    )
    every = [kind for kinds in initial.OFFERED.values() for kind in kinds]
    if sources is not None:
        kinds = initial.kinds_in(sources.split(","), every)
    else:
        kinds = tuple(k for group in initial.OFFERED for k in _ask_kinds(group, quiet))
    keys = {} if quiet else _ask_keys(kinds)
    settings = initial.first_settings(initial.Choice(index, kinds))
    files = initial.write_first(root, settings, keys)
    load_settings(root, environ={})
    for file in files:
        display.say(f"Wrote {file}")
    display.say(f"Next: stocktrend update --data-root {root}")
    display.finish({"data_root": root, "files": files, "next": "update"})


def _answer(question: str, default: str, quiet: bool, parse: Callable[[str], Asked]) -> Asked:
    """What the user types, asked again where it is wrong; the default where nothing is asked."""
    if quiet:
        return parse(default)

    def parsed(text: str) -> Asked:
        try:
            return parse(text)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from error

    found: Asked = typer.prompt(question, default=default, value_proc=parsed, err=True)
    return found


def _index(text: str) -> "Index":
    from stocktrend.workflow import initial

    file = Path(text).expanduser()
    if file.is_file():
        return initial.read_index(file)
    return initial.Index(initial.tickers_in(text.split(",")))


def _ask_kinds(group: str, quiet: bool) -> Sequence[str]:
    """Services of a list; by default the first, of policy all, and none that lacks its key."""
    from stocktrend.live.keys import WAYS
    from stocktrend.workflow import initial

    offered = initial.OFFERED[group]
    usual = offered if group == "policy" else offered[:1]
    ready = [k for k in usual if k not in WAYS or not quiet or os.environ.get(WAYS[k].variable)]

    def parse(text: str) -> tuple[str, ...]:
        return initial.kinds_in([w for w in text.split(",") if w.strip() != "none"], offered)

    question = f"{group.capitalize()} from (of {', '.join(offered)}; or none)"
    return _answer(question, ",".join(ready) or "none", quiet, parse)


def _ask_keys(kinds: Sequence[str]) -> dict[str, str]:
    """Keys that the environment does not have; empty: to be given later."""
    from stocktrend.live.keys import WAYS, Key

    keys = {}
    for kind in kinds:
        if kind not in WAYS or os.environ.get(WAYS[kind].variable):
            continue
        way = WAYS[kind]

        def checked(text: str, kind: str = kind) -> str:
            try:
                if text:
                    Key(text, WAYS[kind])
            except ConfigError as error:
                raise typer.BadParameter(str(error)) from error
            return text

        found = typer.prompt(
            f"Key of {kind}, free at {way.page} (hidden; empty: later)",
            default="",
            hide_input=True,
            show_default=False,
            value_proc=checked,
            err=True,
        )
        if found:
            keys[kind] = str(found)
    return keys
