"""The 8 news features: a ticker's own items and the market-wide ones, over about a week.

1. Leave out reposts, and languages that the scorer does not read.
2. An item counts unless an earlier one of its ticker, or a market-wide one, has its id or its
   exact text. Earlier means by ``known_at``, then market-wide before own, then by id, source and
   text: the order of the input does not matter, and a revision of an item never counts again.
3. Score each distinct text once.
4. Sum each row's window directly, so that no record outside it can touch a bit of the row.
"""

from datetime import timedelta
from typing import Final

import numpy as np
import polars as pl

from stocktrend.catalog import NEWS_FEATURES
from stocktrend.features.news_periods import covered, sources_begun
from stocktrend.features.news_windows import Items, Windows, sum_windows
from stocktrend.features.text import HeadlineScorer, TextScorer, score_texts
from stocktrend.features.vintages import require
from stocktrend.progress import Progress, silent
from stocktrend.schema import MARKET, UTC_TIME

WINDOW: Final = timedelta(hours=168)
UNDETERMINED: Final = "und"
ITEM_COLUMNS: Final = {"ticker", "id", "text", "source", "lang", "is_repost", "known_at"}
ROW_COLUMNS: Final = {"ticker", "as_of", "previous_as_of"}


def news_features(
    items: pl.DataFrame,
    rows: pl.DataFrame,
    *,
    scorer: TextScorer | None = None,
    periods: pl.DataFrame,
    progress: Progress = silent,
) -> pl.DataFrame:
    """The news features of each row.

    A row is null unless its ``as_of`` lies within some source's period; a window that reaches
    back across the start of the period counts what there is. A null ``lang`` or ``und`` counts
    as readable. Source diversity is null while fewer than two sources have begun.

    Args:
        items: News records, every version; ticker ``*`` concerns every row.
        rows: ``ticker``, ``as_of``, ``previous_as_of`` (UTC; null where there is none).
        scorer: Scores texts; ``HeadlineScorer()`` where None.
        periods: What :func:`~stocktrend.features.news_periods.news_periods` returns.
        progress: Told about the texts scored.

    Returns:
        ``ticker``, ``as_of`` and the 8 columns of ``NEWS_FEATURES`` (Float64), in the rows' order.

    Raises:
        DataError: a frame lacks columns, or the scorer breaks its contract.
    """
    require(items, "items", ITEM_COLUMNS)
    require(rows, "rows", ROW_COLUMNS)
    require(periods, "periods", {"source", "start", "end"})
    scorer = scorer or HeadlineScorer()
    windows = rows.select(
        "ticker",
        pl.col("as_of").cast(UTC_TIME),
        pl.min_horizontal(pl.col("as_of") - WINDOW, "previous_as_of").cast(UTC_TIME).alias("start"),
    )
    readable = _readable(items, windows, scorer.languages)
    own, market, excluded = _counted(readable)
    scored = _scored(pl.concat([own, market]), windows, scorer, progress)
    values = sum_windows(
        Items.of(scored.head(own.height)),
        Items.of(scored.tail(market.height)),
        Windows.of(windows, own["ticker"], excluded),
    )
    few = sources_begun(periods, windows["as_of"]) < 2
    values[few, NEWS_FEATURES.index("news_source_diversity")] = np.nan
    values[~covered(periods, windows["as_of"])] = np.nan
    features = pl.DataFrame(values, schema=list(NEWS_FEATURES), orient="row").fill_nan(None)
    return pl.concat([windows.select("ticker", "as_of"), features], how="horizontal")


def _readable(
    items: pl.DataFrame, windows: pl.DataFrame, languages: frozenset[str]
) -> pl.DataFrame:
    """Items that may count for these rows, each ticker's in the order of precedence."""
    known_language = pl.col("lang").is_null() | pl.col("lang").is_in([*languages, UNDETERMINED])
    concerns_a_row = (pl.col("ticker") == MARKET) | pl.col("ticker").is_in(
        windows["ticker"].unique().to_list()
    )
    return (
        items.filter(
            ~pl.col("is_repost")
            & known_language
            & concerns_a_row
            & (pl.col("known_at") <= windows["as_of"].max())
        )
        .select("ticker", pl.col("known_at").cast(UTC_TIME), "id", "source", "text")
        .sort("ticker", "known_at", "id", "source", "text")
    )


def _counted(items: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Own items and market-wide items that count, and pairs of both that exclude each other.

    Returns:
        Own items; market-wide items; and ``ticker``, ``position``: the rows of the second frame
        that do not count for a ticker because an item of its own came first.
    """
    first = items.filter(
        pl.struct("ticker", "id").is_first_distinct()
        & pl.struct("ticker", "text").is_first_distinct()
    )
    is_market = pl.col("ticker") == MARKET
    own, market = first.filter(~is_market), first.filter(is_market).with_row_index("position")
    all_own, all_market = items.filter(~is_market), items.filter(is_market)
    excluded = []
    for key in ("id", "text"):
        since = all_market.group_by(key).agg(pl.col("known_at").min().alias("since"))
        own = own.join(since, on=key, how="left", maintain_order="left")
        own = own.filter(pl.col("since").is_null() | (pl.col("since") > pl.col("known_at")))
        own = own.drop("since")
        earliest = all_own.group_by("ticker", key).agg(pl.col("known_at").min().alias("since"))
        pairs = market.drop("ticker").join(earliest, on=key)
        pairs = pairs.filter(pl.col("since") < pl.col("known_at"))
        excluded.append(pairs.select("ticker", pl.col("position").cast(pl.Int64)))
    pairs = pl.concat(excluded).unique().sort("ticker", "position")
    return own, market.drop("position"), pairs


def _scored(
    items: pl.DataFrame, windows: pl.DataFrame, scorer: TextScorer, progress: Progress
) -> pl.DataFrame:
    """The items with ``score``, null where older than every window, and ``source_number``."""
    oldest = windows["start"].min()
    texts = items.filter(pl.col("known_at") > oldest).select("text").unique(maintain_order=True)
    scores = score_texts(scorer, texts["text"], progress=progress)
    texts = texts.with_columns(pl.Series("score", scores, dtype=pl.Float64))
    return items.join(texts, on="text", how="left", maintain_order="left").with_columns(
        (pl.col("source").rank("dense").cast(pl.Int64) - 1).alias("source_number")
    )
