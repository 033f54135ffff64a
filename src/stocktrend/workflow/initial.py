"""A first configuration: which services to ask about whom, as YAML with comments."""

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stocktrend import service_settings
from stocktrend.atomic import write_bytes
from stocktrend.errors import ConfigError
from stocktrend.live.keys import FILE as KEYS
from stocktrend.schema import TICKER
from stocktrend.service_settings import Service
from stocktrend.settings import FILE_NAME

OFFERED: Final = {
    "prices": ("yfinance", "tiingo", "stooq"),
    "news": ("gdelt", "finnhub"),
    "policy": ("fed_press", "federal_register", "policy_uncertainty"),
    "macro": ("fred",),
}
"""Kinds of services by their list in the settings; the default comes first."""
MOST_QUERIES: Final = 30
"""More tickers than these would keep GDELT's rate busy for long: the market is asked about then."""
ABOUT: Final = {
    "prices": "Vendors are asked in this order: the first that has a ticker's bars gives them.",
    "news": "Headlines, known at their publication.",
    "policy": "Acts of policy, known at their publication.",
    "macro": "Series with their vintages: a value is known from its release on.",
}


@dataclass(frozen=True)
class Index:
    """What an index file holds: its tickers, or the file itself where it tells dates too."""

    tickers: tuple[str, ...] = ()
    membership: Path | None = None


@dataclass(frozen=True)
class Choice:
    """What a first configuration is to say; ``kinds`` are those of services, in their order."""

    index: Index
    kinds: tuple[str, ...]


def read_index(file: Path) -> Index:
    """Tickers of a file: a CSV with ``ticker`` or ``symbol``, or one ticker a line.

    A file that has ``start_date`` too tells who was in when, and is named instead.

    Raises:
        ConfigError: it cannot be read, or holds no tickers.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"an index file must be a text that can be read, however {file}: {error}. Check it"
        ) from error
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    header = [re.sub(r"[\s_]", "", name).lower() for name in rows[0]] if rows else []
    column = next((n for n, name in enumerate(header) if name in ("ticker", "symbol")), None)
    if column is not None and "startdate" in header:
        return Index(membership=file.resolve())
    if column is None:
        column = 0
    else:
        rows = rows[1:]
    return Index(tickers_in([row[column] for row in rows if len(row) > column]))


def tickers_in(words: Sequence[str]) -> tuple[str, ...]:
    """Tickers in capitals, each once.

    Raises:
        ConfigError: a word is none, or there is none.
    """
    found = dict.fromkeys(word.strip().upper() for word in words if word.strip())
    wrong = [word for word in found if not re.match(TICKER, word)]
    if wrong or not found:
        raise ConfigError(
            f"tickers must be words like AAPL, BRK-B or ^GSPC, however: {wrong[:5] or 'none'}. "
            f"Separate them by commas, or name a file with a column ticker"
        )
    return tuple(found)


def kinds_in(words: Sequence[str], offered: Sequence[str]) -> tuple[str, ...]:
    """Kinds of services among those offered.

    Raises:
        ConfigError: one is not.
    """
    found = tuple(dict.fromkeys(word.strip().lower() for word in words if word.strip()))
    wrong = [word for word in found if word not in offered]
    if wrong:
        raise ConfigError(
            f"services must be of {', '.join(offered)}, however: {', '.join(wrong)}. Take some of "
            f"these, or none"
        )
    return found


def first_settings(choice: Choice) -> str:
    """The YAML of a choice; what is left out of it has its default."""
    lines = [
        "# Written by `stocktrend init`. All settings are in docs/configuration.md, services in",
        "# docs/live.md; `stocktrend config` prints every setting, also those left out here.",
        "",
    ]
    if choice.index.tickers:
        lines += [
            "# Whom to ask about and to score. A list of today's leaves out those that failed:",
            "# where you have an index's members with their dates, name the file under universe.",
            f"tickers: {json.dumps(list(choice.index.tickers))}",
            "",
        ]
    lines += [
        "# A row a week, at the close of its last session; daily: one a session.",
        "frequency: weekly",
        "",
        "sources:",
    ]
    for group, offered in OFFERED.items():
        kinds = [kind for kind in choice.kinds if kind in offered]
        lines.append(f"  # {ABOUT[group]}")
        if not kinds:
            lines.append(f"  # {group}: [{{kind: {offered[0]}}}]")
            continue
        lines.append(f"  {group}:")
        for kind in kinds:
            lines += [f"    # {_about(kind)}", f"    - kind: {kind}"]
            lines += _queries(choice.index) if kind == "gdelt" else []
        if group == "news":
            lines.append('    # - {kind: rss, name: a_name, base_url: "https://...", ticker: AAPL}')
    if choice.index.membership is not None:
        lines += [
            "  # Who was in the index when: each date has those that were.",
            "  universe:",
            f"    - path: {json.dumps(str(choice.index.membership))}",
        ]
    return "\n".join([*lines, ""])


def _about(kind: str) -> str:
    model = next(
        model
        for model in vars(service_settings).values()
        if isinstance(model, type) and issubclass(model, Service)
        if "kind" in model.model_fields and model.model_fields["kind"].default == kind
    )
    return str(model.__doc__).splitlines()[0].replace("``", "")


def _queries(index: Index) -> list[str]:
    """A query a ticker, or one of the market where they are many."""
    few = 0 < len(index.tickers) <= MOST_QUERIES
    queries = {ticker: f'"{ticker} stock"' for ticker in index.tickers} if few else {}
    queries = queries or {"*": '"stock market"'}
    return [
        "      # A query a ticker (*: the market). Names of companies find more than tickers.",
        "      queries:",
        *(f"        {json.dumps(name)}: {json.dumps(query)}" for name, query in queries.items()),
    ]


def write_first(root: Path, settings: str, keys: Mapping[str, str]) -> list[Path]:
    """Write the settings and, readable by the user alone, the keys.

    Args:
        root: Data root; made where it is missing.
        settings: As ``first_settings`` made them.
        keys: Kind -> key; empty: no file.

    Returns:
        The files.

    Raises:
        ConfigError: one of them is there already.
    """
    file, secret = root / FILE_NAME, root / KEYS
    there = [str(place) for place in (file, *([secret] if keys else [])) if place.exists()]
    if there:
        raise ConfigError(
            f"`stocktrend init` writes new files only, however {' and '.join(there)} is there. "
            f"Edit it, remove it, or choose another folder with --data-root"
        )
    root.mkdir(parents=True, exist_ok=True)
    if keys:
        lines = "".join(f"{kind}: {json.dumps(key)}\n" for kind, key in keys.items())
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"# Keys of services. Keep this file to yourself.\n{lines}")
    write_bytes(file, settings.encode())
    return [file, secret] if keys else [file]
