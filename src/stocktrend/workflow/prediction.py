"""Scores of one date, from the records known then."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.config import Settings
from stocktrend.errors import DataError, LakeError
from stocktrend.features.text import load_scorer
from stocktrend.lake import Lake
from stocktrend.panel import build_panel as compute_panel
from stocktrend.panel import did_you_mean
from stocktrend.progress import Progress, silent
from stocktrend.sessions import as_of_grid
from stocktrend.universe import among_members
from stocktrend.workflow.forecast import score_columns
from stocktrend.workflow.places import lake_folder
from stocktrend.workflow.run import features_of, load_run

DAYS_BACK: Final = timedelta(days=14)
"""A newest session that less than half as many tickers have as another of these days is still
coming in, and not scored by itself."""


def predict(
    root: Path | str,
    *,
    as_of: date | None = None,
    tickers: Sequence[str] | None = None,
    run_id: str | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
) -> pl.DataFrame:
    """Score one date with a trained run, from the records known then and no others.

    Args:
        as_of: A session, with weekly rows also one within a week: its row is that of a week that
            ends on it. Default: the newest session that most tickers have bars of.
        tickers: These only; ranks are still taken within all rows of the date.
        run_id: Which run; default: the newest.
        now: Dates that have not come by then are not scored. Default: the bars decide.

    Returns:
        ``ticker, as_of, close``, scores, probabilities, intervals and calls, then the features and
        what is known of the labels: on a day of the panel its rows, bit for bit.

    Raises:
        DataError: the date has no rows, or a ticker is unknown then.
        ModelError: own features or the model that scores texts are not what they were in training.
    """
    folder = Path(root)
    run = load_run(folder, run_id)
    settings = run.settings.model_copy(update={"start": None, "end": None})
    lake = Lake(lake_folder(folder))
    day, moment, week_end = _decision(lake, settings, as_of, now)
    rows = compute_panel(
        lake,
        settings,
        start=day,
        end=day,
        known_by=moment,
        week_end=week_end,
        features=features_of(run, folder),
        scorer=load_scorer(settings, folder),
        progress=progress,
    )
    scores = run.predict(rows)
    chosen = score_columns(run.forecaster.horizons)
    out = rows.join(scores.select("ticker", "as_of", *chosen), on=["ticker", "as_of"])
    front = ["ticker", "as_of", "close", *chosen]
    out = out.select(*front, pl.exclude(front))
    if tickers is None:
        return out
    return _only(out, tickers, day, _left_out(lake, tickers, moment))


def _decision(
    lake: Lake, settings: Settings, as_of: date | None, now: datetime | None
) -> tuple[date, datetime, date | None]:
    """The session asked for, or the newest one; its close; itself where it ends no week."""
    bars = lake.read("bars", now).select("session")
    last = bars["session"].max()
    if not isinstance(last, date):
        raise LakeError("the lake must hold bars, however it is empty: run `stocktrend ingest`")
    counts = bars.filter(pl.col("session") > last - DAYS_BACK).group_by("session").len()
    whole = counts.filter(2 * pl.col("len") >= pl.col("len").max())["session"]
    days = as_of_grid("daily", None, last, settings.exchange)
    chosen = days.filter(pl.col("session") == (whole.max() if as_of is None else as_of))
    if chosen.is_empty():
        before = days.filter(pl.col("session") < as_of)["session"]
        nearest = f"the nearest before it is {before[-1]}" if len(before) else "none is before it"
        raise DataError(
            f"--as-of must be a session up to the last bar's, {last}, however: {as_of}; {nearest}"
        )
    day, moment, *_ = chosen.select("session", "as_of").row(0)
    usual = as_of_grid(settings.frequency, day, day, settings.exchange)
    return day, moment, day if usual.is_empty() else None


def _left_out(lake: Lake, tickers: Sequence[str], moment: datetime) -> set[str]:
    """The tickers that the lake knows and that were not in its universe then."""
    history = lake.history("universe")
    known = {*history["ticker"], *lake.spans("bars")["ticker"]}
    asked = pl.DataFrame({"ticker": [t for t in tickers if t in known]}, {"ticker": pl.String})
    if history.is_empty():
        return set()
    rows = asked.with_columns(pl.lit(moment).alias("as_of"))
    return set(rows["ticker"]) - set(among_members(rows, history)["ticker"])


def _only(
    rows: pl.DataFrame, tickers: Sequence[str], day: date, left_out: set[str]
) -> pl.DataFrame:
    if not tickers:
        raise DataError("tickers must name one or more, however: none. Leave them out for all")
    known = set(rows["ticker"])
    unknown = [ticker for ticker in tickers if ticker not in known]
    if unknown:
        raise DataError("\n".join(_no_row(ticker, known, day, left_out) for ticker in unknown))
    return rows.filter(pl.col("ticker").is_in(list(tickers)))


def _no_row(ticker: str, known: set[str], day: date, left_out: set[str]) -> str:
    if ticker in left_out:
        hint = "it was not in the universe then"
    else:
        hint = did_you_mean(ticker, sorted(known))
    reasons = "it is not in the lake, has no bar that day or fewer than 60 bars of history"
    return f"tickers must have a row on {day}, however {ticker!r} has none: {hint or reasons}"
