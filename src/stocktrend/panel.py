"""The panel: one row a (ticker, as_of) with its features, targets and when each label is known.

1. The grid gives the decision times (``as_of``); a row exists where a ticker has a bar on the
   grid's session and at least 60 bars of history and, where the records have a universe, was in
   it, as known then.
2. Stock features come from the bars as they were known at each ``as_of``: where bars were revised
   later, the rows before the revision are computed on the history without it.
3. Policy and macro features are computed once a date, news features once a row; each picks the
   records with ``known_at <= as_of`` itself, as a user's own features have to.
4. Labels come last and from the newest version of the bars; ``label_known_at`` says when.
"""

import difflib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend.catalog import FEATURES
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError, NoRowsError
from stocktrend.features.macro import macro_features
from stocktrend.features.news import news_features
from stocktrend.features.news_periods import news_periods
from stocktrend.features.own import Feature, own_features
from stocktrend.features.own_files import load_features, require_loaded
from stocktrend.features.policy import policy_features
from stocktrend.features.stock import stock_features
from stocktrend.features.text import TextScorer, load_scorer
from stocktrend.features.text.chosen import require_scorer
from stocktrend.ingestion import ingest
from stocktrend.lake import Lake, Records
from stocktrend.lake.order import newest
from stocktrend.lake.withheld import REASON as WITHHELD
from stocktrend.progress import Progress, silent
from stocktrend.sessions import as_of_grid, sessions
from stocktrend.settings import load_settings
from stocktrend.sources.batch import PLAIN_RULES
from stocktrend.targets import add_labels, label_columns, outcome_columns
from stocktrend.universe import among_members

MIN_BARS = 60
PRICES_AND_VOLUME = ("open", "high", "low", "close", "adj_close", "volume")
NOT_POSITIVE = PLAIN_RULES["prices_are_positive"]


def build_panel(
    records: Records,
    settings: Settings,
    *,
    start: date | None = None,
    end: date | None = None,
    tickers: Sequence[str] | None = None,
    known_by: datetime | None = None,
    week_end: date | None = None,
    features: Sequence[Feature] = (),
    scorer: TextScorer | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Compute the panel from records.

    Args:
        records: A lake, or tables in memory.
        settings: Exchange, frequency, horizons, tickers and the period; see ``config.Settings``.
        start, end: First and last day of the rows; default: the settings', else all.
        tickers: Rows of these only; default: the settings', else all.
        known_by: Pretend that it is this moment: records known later are not read at all.
        week_end: Weekly rows are of weeks that end on the weekday of this day, not on Sundays.
        features: A user's own, from ``load_features`` where the settings name files of them.
        scorer: Of news; from ``load_scorer`` where the settings name a model, else the lexicon.

    Returns:
        ``ticker, as_of, timestamp, close``, the 87 features in catalogue order, the own ones and,
        per horizon, ``return_7d, target_7d, label_known_at_7d, return_7d_next_open,
        return_7d_next_close``; sorted by as_of and ticker. Float64, null where undefined.

    Raises:
        DataError: there are no bars, a ticker is unknown, no row is left, or an own feature fails.
        ConfigError: own features or a scorer that the settings name are not given, or two own
            features have one name.
    """
    require_loaded(settings, features)
    scorer = require_scorer(settings, scorer)
    versions = _history(records, "bars", known_by)
    names = _check_tickers(versions, tickers or settings.tickers)
    if names is not None:
        versions = versions.filter(pl.col("ticker").is_in(names))
    grid = as_of_grid(
        settings.frequency,
        start or settings.start,
        end or settings.end,
        settings.exchange,
        week_end,
    )
    progress("stock features", 0, None, "bars")
    breaks = restarts(records, settings.exchange)
    stocks = _stock_rows(versions, grid, settings.exchange, breaks)
    progress("stock features", versions.height, versions.height, "bars")
    if stocks.is_empty():
        raise NoRowsError(_no_rows(versions, start or settings.start, end or settings.end))
    stocks = _members(stocks, records, known_by)
    panel = _with_context(stocks, grid, records, settings, known_by, scorer, progress)
    if features:
        progress("own features", 0, len(features), "features")
        own = own_features(features, stocks, lambda table: _history(records, table, known_by))
        panel = panel.join(own, on=["ticker", "as_of"], how="left", maintain_order="left")
        progress("own features", len(features), len(features), "features")
    panel = add_labels(panel, newest("bars", versions), settings.horizons, breaks)
    labels = [
        name
        for horizon in settings.horizons
        for name in dict.fromkeys((*label_columns(horizon), *outcome_columns(horizon)))
    ]
    names = [*FEATURES, *(own.name for own in features), *labels]
    return panel.select(
        "ticker", "as_of", pl.col("as_of").alias("timestamp"), "close", *names
    ).sort("as_of", "ticker")


def _history(records: Records, table: str, known_by: datetime | None) -> pl.DataFrame:
    frame = records.history(table)
    return frame if known_by is None else frame.filter(pl.col("known_at") <= known_by)


def _check_tickers(bars: pl.DataFrame, tickers: Sequence[str] | None) -> Sequence[str] | None:
    if bars.is_empty():
        raise NoRowsError(
            "the lake must hold bars, however it has none known by then. Put price files into "
            "raw/prices/ and run `stocktrend ingest`"
        )
    if tickers is None:
        return None
    known = bars["ticker"].unique().sort().to_list()
    problems = []
    for ticker in tickers:
        if ticker not in known:
            hint = did_you_mean(ticker, known) or f"known: {_some(known)}"
            problems.append(f"tickers must be in the lake, however {ticker!r} is not: {hint}")
    if problems:
        raise DataError("\n".join(problems))
    return tickers


def did_you_mean(ticker: str, known: Sequence[str]) -> str:
    """Up to three tickers spelled much like it, as a question; empty where there are none.

    >>> did_you_mean("aapl", ["AAPL", "MSFT"])
    'did you mean AAPL?'
    """
    close = difflib.get_close_matches(ticker.upper(), known, n=3)
    return f"did you mean {', '.join(close)}?" if close else ""


def _some(names: Sequence[str], limit: int = 8) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _no_rows(bars: pl.DataFrame, start: date | None, end: date | None) -> str:
    days = pl.col("session")
    first, last = bars.select(days.min().alias("first"), days.max().alias("last")).row(0)
    return (
        f"the panel must have a row, however no ticker has {MIN_BARS} bars of history between "
        f"{start or 'the beginning'} and {end or 'the end'}: the bars run from {first} to {last}. "
        "Choose other dates or add older bars"
    )


def _members(stocks: pl.DataFrame, records: Records, known_by: datetime | None) -> pl.DataFrame:
    """The rows of those that were in the universe; all rows where the records have none.

    A universe that nobody knew of by ``known_by`` has no member then: a row is there or not
    whatever became known after it.
    """
    if records.history("universe").is_empty():
        return stocks
    rows = among_members(stocks, _history(records, "universe", known_by))
    if rows.is_empty():
        days = stocks["as_of"].dt.strftime("%Y-%m-%d").unique().sort()
        raise NoRowsError(
            f"the panel must have a row, however no ticker with prices was in the universe "
            f"between {days[0]} and {days[-1]}. Choose other dates, write the tickers of "
            "raw/universe/ as those of raw/prices/ are, or set `universe: []` under sources"
        )
    return rows


def restarts(records: Records, exchange: str) -> pl.DataFrame:
    """Sessions at which history restarts: a price was not above 0, or the bar is withheld."""
    reason = pl.col("reason")
    refused = records.quarantine().filter(
        pl.col("table") == "bars",
        reason.str.contains(NOT_POSITIVE, literal=True) | reason.str.starts_with(WITHHELD),
    )
    days = sessions(exchange).select("session")
    return refused.select("ticker", "session").drop_nulls().unique().join(days, on="session")


def _stock_rows(
    versions: pl.DataFrame, grid: pl.DataFrame, exchange: str, breaks: pl.DataFrame
) -> pl.DataFrame:
    """Stock features of every grid session, each from the bars known at its ``as_of``."""
    late = versions.filter(pl.col("known_at") > pl.col("event_time"))
    revised = late["ticker"].unique()
    on_time = versions.filter(~pl.col("ticker").is_in(revised.to_list()))
    parts = [_features(on_time, grid, exchange, breaks)] if on_time.height else []
    affected = versions.filter(pl.col("ticker").is_in(revised.to_list()))
    cuts: list[datetime | None] = [None, *late["known_at"].unique().sort().to_list(), None]
    for begin, finish in pairwise(cuts):
        rows = grid
        if begin is not None:
            rows = rows.filter(pl.col("as_of") >= begin)
        if finish is not None:
            rows = rows.filter(pl.col("as_of") < finish)
        if affected.is_empty() or rows.is_empty():
            continue
        seen = pl.col("known_at") <= pl.col("event_time")
        if begin is not None:
            seen = seen | (pl.col("known_at") <= begin)
        view = newest("bars", affected.filter(seen))
        if view.height:
            parts.append(_features(view, rows, exchange, breaks))
    if not parts:
        return pl.DataFrame()
    return pl.concat(parts).filter(pl.col("n_bars") >= MIN_BARS)


def _features(
    bars: pl.DataFrame, grid: pl.DataFrame, exchange: str, breaks: pl.DataFrame
) -> pl.DataFrame:
    keep = grid.select("session")
    breaks = breaks.join(bars, on="ticker", how="semi").join(
        bars, on=["ticker", "session"], how="anti"
    )
    if breaks.height:
        nothing = [pl.lit(0.0).alias(name) for name in PRICES_AND_VOLUME]
        bars = pl.concat(
            [bars.select("ticker", "session", *PRICES_AND_VOLUME), breaks.with_columns(nothing)]
        )
    return stock_features(bars, keep=keep, exchange=exchange).join(
        grid.select("session", "as_of", "previous_as_of"), on="session", how="inner"
    )


def _with_context(
    stocks: pl.DataFrame,
    grid: pl.DataFrame,
    records: Records,
    settings: Settings,
    known_by: datetime | None,
    scorer: TextScorer,
    progress: Progress,
) -> pl.DataFrame:
    dates = grid.join(stocks.select("as_of").unique(), on="as_of", how="semi").sort("as_of")
    observations = _history(records, "macro", known_by)
    progress("macro features", 0, None, "dates")
    macro = macro_features(observations, dates)
    policy = policy_features(_history(records, "policy", known_by), observations, dates)
    progress("macro features", dates.height, dates.height, "dates")
    items = _history(records, "news", known_by)
    news = news_features(
        items,
        stocks.select("ticker", "as_of", "previous_as_of"),
        scorer=scorer,
        periods=news_periods(items, settings.sources.news or ()),
        progress=progress,
    )
    return (
        stocks.join(news, on=["ticker", "as_of"], how="left", maintain_order="left")
        .join(policy, on="as_of", how="left", maintain_order="left")
        .join(macro, on="as_of", how="left", maintain_order="left")
    )


class UnifiedTrainingDataProcessor:
    """From a data root's raw files to the training frame, in one object.

    Args:
        config: ``data_root`` (a folder) and, if wanted, any setting of ``config.Settings`` by
            name. Settings not given come from the environment and ``<data_root>/stocktrend.yaml``.

    Raises:
        ConfigError: ``data_root`` is missing, or a setting is wrong.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        if "data_root" not in config:
            raise ConfigError(
                f"the configuration must name data_root, however it has {sorted(config)}: pass "
                "{'data_root': 'folder'}, the folder that holds raw/"
            )
        self.data_root = Path(config["data_root"]).expanduser()
        overrides = {name: value for name, value in config.items() if name != "data_root"}
        self.settings = load_settings(
            self.data_root, overrides=overrides, environ=os.environ
        ).settings

    def generate_training_data(
        self,
        start_date: date | str | None = None,
        end_date: date | str | None = None,
        tickers: Sequence[str] | None = None,
        *,
        retrieved_at: datetime | None = None,
        progress: Progress = silent,
    ) -> pl.DataFrame:
        """Ingest the raw files that the lake has not seen, then compute the panel.

        Args:
            start_date, end_date: First and last day of the rows, as dates or ``YYYY-MM-DD``.
            tickers: Rows of these only.
            retrieved_at: When the raw files were retrieved; dates revisions. Default: now.

        Returns:
            The panel of ``build_panel``.
        """
        ingest(
            self.data_root,
            self.settings,
            retrieved_at=retrieved_at or datetime.now(UTC),
            progress=progress,
        )
        return build_panel(
            Lake(self.data_root / "lake"),
            self.settings,
            start=_day(start_date),
            end=_day(end_date),
            tickers=tickers,
            features=load_features(self.settings, self.data_root),
            scorer=load_scorer(self.settings, self.data_root),
            progress=progress,
        )


def _day(value: date | str | None) -> date | None:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ConfigError(f"dates must be written YYYY-MM-DD, however: {value!r}") from error
