"""A first configuration: which services to ask about whom, as YAML with comments."""

import csv
import io
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from stocktrend import service_settings
from stocktrend.atomic import write_bytes
from stocktrend.errors import ConfigError
from stocktrend.live.keys import FILE as KEYS
from stocktrend.schema import TICKER
from stocktrend.service_settings import Service
from stocktrend.settings import FILE_NAME
from stocktrend.sources.detect import detect
from stocktrend.sources.fields import plain_name
from stocktrend.sources.membership import COLUMNS as MEMBERSHIP
from stocktrend.sources.plan import CALENDAR

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
    """What a first configuration is to say.

    Attributes:
        kinds: Of services, in their order.
        files: Of ``files_in``.
    """

    index: Index
    kinds: tuple[str, ...]
    files: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)


def read_index(file: Path) -> Index:
    """Tickers of a file: a CSV with ``ticker`` or ``symbol``, or one ticker a line.

    A file that has ``start_date`` and ``end_date`` too tells who was in when, and is named instead.

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
    header = [plain_name(name) for name in rows[0]] if rows else []
    column = next((n for n, name in enumerate(header) if name in MEMBERSHIP["ticker"]), None)
    dated = all(set(header) & set(MEMBERSHIP[name]) for name in ("start_date", "end_date"))
    if column is not None and dated:
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


def files_in(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Lists of the settings -> sources of what lies in ``raw/``, as an ingest finds them there.

    Raises:
        SourceError: a file cannot be read.
    """
    calendar = CALENDAR if (root / CALENDAR).is_file() else None
    found = {group: detect(group, root, calendar)[0] for group in OFFERED}
    return {
        group: [
            {"kind": one.kind, **one.model_dump(mode="json", exclude_defaults=True)} for one in some
        ]
        for group, some in found.items()
        if some
    }


def kinds_in(text: str, offered: Sequence[str]) -> tuple[str, ...]:
    """Kinds of services among those offered, separated by commas; ``none`` is none of them.

    Raises:
        ConfigError: one is not.
    """
    words = dict.fromkeys(word.strip().lower() for word in text.split(","))
    found = tuple(word for word in words if word not in ("", "none"))
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
        if kinds:
            lines += _list(choice, group, kinds)
            continue
        if group in choice.files:
            lines.append(f"  # As long as nothing is named, the files of raw/{group} are read.")
        lines += [f"  # {line[2:]}" for line in _list(choice, group, offered[:1])]
    if choice.index.membership is not None:
        lines += [
            "  # Who was in the index when: each date has those that were.",
            "  universe:",
            f"    - path: {_inline(str(choice.index.membership))}",
        ]
    return "\n".join([*lines, ""])


def _list(choice: Choice, group: str, kinds: Sequence[str]) -> list[str]:
    """A list of sources: files, which are not looked for where something is named, and services."""
    lines = [f"  {group}:", *(f"    - {_inline(file)}" for file in choice.files.get(group, []))]
    for kind in kinds:
        lines += [f"    # {_about(kind)}", f"    - kind: {kind}"]
        lines += _queries(choice.index) if kind == "gdelt" else []
    if group == "news":
        lines.append('    # - {kind: rss, name: a_name, base_url: "https://...", ticker: AAPL}')
    return lines


def _about(kind: str) -> str:
    model = next(
        model
        for model in vars(service_settings).values()
        if isinstance(model, type) and issubclass(model, Service)
        if "kind" in model.model_fields and model.model_fields["kind"].default == kind
    )
    return str(model.__doc__).splitlines()[0].replace("``", "")


def _inline(value: object) -> str:
    """As JSON, which YAML reads too."""
    return json.dumps(value, ensure_ascii=False)


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
