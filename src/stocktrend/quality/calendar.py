"""Rules on days: sessions without a bar, bars without a session, tables that have fallen behind."""

from datetime import date
from typing import Final

import polars as pl

from stocktrend.quality.findings import FOUND, Given, nothing, rule, spans

LONGEST_PAUSE: Final = 5
"""Sessions from one bar to the next; after a longer pause features restart."""
FRESH_SESSIONS: Final = 5
QUIET: Final = 10.0
QUIET_DAYS: Final = 14
"""A source that was silent for two weeks, and ten times as long as it usually is."""


@rule(
    table="bars",
    severity="note",
    remedy="After more than 5 sessions without a bar features restart by themselves. If the ticker "
    "was traded, get the missing bars.",
)
def missing_sessions(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Sessions of the exchange, between a ticker's first bar and its last, without a bar."""
    gaps = bars.filter(pl.col("since") > 1).select("ticker", "session", "number", "since")
    stored = given.withheld.join(given.sessions.select("session", "number"), on="session")
    between = (pl.col("number") - pl.col("number_right")).is_between(1, pl.col("since") - 1)
    withheld = gaps.join(stored, on="ticker").filter(between).group_by("ticker", "session").len()
    missing = pl.col("since") - 1 - pl.col("len").fill_null(0)
    after = (
        gaps.join(withheld, on=["ticker", "session"], how="left")
        .with_columns(missing.cast(pl.Int64).alias("_missing"))
        .filter(pl.col("_missing") > 0)
    )
    longest = pl.col("_missing").max()
    restarts = (pl.col("since") > LONGEST_PAUSE).sum()
    detail = pl.format(
        "{}, the longest of {} sessions; {} restart the history",
        pl.when(pl.len() == 1).then(pl.lit("1 gap")).otherwise(pl.format("{} gaps", pl.len())),
        longest,
        restarts,
    )
    return (
        after.group_by(pl.col("ticker").alias("subject"))
        .agg(
            pl.col("session").min().alias("first"),
            pl.col("session").max().alias("last"),
            pl.col("_missing").sum().alias("rows"),
            detail.alias("detail"),
        )
        .sort(["rows", "subject"], descending=[True, False])
        .select(list(FOUND))
    )


@rule(
    table="bars",
    severity="warning",
    remedy="Set `exchange` to the calendar of these prices, or drop the days from the file.",
)
def no_session(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Bars on days on which the exchange was closed."""
    detail = pl.lit("the exchange was closed")
    return spans(bars.filter(pl.col("number").is_null()), "ticker", "session", detail)


@rule(
    table="bars",
    severity="note",
    remedy="Delisted, renamed or no longer in the files: labels beyond the last bar are masked.",
)
def ends_early(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """Tickers whose last bar is more than 5 sessions before the table's."""
    ends = bars.group_by("ticker").agg(pl.col("session").max(), pl.col("number").max())
    early = ends.filter(pl.col("number").max() - pl.col("number") > FRESH_SESSIONS)
    return spans(early, "ticker", "session", pl.lit("the last bar"))


@rule(
    table="bars",
    severity="warning",
    remedy="Put newer prices into raw/ and run `stocktrend ingest`.",
)
def outdated_bars(bars: pl.DataFrame, given: Given) -> pl.DataFrame:
    """The newest bar is more than 5 sessions old."""
    if bars.is_empty():
        return nothing()
    last: date = bars["session"].max()  # type: ignore[assignment]
    closed = given.sessions.filter(pl.col("close") <= given.now, pl.col("session") > last)
    if closed.height <= FRESH_SESSIONS:
        return nothing()
    detail = f"{closed.height:,} sessions have closed since"
    return pl.DataFrame([("all bars", last, last, 0, detail)], schema=FOUND, orient="row")


@rule(
    table="news",
    severity="warning",
    remedy="Declare in stocktrend.yaml the period that the source covers (`start`, `end`), or get "
    "the missing items: silence counts as no news.",
)
def silent_spell(news: pl.DataFrame, given: Given) -> pl.DataFrame:
    """A source of news that was silent for two weeks and ten times as long as usual."""
    days = (
        news.select("source", pl.col("event_time").dt.date().alias("day"))
        .unique()
        .sort("source", "day")
    )
    gap = (pl.col("day") - pl.col("day").shift(1)).dt.total_days().over("source")
    gaps = days.with_columns(gap.alias("gap"), pl.col("day").shift(1).over("source").alias("from"))
    usual = pl.col("gap").mean().over("source")
    quiet = gaps.filter(pl.col("gap") > QUIET_DAYS, pl.col("gap") > QUIET * usual)
    return quiet.select(
        pl.col("source").alias("subject"),
        pl.col("from").alias("first"),
        pl.col("day").alias("last"),
        pl.lit(0, pl.Int64).alias("rows"),
        pl.format("no item for {} days", "gap").alias("detail"),
    )
