"""The order for a simulated market: what was asked for, and what is wrong with it."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, get_args

from stocktrend.errors import ConfigError
from stocktrend.sources.market.response import Market

FIRST_START: Final = date(1966, 1, 1)
LAST_END: Final = date(2034, 6, 30)
MOST_TICKERS: Final = 100_000
FORM: Final = 3
"""Of the simulation: raised when the same order no longer gives the same files."""


@dataclass(frozen=True)
class Order:
    """What was asked for: the same order gives the same files, byte for byte."""

    market: Market
    tickers: int
    start: date
    end: date
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        dates = {"start": self.start.isoformat(), "end": self.end.isoformat()}
        return asdict(self) | dates | {"form": FORM}

    def problems(self) -> list[str]:
        """What is out of range."""
        problems = []
        if self.market not in get_args(Market):
            problems.append(
                f"market must be one of {', '.join(get_args(Market))}, however: {self.market!r}. "
                f"Take realistic where in doubt"
            )
        if not 1 <= self.tickers <= MOST_TICKERS:
            problems.append(
                f"tickers must be 1 to {MOST_TICKERS:,}, however: {self.tickers}. Take 40 for a try"
            )
        if self.seed < 0:
            problems.append(f"seed must be 0 or more, however: {self.seed}. Take 0")
        if self.start < FIRST_START or self.end > LAST_END:
            problems.append(
                f"dates must be from {FIRST_START} to {LAST_END}, where the exchange's calendar is "
                f"known, however: {self.start} to {self.end}. Choose dates within"
            )
        if (self.end - self.start).days < 14:
            problems.append(
                f"end must be at least 14 days after start, however: {self.start} to {self.end}. "
                f"Features need a year of history: take three years or more"
            )
        return problems


def parse_dates(start: date | str, end: date | str) -> tuple[date, date]:
    """Both dates, from dates or ISO texts.

    Raises:
        ConfigError: a text is not a date; both problems at once.
    """
    dates, problems = [], []
    for name, value in (("start", start), ("end", end)):
        try:
            dates.append(date.fromisoformat(value) if isinstance(value, str) else value)
        except ValueError:
            problems.append(
                f"{name} must be a date like 2014-01-31, however: {value!r}. Write year-month-day"
            )
    if problems:
        raise ConfigError(problems)
    return dates[0], dates[1]
