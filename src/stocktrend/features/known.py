"""Each row beside the records that it may use."""

from datetime import timedelta

import polars as pl

from stocktrend.features.vintages import require
from stocktrend.schema import MARKET


def known_records(rows: pl.DataFrame, records: pl.DataFrame, window: timedelta) -> pl.DataFrame:
    """The records that were known at each row's ``as_of``, and not before its window.

    Args:
        rows: ``ticker`` and ``as_of``.
        records: Every version of a table's records, with ``known_at``.
        window: How far back from ``as_of``: ``known_at`` lies in (as_of - window, as_of].

    Returns:
        ``ticker``, ``as_of`` and the other columns of the records, one row a pair, sorted by
        ticker, as_of and known_at: of several versions of a record the last one is the newest then.
        Records without a ticker, and news of the whole market, stand beside every row.

    Raises:
        DataError: columns are missing.

    >>> from datetime import datetime
    >>> rows = pl.DataFrame({"ticker": ["A"], "as_of": [datetime(2020, 1, 10)]})
    >>> days = [datetime(2020, 1, 8), datetime(2020, 1, 9), datetime(2020, 1, 11)]
    >>> records = pl.DataFrame({"ticker": "A", "known_at": days, "value": [1, 2, 3]})
    >>> known_records(rows, records, timedelta(days=2))["value"].to_list()
    [2]
    """
    require(rows, "rows", {"ticker", "as_of"})
    require(records, "records", {"known_at"})
    rows = rows.select("ticker", "as_of").unique().sort("ticker", "as_of")
    if "ticker" not in records.columns:
        return _pairs(rows, records, window, [])
    of_the_market = pl.col("ticker") == MARKET
    own = _pairs(rows, records.filter(~of_the_market), window, ["ticker"])
    shared = _pairs(rows, records.filter(of_the_market).drop("ticker"), window, [])
    if shared.is_empty():
        return own
    return pl.concat([own, shared]).sort("ticker", "as_of", "known_at", maintain_order=True)


def _pairs(
    rows: pl.DataFrame, records: pl.DataFrame, window: timedelta, by: list[str]
) -> pl.DataFrame:
    """Rows beside records of the same ``by``: those of a row are neighbours, so two ends find all.

    Joining every record of a ticker to every row of it would take rows times records of memory.
    """
    ordered = records.sort(*by, "known_at", maintain_order=True).with_row_index("end")
    ends = ordered.select(*by, "known_at", pl.col("end").cast(pl.Int64) + 1).sort(
        "known_at", maintain_order=True
    )
    first = ordered.select(*by, start=pl.col("end").cast(pl.Int64))
    first = first.group_by(by).agg(pl.col("start").min()) if by else first.head(1)
    begins = ends.rename({"end": "begin"})
    bounds = (
        rows.with_columns(before=(pl.col("as_of") - window).cast(records["known_at"].dtype))
        .sort("as_of")
        .join_asof(
            ends, left_on="as_of", right_on="known_at", by=by or None, check_sortedness=False
        )
        .drop("known_at")
        .join_asof(
            begins, left_on="before", right_on="known_at", by=by or None, check_sortedness=False
        )
    )
    bounds = bounds.join(first, on="ticker", how="left") if by else bounds.join(first, how="cross")
    begin = pl.coalesce("begin", "start")
    pairs = (
        bounds.filter(pl.col("end") > begin)
        .select("ticker", "as_of", position=pl.int_ranges(begin, "end"))
        .sort("ticker", "as_of")
        .explode("position")
    )
    found = ordered.drop("end", *by)[pairs["position"]]
    return pairs.drop("position").hstack(found)
