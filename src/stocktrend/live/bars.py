"""Daily bars of a vendor: what it is asked for, and the sessions that have closed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, from_the_future, shown
from stocktrend.live.http import NothingError
from stocktrend.live.source import Window
from stocktrend.sessions import sessions
from stocktrend.sources.bars import bars_of
from stocktrend.sources.batch import Batch
from stocktrend.sources.fields import day
from stocktrend.sources.files import Rows

OVERLAP: Final = 10
"""Days asked for again: a vendor corrects a bar within days, and a basis shows in any of them."""


@dataclass(frozen=True)
class AskedBars:
    """What was asked of a vendor.

    Attributes:
        ticker: As the lake spells it.
        source: Name of the configured source, stored with each record.
        window: When it was asked, and from when on bars are wanted.
        exchange: Whose sessions are valid days.
    """

    ticker: str
    source: str
    window: Window
    exchange: str = "XNYS"

    @property
    def path(self) -> str:
        """Where its bars are from, as reports show it."""
        return f"{self.source}:{self.ticker}"

    def spans(self) -> tuple[tuple[date, date | None], ...]:
        """Those of ``Window.years`` in which, or before whose end, a session has closed."""
        table = sessions(self.exchange)
        closed = table.filter(pl.col("close") <= self.window.now)["session"]
        last = closed.max()
        return tuple(
            span for span in self.window.years() if isinstance(last, date) and span[0] <= last
        )

    def nothing(self, said: str = "there is none") -> NothingError:
        """The error of an answer without bars."""
        return NothingError(
            f"{self.source} must have bars of {self.ticker} from {self.window.since} on, however "
            f"{said}. Check the ticker (renamed, delisted?), or name a vendor that has it in "
            f"`sources: prices` of stocktrend.yaml"
        )


def closed_bars(rows: Rows, columns: Mapping[str, str], asked: AskedBars) -> Batch:
    """Bars of the sessions that were asked for and had closed then.

    The bar of a session that is still open is unfinished. It is left out, as those are from before
    the first day that was asked for, and notes count both.

    Args:
        rows: What the vendor gave.
        columns: Our names of a bar's columns -> those of ``rows``.
        asked: What was asked.

    Raises:
        NothingError: there is no bar at all.
    """
    now = asked.window.now
    table = sessions(asked.exchange).select("session", "close")
    open_still = pl.col("close").is_between(now, now + timedelta(days=1), closed="right")
    first = asked.window.years()[0][0]
    days = rows.frame.select("row", day(rows.frame, columns["session"]).alias("session"))
    unfinished = days.join(table, on="session").filter(open_still)
    before = days.filter(pl.col("session") < first)
    out = pl.concat([unfinished["row"], before["row"]]).to_list()
    finished = rows.frame.filter(~pl.col("row").is_in(out))
    if finished.is_empty() and not rows.broken:
        raise asked.nothing(
            f"there are none but {unfinished.height} of a session still open and {before.height} "
            f"from before {first}"
        )
    batch = bars_of(
        Rows(finished, rows.broken),
        columns,
        pl.lit(asked.ticker),
        asked.source,
        asked.path,
        asked.exchange,
        reasons=[from_the_future(now)],
    )
    return batch.with_notes(
        {
            "bars of unfinished sessions, left out": unfinished.height,
            "bars from before the first day asked for, left out": before.height,
        }
    )


def refuse_other_days(
    days: Sequence[object], span: tuple[date, date | None], asked: AskedBars
) -> None:
    """Refuse an answer to another question: the bars of this one would be missing unseen.

    Args:
        days: Of the bars of an answer, as they came: they begin with YYYY-MM-DD.
        span: First and last day that were asked for.
        asked: What was asked.

    Raises:
        SourceError: none of the days lies within.
    """
    first, last = (str(day or date.max) for day in span)
    if days and not any(first <= str(day)[:10] <= last for day in days):
        raise SourceError(
            f"{asked.path} must answer with bars from {first} on, to {last}, however none is of "
            f"these days, and the first is of {shown(days[0])}. {LATER}"
        )


def share_class(ticker: str) -> str:
    """A ticker of the US with its class after a hyphen, as most vendors write it.

    Others stay as they are: the end of VOD.L is an exchange.

    >>> share_class("BRK.B"), share_class("BF-B"), share_class("VOD.L")
    ('BRK-B', 'BF-B', 'VOD.L')
    """
    return re.sub(r"^([A-Z]{1,5})\.([A-C])$", r"\1-\2", ticker)


def us_symbol(asked: AskedBars) -> str:
    """The hyphenated ticker, for a vendor of US shares.

    Raises:
        NothingError: it is none of the US.
    """
    symbol = share_class(asked.ticker)
    if not re.fullmatch(r"[A-Z0-9]{1,9}(-[A-Z0-9]{1,4})?", symbol):
        raise NothingError(
            f"A ticker for {asked.source} must be one of the US, of letters, digits and a hyphen, "
            f"however: {asked.ticker}. Name a vendor that has it, such as yfinance, in `sources: "
            f"prices` of stocktrend.yaml, or set `tickers` of {asked.source}"
        )
    return symbol


def lacks(asked: AskedBars, missing: list[str], found: list[str]) -> SourceError:
    """The error of an answer whose columns are others than they were."""
    return SourceError(
        f"Bars of {asked.path} must have the columns {', '.join(missing)}, however they have "
        f"{', '.join(found)[:200]}. {LATER}"
    )
