"""Tiingo's daily bars.

https://www.tiingo.com/documentation/end-of-day : raw prices and volumes of each day, the cash
dividend and the split ratio of the day on which they take effect, and prices adjusted for both as
of today. A free key allows 50 requests an hour and 500 tickers a month.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, ask, json_of, records_in, rows_of
from stocktrend.live.bars import OVERLAP, AskedBars, closed_bars, refuse_other_days, us_symbol
from stocktrend.live.http import Answer, Http
from stocktrend.live.source import Window
from stocktrend.service_settings import Tiingo as TiingoSetting
from stocktrend.sources.batch import Batch
from stocktrend.sources.fields import day, number, text
from stocktrend.sources.files import Rows

PRICES: Final = ("open", "high", "low", "close")
FIELDS: Final = ("date", *PRICES, "volume", "adjClose", "splitFactor")
RESTATED: Final = "{} in today's shares"


@dataclass(frozen=True)
class Tiingo:
    """See :class:`stocktrend.live.source.Source`. Each ticker is a part."""

    name: str = "tiingo"
    tickers: tuple[str, ...] | None = None
    exchange: str = "XNYS"
    compare: bool = False
    table: str = "bars"
    overlap: int = OVERLAP
    terms: str = (
        "Needs a key; free for personal use, 50 requests an hour, not for redistribution: "
        "https://www.tiingo.com/about/terms"
    )

    def parts(self, tickers: Sequence[str]) -> tuple[str, ...]:
        """The tickers of the settings, else those that are wanted."""
        return tuple(self.tickers if self.tickers is not None else tickers)

    def fetch(self, part: str, window: Window, http: Http) -> Iterator[Batch]:
        """Ask for a ticker's bars; one batch, so that all are in one basis."""
        asked = AskedBars(part, self.name, window, self.exchange)
        path = f"/tiingo/daily/{us_symbol(asked)}/prices"
        spans = asked.spans()
        records: list[Any] = []
        for first, last in spans:
            query = {"startDate": str(first), "format": "json", "resampleFreq": "daily"}
            if last is not None:
                query["endDate"] = str(last)
            read = partial(records_of, span=(first, last), asked=asked)
            records += ask(http, read, path, query)
        if spans:
            yield read_tiingo(records, asked)


def source(setting: TiingoSetting, exchange: str) -> Tiingo:
    """The source that a setting describes."""
    name = setting.name or setting.kind
    return Tiingo(name, setting.tickers, exchange, setting.compare)


def records_of(answer: Answer, span: tuple[date, date | None], asked: AskedBars) -> list[Any]:
    """The bars of an answer, as they came.

    Raises:
        SourceError: it is no list of bars, or their fields have other names, or none is of the
            days that were asked for.
    """
    records = records_in(json_of(answer, asked.path), asked.path)
    rows = rows_of(records, asked.path, FIELDS)
    refuse_other_days(rows.frame["date"].to_list(), span, asked)
    return records


def read_tiingo(records: Sequence[Any], asked: AskedBars) -> Batch:
    """Read daily bars, brought into the basis of today's shares.

    Prices of each day are divided, and its volume multiplied, by the ratios of all later splits.

    Args:
        records: Of one ticker up to today, in any order.
        asked: What was asked.

    Raises:
        SourceError: there are none, or a split cannot be read, so that the basis is unknown.
    """
    if not records:
        raise asked.nothing()
    rows = rows_of(records, asked.path, FIELDS)
    raw = rows.frame
    ratio = pl.Series("_ratio", _later_splits(raw, asked), dtype=pl.Float64)
    restated = raw.with_columns(ratio).with_columns(
        *(_in_todays_shares(raw, name, number(raw, name) / pl.col("_ratio")) for name in PRICES),
        _in_todays_shares(raw, "volume", number(raw, "volume") * pl.col("_ratio")),
    )
    columns = {name: RESTATED.format(name) for name in (*PRICES, "volume")}
    batch = closed_bars(
        Rows(restated.drop("_ratio"), rows.broken),
        {**columns, "session": "date", "adj_close": "adjClose"},
        asked,
    )
    return batch.with_notes({"bars brought into today's shares": int((ratio != 1).sum())})


def _in_todays_shares(raw: pl.DataFrame, name: str, value: pl.Expr) -> pl.Expr:
    """As text, so that what is no number is named; as it came where no split followed."""
    as_it_is = (pl.col("_ratio") == 1) | number(raw, name).is_null()
    return (
        pl.when(as_it_is)
        .then(pl.col(name))
        .otherwise(value.cast(pl.String))
        .alias(RESTATED.format(name))
    )


def _later_splits(raw: pl.DataFrame, asked: AskedBars) -> list[float]:
    """For each row the product of the split ratios of later days."""
    told = raw.select(
        day(raw, "date").alias("day"),
        number(raw, "splitFactor").alias("ratio"),
        text(raw, "splitFactor").alias("written"),
    )
    splits: dict[Any, float] = {}
    for when, ratio, written in told.filter(~(pl.col("ratio") == 1).fill_null(value=False)).rows():
        readable = when is not None and ratio is not None and math.isfinite(ratio) and ratio > 0
        if not readable or splits.setdefault(when, ratio) != ratio:
            raise SourceError(
                f"Each splitFactor of {asked.path} must be one number above 0 with its date, "
                f"however that of {when} is {str(written)[:40]!r}, so that no earlier price can be "
                f"told. {LATER}"
            )
    later, ratio = {}, 1.0
    for when in sorted({*told["day"].drop_nulls(), *splits}, reverse=True):
        later[when] = ratio
        ratio *= splits.get(when, 1.0)
    return [later.get(when, 1.0) for when in told["day"]]
