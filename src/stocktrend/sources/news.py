"""Headlines and posts: JSON, JSON lines, CSV or Parquet, plain, .gz or .zst."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import NewsFile
from stocktrend.errors import SourceError
from stocktrend.schema import MARKET, UTC_TIME
from stocktrend.sessions import sessions
from stocktrend.sources.batch import Batch, make_batch
from stocktrend.sources.fields import (
    Synonyms,
    first_reason,
    match_columns,
    schema_frame,
    symbol,
    text,
)
from stocktrend.sources.files import Rows, read_rows, stem
from stocktrend.sources.times import moments

COLUMNS: Final[Synonyms] = {
    "ticker": ("ticker", "symbol"),
    "timestamp": (
        "timestamp",
        "datetime",
        "time",
        "publishedat",
        "published",
        "createdat",
        "pubdate",
        "date",
    ),
    "text": ("text", "headline", "title"),
    "id": ("id", "guid", "url", "link"),
    "source": ("source", "publisher"),
    "lang": ("lang", "language"),
    "is_repost": ("isrepost", "isretweet"),
}
_SYMBOL: Final = re.compile(r"[A-Z0-9^][A-Z0-9.\-=^]{0,11}", re.IGNORECASE)


def read_news(path: Path, setting: NewsFile, name: str, shown: str, exchange: str) -> Batch:
    """Read one file of headlines or posts.

    An item is known at its timestamp, one with a bare date at the open of the next session. The
    ticker comes from a column, or from the file's name (``MARKET`` or ``*`` in either: the whole
    market). An item without an id gets one from its ticker, time and text.

    Args:
        path: The file.
        setting: Its source's settings.
        name: Name of the source, for items that do not name theirs.
        shown: The path as reports show it.
        exchange: Whose sessions date what has no time of day.

    Raises:
        SourceError: the file is unreadable or lacks a column.
    """
    rows = read_rows(path)
    raw = rows.frame
    columns = match_columns(path, raw.columns, COLUMNS, setting.columns, ("timestamp", "text"))
    named = columns.get("ticker")
    ticker = symbol(named) if named else pl.lit(_ticker_of(path))
    ticker = pl.when(ticker == "MARKET").then(pl.lit(MARKET)).otherwise(ticker)
    at = moments(raw, columns["timestamp"], setting.timezone)
    written = text(raw, columns["timestamp"]).fill_null("missing").alias("written")
    items = pl.concat(
        [_fields(raw, columns, ticker, name), at, raw.select(written)], how="horizontal"
    )
    batch = news_batch(items, rows, name, shown, exchange)
    assumed = items.filter(pl.col("assumed")).height
    return batch.with_notes({f"timestamps without an offset, read as {setting.timezone}": assumed})


def news_batch(
    items: pl.DataFrame,
    rows: Rows,
    name: str,
    shown: str,
    exchange: str,
    refused: Callable[[pl.Expr], pl.Expr] | None = None,
) -> Batch:
    """Give items that were read their clock and an id where they have none, and check them.

    Args:
        items: ``row``, ``ticker``, ``text``, ``id``, ``source``, ``lang``, ``is_repost``; the
            timestamp as ``written``; ``moment`` and ``bare`` as ``times.moments`` gives them.
        rows: What they were read from.
        name: Name of the source.
        shown: The path as reports show it.
        exchange: Whose sessions date what has no time of day.
        refused: Gives a further reason to refuse an item, null where there is none, by the time
            that it claims.
    """
    dated = _with_ids(_with_clock(items, exchange))
    claimed = pl.coalesce("moment", pl.col("bare").cast(UTC_TIME))
    found = dated.with_columns(
        first_reason(
            pl.when(pl.col("known_at").is_null()).then(
                pl.format("the timestamp is no time: {}", "written")
            ),
            *([] if refused is None else [refused(claimed)]),
        )
    )
    batch = make_batch(
        "news", name, shown, rows.frame, schema_frame("news", found), broken=rows.broken
    )
    dates = items.filter(pl.col("bare").is_not_null()).height
    return batch.with_notes(
        {
            **_notes(found.filter(pl.col("reason").is_null())),
            "bare dates, known at the next session's open": dates,
        }
    )


def _ticker_of(path: Path) -> str:
    name = stem(path)
    if name == MARKET:
        return name
    if _SYMBOL.fullmatch(name):
        return name.upper()
    raise SourceError(
        f"News without a ticker column must be in a file named after its ticker, however: {path}. "
        f"Rename it TICKER.jsonl (MARKET.jsonl for the whole market), or set columns: "
        f"{{ticker: NAME_IN_FILE}}"
    )


def _fields(raw: pl.DataFrame, columns: dict[str, str], ticker: pl.Expr, name: str) -> pl.DataFrame:
    def optional(ours: str) -> pl.Expr:
        return text(raw, columns[ours]) if ours in columns else pl.lit(None, dtype=pl.String)

    repost = pl.lit(False)
    if "is_repost" in columns:
        flag = pl.col(columns["is_repost"])
        if raw.schema[columns["is_repost"]] != pl.Boolean:
            flag = (
                flag.cast(pl.String)
                .str.strip_chars()
                .str.to_lowercase()
                .is_in(["true", "1", "yes", "t"])
            )
        repost = flag.fill_null(False)
    return raw.select(
        "row",
        ticker.alias("ticker"),
        pl.col(columns["text"]).cast(pl.String).str.strip_chars().alias("text"),
        optional("id").alias("id"),
        pl.coalesce(optional("source"), pl.lit(name)).alias("source"),
        optional("lang").alias("lang"),
        repost.alias("is_repost"),
    )


def _with_clock(items: pl.DataFrame, exchange: str) -> pl.DataFrame:
    """``event_time`` and ``known_at``: the timestamp, or the first open after a bare date."""
    opens = sessions(exchange).select("session", "open").sort("session")
    dated = (
        items.filter(pl.col("bare").is_not_null())
        .sort("bare")
        .join_asof(
            opens, left_on="bare", right_on="session", strategy="forward", allow_exact_matches=False
        )
        .select("row", "open")
    )
    return items.join(dated, on="row", how="left", maintain_order="left").with_columns(
        pl.coalesce("moment", "open").alias("event_time"),
        pl.coalesce("moment", "open").alias("known_at"),
    )


def _with_ids(items: pl.DataFrame) -> pl.DataFrame:
    """Give an item without an id one that it gets again, from whatever file it comes."""
    nameless = items.filter(pl.col("id").is_null())
    if nameless.is_empty():
        return items
    content = nameless.select(
        pl.concat_str(
            "ticker", pl.col("known_at").dt.epoch("us"), "text", separator="|", ignore_nulls=True
        )
    ).to_series()
    ids = [hashlib.sha256(item.encode()).hexdigest()[:16] for item in content.to_list()]
    made = nameless.select("row").with_columns(pl.Series("made", ids, dtype=pl.String))
    joined = items.join(made, on="row", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("id", "made").alias("id"))


def _notes(items: pl.DataFrame) -> dict[str, int]:
    """What is kept, since the features deal with it; repeated rows are counted too."""
    return {
        "reposts, flagged and kept": int(items["is_repost"].sum()),
        "texts repeated for one ticker, kept": items.height
        - items.select("ticker", "text").n_unique(),
        "items not in English or of unknown language, kept": items.filter(
            (pl.col("lang") != "en").fill_null(True)
        ).height
        if items["lang"].is_not_null().any()
        else 0,
    }
