"""Prices and past scores of each stock, small enough to travel in the page."""

from datetime import date
from typing import Any

import polars as pl

from stocktrend.reporting.charts import HORIZON_COLOURS, finite
from stocktrend.reporting.contents import ReportContents

ALL_UP_TO = 100
"""With more tickers than this, only those with the strongest scores are embedded."""

STRONGEST = 50
PRICE_POINTS = 120_000
SCORE_POINTS = 120_000
"""Points of all stocks together; longer histories are thinned to every k-th date."""


def stocks(contents: ReportContents) -> dict[str, Any]:
    """What the price chart needs.

    Returns:
        ``tickers`` in order, ``sessions`` and ``dates`` shared by all, and per ticker ``price`` and
        per horizon ``score`` (thousandths), each as [first index, values]; ``parts``: first and
        last date of each split; ``thinned``: every how manieth session and date is there.
    """
    tickers = chosen(contents)
    prices = contents.prices
    if prices.is_empty() or not tickers:
        return {}
    prices = prices.filter(pl.col("ticker").is_in(tickers))
    every_session = _every(prices["session"].n_unique(), len(tickers), PRICE_POINTS)
    prices, sessions = _thinned(prices, "session", every_session)
    scores = contents.predictions.filter(pl.col("ticker").is_in(tickers))
    width = len(tickers) * len(contents.horizons)
    every_date = _every(scores["as_of"].n_unique(), width, SCORE_POINTS)
    scores, dates = _thinned(scores, "as_of", every_date)
    price_of = {t: f for (t,), f in prices.partition_by("ticker", as_dict=True).items()}
    scores_of = {t: f for (t,), f in scores.partition_by("ticker", as_dict=True).items()}
    return {
        "tickers": tickers,
        "sessions": [str(day) for day in sessions],
        "dates": [str(moment)[:10] for moment in dates],
        "price": [_price(price_of.get(t), len(sessions)) for t in tickers],
        "score": [
            [_thousandths(scores_of.get(t), f"score_{h}d", len(dates)) for h in contents.horizons]
            for t in tickers
        ],
        "horizons": list(contents.horizons),
        "colours": [
            HORIZON_COLOURS[i % len(HORIZON_COLOURS)] for i in range(len(contents.horizons))
        ],
        "parts": _parts(contents.predictions),
        "thinned": [every_session, every_date],
    }


def chosen(contents: ReportContents) -> list[str]:
    """All tickers of the newest date by name, or those with the strongest scores either way."""
    latest = contents.latest
    if latest.is_empty():
        return []
    if len(latest) > ALL_UP_TO:
        ranked = latest.sort(f"score_{contents.horizons[0]}d", descending=True, nulls_last=True)
        ranked = ranked.drop_nulls(f"score_{contents.horizons[0]}d")
        latest = pl.concat([ranked.head(STRONGEST // 2), ranked.tail(STRONGEST // 2)]).unique(
            "ticker"
        )
    return sorted(latest["ticker"].to_list())


def _every(dates: int, series: int, points: int) -> int:
    return max(1, -(-dates * series // points))


def _thinned(frame: pl.DataFrame, time: str, every: int) -> tuple[pl.DataFrame, pl.Series]:
    """Every k-th date, the last one kept, with its position as ``index``."""
    times = frame[time].unique().sort()
    kept = times.gather_every(every, offset=max(0, len(times) - 1) % every)
    positions = kept.to_frame().with_row_index()
    return frame.join(positions, on=time, how="inner").sort("index"), kept


def _price(frame: pl.DataFrame | None, length: int) -> list[Any]:
    if frame is None:
        return [0, []]
    rounded = frame.with_columns(pl.col("adj_close").cast(pl.Float64).round_sig_figs(5))
    return _sparse(rounded["index"], rounded["adj_close"], length)


def _thousandths(frame: pl.DataFrame | None, name: str, length: int) -> list[Any]:
    if frame is None:
        return [0, []]
    values = (frame[name].cast(pl.Float64).fill_nan(None) * 1000).round().cast(pl.Int32)
    return _sparse(frame["index"], values, length)


def _sparse(index: pl.Series, values: pl.Series, length: int) -> list[Any]:
    """[first index, values from there on], null in the gaps."""
    row: list[Any] = [None] * length
    for position, value in zip(index.to_list(), values.to_list(), strict=True):
        row[position] = finite(value)
    first, last = int(index[0]), int(index[-1])
    return [first, row[first : last + 1]]


def _parts(predictions: pl.DataFrame) -> list[dict[str, str]]:
    if predictions.is_empty() or "split" not in predictions.columns:
        return []
    spans = predictions.group_by("split").agg(
        pl.col("as_of").min().alias("first"), pl.col("as_of").max().alias("last")
    )
    return [
        {"name": str(name), "first": _iso(first), "last": _iso(last)}
        for name, first, last in spans.sort("first").iter_rows()
    ]


def _iso(moment: date) -> str:
    return str(moment)[:10]
