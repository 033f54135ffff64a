"""``stocktrend init``: a few questions, and a configuration that works."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, app
from stocktrend.cli.display import Display
from stocktrend.errors import ConfigError, install

if TYPE_CHECKING:
    from stocktrend.workflow.initial import Index

FOLDER = Path("market")
Asked = TypeVar("Asked")
TICKERS = "AAPL,AMZN,GOOGL,JPM,MSFT,NVDA,WMT,XOM"


@app.command(**COMMAND)
def init(
    context: typer.Context,
    data_root: Annotated[
        Path | None, typer.Option(help="Folder to write into; asked for, else ./market.")
    ] = None,
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
    from stocktrend.live.keys import FILE as KEYS
    from stocktrend.settings import FILE_NAME, load_settings
    from stocktrend.workflow import initial

    root = data_root or Path(_answer("Folder", str(FOLDER), quiet, str))
    if (root / FILE_NAME).exists():  # before any more is asked
        initial.write_first(root, "", {})
    files = initial.files_in(root)
    index = (
        _index(tickers)
        if tickers is not None
        else _answer("Tickers, separated by commas, or an index file", TICKERS, quiet, _index)
    )
    every = [kind for kinds in initial.OFFERED.values() for kind in kinds]
    if sources is not None:
        kinds = initial.kinds_in(sources, every)
    else:
        kinds = tuple(
            kind for group in initial.OFFERED for kind in _ask_kinds(group, quiet, group in files)
        )
    asked_for = () if quiet or (root / KEYS).exists() else kinds
    keys = _ask_keys(asked_for)
    settings = initial.first_settings(initial.Choice(index, kinds, files))
    written = initial.write_first(root, settings, keys)
    load_settings(root, environ={})
    for file in written:
        display.say(f"Wrote {file}")
    if kinds and find_spec("hishel") is None:
        display.say(f"Services need the extra `live`. {install('live')}")
    display.say(f"Next: stocktrend update --data-root {root}")
    display.finish({"data_root": root, "files": written, "next": "update"})


def _answer(question: str, default: str, quiet: bool, parse: Callable[[str], Asked]) -> Asked:
    """What the user types, asked again where it is wrong; the default where nothing is asked."""
    if quiet:
        return parse(default)

    def parsed(text: str) -> Asked:
        try:
            return parse(text)
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from error

    found: Asked = _prompt(question, default=default, value_proc=parsed)
    return found


def _prompt(question: str, **how: Any) -> Any:
    """Ask; where nobody can answer say what to do instead."""
    try:
        return typer.prompt(question, err=True, **how)
    except typer.Abort as end:
        if sys.stdin.isatty():
            raise KeyboardInterrupt from end
        raise ConfigError(
            f"`stocktrend init` must get answers, however its input ended at {question!r}. Add "
            f"--yes, with --tickers and --sources where the defaults are not what you want"
        ) from end


def _index(text: str) -> "Index":
    from stocktrend.workflow import initial

    file = Path(text).expanduser()
    if file.is_file():
        return initial.read_index(file)
    return initial.Index(initial.tickers_in(text.split(",")))


def _ask_kinds(group: str, quiet: bool, has_files: bool) -> Sequence[str]:
    """Services of a list; by default the first, of policy all, and none that lacks its key.

    None beside files either, unless they are chosen.
    """
    from stocktrend.live.keys import WAYS
    from stocktrend.workflow import initial

    offered = initial.OFFERED[group]
    usual = offered if group == "policy" else offered[:1]
    ready = [k for k in usual if k not in WAYS or not quiet or os.environ.get(WAYS[k].variable)]
    beside = f", beside the files of raw/{group}" if has_files else ""
    question = f"{group.capitalize()} from{beside} (of {', '.join(offered)}; or none)"
    default = "none" if has_files or not ready else ",".join(ready)
    return _answer(question, default, quiet, lambda text: initial.kinds_in(text, offered))


def _ask_keys(kinds: Sequence[str]) -> dict[str, str]:
    """Keys that the environment does not have; none: to be given later."""
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

        found = _prompt(
            f"Key of {kind}, free at {way.page} (hidden; empty: later)",
            default="",
            hide_input=True,
            show_default=False,
            value_proc=checked,
        )
        if found:
            keys[kind] = str(found)
    return keys
