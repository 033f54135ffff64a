"""Who was in the universe when, as known then, and how much of it the prices cover.

A panel without it takes every ticker that has prices. Where those were picked later, past dates
lack the companies that have failed or been left out since: survivorship bias.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Self

import polars as pl

from stocktrend.lake import Lake
from stocktrend.sessions import start_of_day

MEANING: Final = (
    "if these were picked later, past dates lack the ones that failed or were left out since, and "
    "skill looks better than it was"
)
NO_UNIVERSE: Final = (
    f"survivorship: the lake does not say who was in the universe when, so every date has all "
    f"tickers with prices; {MEANING}. To mend it, put membership.csv with ticker, start_date, "
    f"end_date into raw/universe/"
)
UNKNOWN: Final = (
    f"survivorship: this run was made from a panel alone, which does not say how its tickers were "
    f"chosen; {MEANING}. To be sure, train on a data root with raw/universe/membership.csv"
)
MOST_NAMES: Final = 8
MANY_MEMBER_YEARS: Final = 100.0
"""Over so many an index that replaces one in twenty-five a year keeps all with a chance of 2%."""


def among_members(rows: pl.DataFrame, history: pl.DataFrame) -> pl.DataFrame:
    """The rows whose ticker was a member at their ``as_of``, as known then.

    Of the changes known by then and of days begun by then, the newest version of the newest day
    decides; a ticker without one is no member.

    Args:
        rows: ``ticker``, ``as_of`` (UTC) and any further columns.
        history: Every version of the lake's ``universe``.

    Returns:
        A part of ``rows``, in their order.
    """
    versions = history.sort("ticker", "day", "known_at").with_row_index("_rank")
    begun = pl.max_horizontal("known_at", start_of_day(pl.col("day")))
    states = (
        versions.select("ticker", begun.alias("_begun"), "_rank")
        .sort("_begun", "_rank")
        .with_columns(pl.col("_rank").cum_max().over("ticker"))
        .join(versions.select("_rank", "member"), on="_rank", maintain_order="left")
    )
    return (
        rows.with_row_index("_row")
        .sort("as_of")
        .join_asof(
            states.select("ticker", "_begun", pl.col("member").alias("_member")),
            left_on="as_of",
            right_on="_begun",
            by="ticker",
            check_sortedness=False,
        )
        .filter(pl.col("_member"))
        .sort("_row")
        .select(rows.columns)
    )


@dataclass(frozen=True)
class Outside:
    """Tickers that no date of any panel can have.

    Attributes:
        priced: Tickers with prices.
        never: Those of them that were never members.
        refused: Those of ``never`` of which rows of the universe's files were refused.
    """

    priced: int = 0
    never: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @classmethod
    def of(cls, lake: Lake, tickers: Sequence[str] | None = None) -> Self:
        """Compare the prices of a lake with its universe.

        Args:
            lake: With a universe.
            tickers: These only.
        """
        priced = lake.spans("bars")["ticker"].unique().sort()
        if tickers is not None:
            priced = priced.filter(priced.is_in(list(tickers)))
        joined = lake.history("universe").filter("member")["ticker"].unique()
        never = priced.filter(~priced.is_in(joined.to_list()))
        bad = lake.quarantine().filter(pl.col("table") == "universe")["ticker"].unique()
        refused = never.filter(never.is_in(bad.to_list()))
        return cls(len(priced), tuple(never), tuple(refused))

    @property
    def warnings(self) -> tuple[str, ...]:
        """Who is left out, and the remedy."""
        if not self.never:
            return ()
        told = (
            f"universe: {len(self.never):,} of {self.priced:,} tickers with prices are never in "
            f"the universe, so nothing has rows of them: {_some(self.never)}"
        )
        if self.refused:
            told += (
                f"; of {len(self.refused):,} of them rows were refused: {_some(self.refused)}. To "
                f"mend it, write these in raw/universe/ as the quarantine's reasons say (dates as "
                f"YYYY-MM-DD) and ingest again"
            )
        else:
            told += ". If they belong to it, add them to raw/universe/ and ingest again"
        return (told,)


@dataclass(frozen=True)
class Universe:
    """How much of the universe a panel holds.

    Attributes:
        tickers: Tickers that were members on at least one date of the panel.
        unpriced: Those of them without any bar in the lake.
        share: Rows of the panel over members, summed over its dates.
        newest: The panel's last date.
        members: Members on it; ``rows`` of them have a row.
        member_years: Members of a date, on average, times the years between the first and the last.
        outside: Tickers with prices that are never members.
    """

    tickers: int
    unpriced: tuple[str, ...]
    share: float
    newest: date
    members: int
    rows: int
    member_years: float
    outside: Outside = Outside()

    @classmethod
    def of(
        cls, lake: Lake, panel: pl.DataFrame, tickers: Sequence[str] | None = None
    ) -> Self | None:
        """Compare a panel with the universe of its lake; None where it has none.

        Args:
            lake: That the panel was made from.
            panel: ``ticker`` and ``as_of``.
            tickers: The panel was to have these only.
        """
        history = lake.history("universe", tickers)
        if lake.read("universe").is_empty():
            return None
        dates = panel.select("as_of").unique()
        members = among_members(history.select("ticker").unique().join(dates, how="cross"), history)
        names = members["ticker"].unique().sort()
        newest = pl.col("as_of") == dates["as_of"].max()
        day = dates["as_of"].dt.convert_time_zone("America/New_York").dt.date().max()
        assert isinstance(day, date)
        days = dates.select((pl.col("as_of").max() - pl.col("as_of").min()).dt.total_days()).item()
        years = days / 365.25
        return cls(
            tickers=len(names),
            unpriced=tuple(names.filter(~names.is_in(lake.spans("bars")["ticker"].implode()))),
            share=panel.height / members.height,
            newest=day,
            members=members.filter(newest).height,
            rows=panel.filter(newest).height,
            member_years=members.height / dates.height * years,
            outside=Outside.of(lake, tickers),
        )

    @property
    def sentence(self) -> str:
        """The universe in words."""
        return (
            f"universe: {self.tickers:,} tickers were members on the panel's dates; of the "
            f"{self.members:,} members on {self.newest}, {self.rows:,} have a row, of the members "
            f"of all dates {self.share:.1%}"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """That tickers, members or prices of members are missing, and what it means."""
        found = [*self.outside.warnings]
        if self.tickers == self.members and self.member_years >= MANY_MEMBER_YEARS:
            found.append(
                f"survivorship: none of the {self.members:,} members ever left. A list of today's "
                f"members with their first days leaves out those that failed, and without them "
                f"skill looks better than it was. To mend it, add those that left to raw/universe/ "
                f"with their end_date"
            )
        if self.unpriced:
            found.append(self._unpriced())
        return tuple(found)

    def _unpriced(self) -> str:
        return (
            f"survivorship: {len(self.unpriced):,} of {self.tickers:,} members have no prices at "
            f"all ({_some(self.unpriced)}); those that failed are often among them, and "
            f"without them skill looks better than it was. To mend it, put their prices "
            f"into raw/prices/"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"newest": self.newest.isoformat()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """What ``to_dict`` returned, also from JSON."""
        changed = {
            "unpriced": tuple(content["unpriced"]),
            "newest": date.fromisoformat(content["newest"]),
            "outside": _outside(content.get("outside", {})),  # older runs have none
        }
        return cls(**{**content, **changed})


def _outside(content: Mapping[str, Any]) -> Outside:
    names = {key: tuple(content.get(key, ())) for key in ("never", "refused")}
    return Outside(priced=content.get("priced", 0), **names)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def survivorship(universe: Universe | None) -> tuple[str, ...]:
    """What a reader of any figure from a lake must know of its universe; empty where nothing."""
    return (NO_UNIVERSE,) if universe is None else universe.warnings
