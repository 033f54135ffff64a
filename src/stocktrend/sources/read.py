"""From a feed's file to a batch, with the reader of its kind."""

from pathlib import Path

from stocktrend.config import (
    BarsFile,
    EventsFile,
    ExecutiveOrdersFile,
    FomcFile,
    FredMdFile,
    GdpEstimatesFile,
    IndexFile,
    MembershipFile,
    NewsFile,
    SeriesFile,
)
from stocktrend.sources.bars import read_bars
from stocktrend.sources.batch import Batch
from stocktrend.sources.clock import Clock
from stocktrend.sources.events import read_events
from stocktrend.sources.executive_orders import read_executive_orders
from stocktrend.sources.fomc import read_fomc
from stocktrend.sources.fred_md import read_fred_md
from stocktrend.sources.gdp import read_gdp
from stocktrend.sources.membership import read_membership
from stocktrend.sources.news import read_news
from stocktrend.sources.plan import CALENDAR, Feed
from stocktrend.sources.series import read_series


def read_file(feed: Feed, path: Path, shown: str, clock: Clock, exchange: str) -> Batch:
    """Read one file of a feed.

    Args:
        feed: The source that the file belongs to.
        path: The file.
        shown: The path as reports show it.
        clock: Applies release rules; its root is the data root.
        exchange: Whose sessions count.

    Raises:
        SourceError: the file is unreadable or not in the layout of its source.
        ConfigError: a setting of the source is wrong.
    """
    name = feed.name
    match feed.setting:
        case BarsFile() as setting:
            return read_bars(path, setting, name, shown, exchange)
        case NewsFile() as setting:
            return read_news(path, setting, name, shown, exchange)
        case SeriesFile() | IndexFile() as setting:
            calendar = CALENDAR if CALENDAR in feed.calendars else None
            return read_series(path, setting, name, shown, clock, calendar)
        case FredMdFile() as setting:
            return read_fred_md(path, setting, name, shown, clock)
        case GdpEstimatesFile() as setting:
            return read_gdp(path, setting, name, shown)
        case FomcFile() as setting:
            return read_fomc(path, setting, name, shown)
        case ExecutiveOrdersFile() as setting:
            return read_executive_orders(path, setting, name, shown)
        case EventsFile() as setting:
            return read_events(path, setting, name, shown)
        case MembershipFile() as setting:
            return read_membership(path, setting, name, shown)
