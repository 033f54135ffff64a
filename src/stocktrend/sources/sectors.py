"""Which sector each ticker is counted to in reports.

A file of sectors knows today's classification alone: companies move between sectors, and sectors
are split and renamed. So a sector says in which group a past figure is shown; it is no record with
a time of its own, no row of features reads it, and nothing is trained on it.
"""

from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.sources.fields import plain_name, symbol, text
from stocktrend.sources.files import read_rows

COLUMNS: Final = ("ticker", "sector")
_SHOWN: Final = 5


def read_sectors(path: Path) -> pl.DataFrame:
    """Read a file of sectors.

    Args:
        path: CSV or Parquet with ``ticker`` and ``sector``, in any order and case.

    Returns:
        ``ticker, sector``, sorted by ticker; rows without either are left out.

    Raises:
        SourceError: the file is unreadable, lacks a column, or gives a ticker two sectors.
    """
    raw = read_rows(path).frame
    names = {plain_name(name): name for name in reversed(raw.columns)}
    if missing := [name for name in COLUMNS if name not in names]:
        raise SourceError(
            f"A file of sectors must have the columns {' and '.join(COLUMNS)}, however {path} "
            f"lacks {' and '.join(missing)}: it has {raw.drop('row').columns[:_SHOWN]}. Rename its "
            "columns"
        )
    rows = raw.select(
        symbol(names["ticker"]).alias("ticker"), text(raw, names["sector"]).alias("sector")
    )
    found = rows.drop_nulls().unique().sort("ticker", "sector")
    twice = found.filter(pl.col("ticker").is_duplicated())
    if twice.height:
        listed = twice.group_by("ticker", maintain_order=True).agg("sector").rows()
        shown = "; ".join(
            f"{ticker} {' and '.join(sectors)}" for ticker, sectors in listed[:_SHOWN]
        )
        more = f"; and {len(listed) - _SHOWN} more tickers" if len(listed) > _SHOWN else ""
        raise SourceError(
            f"A ticker must have one sector, however in {path}: {shown}{more}. Keep one row of each"
        )
    return found
