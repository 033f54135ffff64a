"""Columns and checks of the record kinds.

Every record has two clocks: ``event_time`` (what it is about) and ``known_at`` (UTC, when anyone
could first have read it). Only ``known_at`` decides what a row of features may see. The rules are
what a record must satisfy to enter the lake; one that breaks a rule goes to quarantine with the
rule's name as its reason.
"""

from typing import Final

import dataframely as dy
import polars as pl

UTC_TIME: Final = pl.Datetime("us", "UTC")
TICKER: Final = r"^[A-Z0-9^$_][A-Z0-9^$_.=&+-]{0,31}$"
"""Tickers as exchanges and vendors write them: BRK.B, BF-B, ^GSPC, EURUSD=X, M&M.NS.

Without slashes, blanks and control characters, and never beginning as a formula or an option does,
a ticker is safe as a part of a file's name, a spreadsheet's cell and a command line.
"""
LONGEST_TEXT: Final = 1_000_000
"""Characters of a headline, post or statement; the longest statement of the Fed has 10,000."""
MARKET: Final = "*"
"""Ticker of a news item that concerns the whole market."""


class Record(dy.Schema):
    """What every record carries."""

    event_time = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")
    known_at = dy.Datetime(nullable=False, time_unit="us", time_zone="UTC")
    source = dy.String(nullable=False)


class Bar(Record):
    """One ticker's session. Prices and volume are in one split basis (one file, one basis)."""

    ticker = dy.String(nullable=False, regex=TICKER)
    session = dy.Date(nullable=False)
    open = dy.Float64(nullable=False)
    high = dy.Float64(nullable=False)
    low = dy.Float64(nullable=False)
    close = dy.Float64(nullable=False)
    adj_close = dy.Float64(nullable=False)
    volume = dy.Float64(nullable=False, min=0.0)

    @dy.rule()
    def prices_are_finite(cls) -> pl.Expr:
        return pl.all_horizontal(
            pl.col("open", "high", "low", "close", "adj_close", "volume").is_finite()
        )

    @dy.rule()
    def prices_are_positive(cls) -> pl.Expr:
        return pl.min_horizontal("open", "high", "low", "close", "adj_close") > 0

    @dy.rule()
    def high_is_not_below_low(cls) -> pl.Expr:
        return pl.col("high") >= pl.col("low")


class NewsItem(Record):
    """A headline or post about one ticker, or about the market (ticker ``*``)."""

    ticker = dy.String(nullable=False, regex=rf"{TICKER}|^\*$")
    id = dy.String(nullable=False, min_length=1)
    text = dy.String(nullable=False, min_length=1, max_length=LONGEST_TEXT)
    lang = dy.String(nullable=True)
    is_repost = dy.Bool(nullable=False)


class PolicyEvent(Record):
    """A rate decision, statement, executive order or other act of policy, at its publication."""

    id = dy.String(nullable=False, min_length=1)
    kind = dy.String(nullable=False, min_length=1)
    title = dy.String(nullable=True)
    text = dy.String(nullable=True, max_length=LONGEST_TEXT)
    target_low = dy.Float64(nullable=True)
    target_high = dy.Float64(nullable=True)

    @dy.rule()
    def target_range_is_ordered(cls) -> pl.Expr:
        return pl.col("target_high") >= pl.col("target_low")


class Observation(Record):
    """One value of a dated series; several ``known_at`` of one period are its revisions.

    A null value withdraws the period. Values of different ``basis`` (an index's base year, say)
    must not be compared; a null basis means that every value known at one time is comparable.
    """

    series = dy.String(nullable=False, min_length=1)
    period = dy.Date(nullable=False)
    value = dy.Float64(nullable=True)
    basis = dy.String(nullable=True)
    revised = dy.Bool(nullable=False)

    @dy.rule()
    def value_is_finite(cls) -> pl.Expr:
        return pl.col("value").is_finite()


class Membership(Record):
    """From its day on a ticker is in the universe, or is not, until its next day says otherwise.

    Known at the start of the day in New York, or later.
    """

    ticker = dy.String(nullable=False, min_length=1)
    day = dy.Date(nullable=False)
    member = dy.Bool(nullable=False)


TABLES: Final[dict[str, type[Record]]] = {
    "bars": Bar,
    "news": NewsItem,
    "policy": PolicyEvent,
    "macro": Observation,
    "universe": Membership,
}

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "bars": ("ticker", "session"),
    "news": ("ticker", "id"),
    "policy": ("id",),
    "macro": ("series", "period"),
    "universe": ("ticker", "day"),
}
"""Natural key of each table; one key may have several ``known_at``."""

QUARANTINE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "table": pl.String,
    "source": pl.String,
    "path": pl.String,
    "row": pl.Int64,
    "reason": pl.String,
    "record": pl.String,
    "ticker": pl.String,
    "session": pl.Date,
}
"""Columns of the quarantine table; ``record`` is the raw record as JSON. ``ticker`` and
``session`` are null where the record has none or they could not be read."""


def columns(table: str) -> list[str]:
    """Column names of a lake table, in their stored order."""
    return list(TABLES[table].columns())
