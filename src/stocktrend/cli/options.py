"""Options that commands share, and the one place that turns them into settings.

Values are taken as text and checked together with the YAML file and the environment, so that one
message tells everything that is wrong.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stocktrend.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from stocktrend.config import Settings
    from stocktrend.settings import Effective

DataRoot = Annotated[
    Path | None,
    typer.Option(help="Folder with raw/ and stocktrend.yaml. Default: the configuration's folder."),
]
ConfigFile = Annotated[
    Path | None, typer.Option(help="YAML settings. Default: stocktrend.yaml in the data root.")
]
Preset = Annotated[
    str | None, typer.Option(help="original, cross_sectional or auto.", metavar="NAME")
]
Seed = Annotated[
    str | None, typer.Option(help="Seed of weights, batches and dropout.", metavar="N")
]
Start = Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD.", metavar="DATE")]
End = Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD.", metavar="DATE")]
Tickers = Annotated[
    str | None, typer.Option(help="These only, separated by commas.", metavar="A,B")
]
Frequency = Annotated[
    str | None, typer.Option(help="Rows per week or per day.", metavar="weekly|daily")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting, such as recipe.epochs=5.", metavar="KEY=VALUE"),
]
NEWEST = "newest"
"""In the place of a name: the newest of its kind."""

RunId = Annotated[
    str | None, typer.Option("--run", help="Name under runs/. Default: the newest.", metavar="ID")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]

UNKNOWN_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
"""Unknown options reach the command, which reports them with everything else that is wrong."""


@dataclass(frozen=True)
class Asked:
    """A data root and its effective settings."""

    root: Path
    effective: "Effective"

    @property
    def settings(self) -> "Settings":
        return self.effective.settings


def asked(
    context: typer.Context,
    data_root: Path | None,
    config: Path | None,
    overrides: Mapping[str, Any],
    assignments: Sequence[str] | None = None,
    *,
    raw_needed: bool = False,
    problems: Sequence[str] = (),
) -> Asked:
    """The data root and settings that the options name.

    Raises:
        ConfigError: with everything that is wrong with options, places, YAML and environment, and
            the ``problems`` found before.
    """
    from stocktrend.settings import load_settings

    found = [*unknown_options(context), *problems]
    root = _find_root(data_root, config, found)
    given = dict(overrides)
    given["tickers"] = split_list(overrides.get("tickers"))
    given.update(_assigned(assignments or (), found))
    effective = None
    try:
        effective = load_settings(
            root or data_root or Path("no-data-root"),
            file=config,
            overrides=given,
            environ=os.environ,
            check_files=raw_needed and root is not None,
        )
    except ConfigError as error:
        found += error.problems
    if raw_needed and root is not None and effective is not None:
        found += _nothing_to_read(root, effective.settings)
    if root is None or effective is None or found:
        raise ConfigError(found)
    return Asked(root, effective)


def existing_root(
    context: typer.Context, data_root: Path | None, problems: Sequence[str] = ()
) -> Path:
    """The data root alone, for commands that work with a finished run.

    Raises:
        ConfigError: it is not there, or ``problems`` were found before.
    """
    found = [*unknown_options(context), *problems]
    root = _find_root(data_root, None, found)
    if root is None or found:
        raise ConfigError(found)
    return root


def _find_root(data_root: Path | None, config: Path | None, problems: list[str]) -> Path | None:
    root = data_root or (config.parent if config is not None else None)
    if root is None:
        here = Path()
        if any((here / name).exists() for name in ("stocktrend.yaml", "raw", "lake", "runs")):
            return here
        problems.append(
            "--data-root must name a folder with your files, however: it is not given and the "
            "current folder is no data root. Add --data-root DIR, or make a market to try with "
            "`stocktrend demo`"
        )
    elif not root.is_dir():
        found = "it is a file" if root.exists() else "it does not exist"
        problems.append(
            f"--data-root must be an existing folder, however: {root}: {found}. Check the path, or "
            f"begin there: `stocktrend init --data-root {root}` for services on the internet, "
            f"`stocktrend simulate --data-root {root}` for a simulated market"
        )
        return None
    return root


def _nothing_to_read(root: Path, settings: "Settings") -> list[str]:
    prices = root / "raw" / "prices"
    if settings.sources.prices or (root / "lake").is_dir():
        return []
    if prices.is_dir() and any(path.is_file() for path in prices.rglob("*")):
        return []
    return [
        f"the data root must hold prices, however: {prices} has no files. Put one CSV a ticker (or "
        f"Parquet) there, name your files in {root / 'stocktrend.yaml'} under sources.prices, or "
        f"make a market with `stocktrend simulate --data-root {root}`"
    ]


def unknown_options(context: typer.Context) -> list[str]:
    """One problem for each argument that the command does not know."""
    known = [name for parameter in context.command.params for name in parameter.opts]
    problems = []
    value_of_unknown = False
    for argument in context.args:
        if argument.startswith("-"):
            name = argument.split("=")[0]
            close = get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}"
            problems.append(f"{name} is not an option of `{context.info_name}`. {hint}")
            value_of_unknown = "=" not in argument
        elif value_of_unknown:
            value_of_unknown = False
        else:
            problems.append(
                f"`{context.info_name}` takes options only, however: {argument!r}. "
                f"See `{context.command_path} --help`"
            )
    return problems


def check_table(out: Path | None, problems: list[str]) -> None:
    """A file for a table; what is wrong with its name goes to ``problems``."""
    if out is not None and out.suffix not in (".parquet", ".csv"):
        problems.append(f"--out must end in .parquet or .csv, however: {out}. Rename it")


def write_table(out: Path, table: "pl.DataFrame") -> None:
    """A table as the end of its file's name says."""
    from stocktrend.atomic import write_csv, write_parquet

    if out.suffix == ".parquet":
        write_parquet(out, table)
    else:
        write_csv(out, table)


def split_list(text: str | None) -> list[str] | None:
    """``"A, B"`` as ``["A", "B"]``."""
    if text is None:
        return None
    return [part.strip() for part in text.split(",") if part.strip()]


def _assigned(assignments: Sequence[str], problems: list[str]) -> dict[str, Any]:
    from stocktrend.provenance import parse_text, plain

    values: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            problems.append(
                f"--set must be KEY=VALUE, however: {assignment!r}. Write --set recipe.epochs=5"
            )
            continue
        tree, wrong = parse_text(text, f"--set {key}")
        problems += wrong
        values[key.strip()] = plain(tree)
    return values


def parse_date(text: str | None, option: str, problems: list[str]) -> date | None:
    """A date option; what is wrong goes to ``problems``."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(f"{option} must be a date, however: {text!r}. Write it as 2024-12-31")
        return None


def parse_count(text: str, option: str, problems: list[str]) -> int:
    """A whole-number option; what is wrong goes to ``problems``."""
    try:
        return int(text)
    except ValueError:
        problems.append(f"{option} must be a whole number, however: {text!r}. Write it in digits")
        return 1
