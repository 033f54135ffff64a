"""Look-ahead put into the pipeline on purpose, for the audit to find; prints nothing.

Each leak is a feature of a user's own or a step in place of production's. Beside the leaky
features stand honest ones of the same make, which must not be named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import polars as pl

import stocktrend as st
from stocktrend.auditing import AuditReport, Steps, Trained
from stocktrend.config import Settings
from stocktrend.dataset.scaling import Scaler
from stocktrend.dataset.splits import time_split
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.lake import Records, Tables
from stocktrend.panel import build_panel
from stocktrend.recipe import Recipe
from stocktrend.sessions import sessions

NEW_YORK = "America/New_York"
WEEK, YEAR = timedelta(days=7), timedelta(days=400)


@dataclass(frozen=True)
class Leak:
    """A planted leak.

    Attributes:
        name: In words.
        what: What the audit has to name: a feature, rows, or a part of the training.
        source: The table, or the step, that it has to name as the cause.
        feature: The leaky feature, where it is one.
        steps: Production's steps to those with the leak, where it is one of them.
        training: Whether it shows in the training inputs.
    """

    name: str
    what: str
    source: str
    feature: st.Feature | None = None
    steps: Callable[[Steps], Steps] | None = None
    training: bool = False


# --- features ----------------------------------------------------------------------------------


def by_session(rows: pl.DataFrame, bars: pl.DataFrame, value: pl.Expr) -> pl.Series:
    """An expression over each ticker's bars, at the rows' sessions."""
    newest = bars.unique(["ticker", "session"], keep="first", maintain_order=True)
    values = newest.sort("ticker", "session").select("ticker", "session", value=value)
    found = rows.join(values, on=["ticker", "session"], how="left", maintain_order="left")
    return found["value"]


@st.feature(inputs=("bars",), window=YEAR)
def centred_window(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    mean = pl.col("adj_close").rolling_mean(5, center=True).over("ticker")
    return by_session(rows, bars, pl.col("adj_close") / mean)


@st.feature(inputs=("bars",), window=YEAR)
def trailing_window(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    """Honest, but for the last bits that a running sum keeps: five shifts."""
    mean = sum(pl.col("adj_close").shift(n).over("ticker") for n in range(5)) / 5
    return by_session(rows, bars, pl.col("adj_close") / mean)


@st.feature(inputs=("bars",), window=YEAR)
def full_sample_scale(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    day = (pl.col("adj_close") / pl.col("adj_close").shift(1)).log()
    return by_session(rows, bars, (day / day.std()).over("ticker"))


@st.feature(inputs=("macro",), window=YEAR, tower="context")
def latest_revision(rows: pl.DataFrame, macro: pl.DataFrame) -> pl.Series:
    """The newest period known, but in the version of today."""
    values = macro.filter(pl.col("series") == "UNRATE").sort("known_at")
    first = values.group_by("period").agg(pl.col("known_at").first(), pl.col("value").last())
    return asof(rows, first)


@st.feature(inputs=("macro",), window=YEAR, tower="context")
def latest_vintage(rows: pl.DataFrame, macro: pl.DataFrame) -> pl.Series:
    """Honest: the value that became known last."""
    values = macro.filter(pl.col("series") == "UNRATE", pl.col("period") > pl.date(1900, 1, 1))
    return asof(rows, values.select("known_at", "period", "value"))


def asof(rows: pl.DataFrame, values: pl.DataFrame) -> pl.Series:
    """The newest value by ``known_at`` at each row."""
    found = (
        rows.with_row_index("row")
        .sort("as_of")
        .join_asof(values.sort("known_at", "period"), left_on="as_of", right_on="known_at")
        .sort("row")
    )
    return found["value"]


def counted(rows: pl.DataFrame, items: pl.DataFrame, near: pl.Expr) -> pl.Series:
    """How many items of its ticker each row has, of those that ``near`` lets pass."""
    pairs = rows.select("ticker", "as_of", "session").join(items, on="ticker").filter(near)
    counts = pairs.group_by("ticker", "as_of").agg(n=pl.len())
    found = rows.join(counts, on=["ticker", "as_of"], how="left", maintain_order="left")
    return found["n"].fill_null(0)


@st.feature(inputs=("news",), window=WEEK)
def news_by_date(rows: pl.DataFrame, news: pl.DataFrame) -> pl.Series:
    day = pl.col("known_at").dt.convert_time_zone(NEW_YORK).dt.date()
    return counted(rows, news, day == pl.col("session"))


@st.feature(inputs=("news",), window=WEEK)
def news_by_time(rows: pl.DataFrame, news: pl.DataFrame) -> pl.Series:
    """Honest: of the day, and known."""
    day = pl.col("known_at").dt.convert_time_zone(NEW_YORK).dt.date()
    return counted(rows, news, (day == pl.col("session")) & (pl.col("known_at") <= pl.col("as_of")))


@st.feature(inputs=("news",), window=WEEK)
def zone_slip(rows: pl.DataFrame, news: pl.DataFrame) -> pl.Series:
    """New York's wall clock taken for UTC: what comes hours later passes for known."""
    local = pl.col("known_at").dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    utc = pl.col("as_of").dt.replace_time_zone(None)
    return counted(rows, news, (local <= utc) & (local > utc - WEEK))


@st.feature(inputs=("bars",), window=YEAR)
def back_filled(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    change = (pl.col("adj_close") / pl.col("adj_close").shift(120)).log()
    return by_session(rows, bars, change.backward_fill().over("ticker"))


@st.feature(inputs=("bars",), window=YEAR)
def cross_ticker_shift(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    """The first bars of a ticker are compared with the last ones of the ticker before."""
    return by_session(rows, bars, (pl.col("adj_close") / pl.col("adj_close").shift(100)).log())


@st.feature(inputs=("bars",), window=YEAR)
def target_inside(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    later = pl.col("adj_close").shift(-5).over("ticker")
    return by_session(rows, bars, (later / pl.col("adj_close")).log())


@st.feature(inputs=("bars",), window=YEAR)
def price_level(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    return by_session(rows, bars, pl.col("adj_close").log())


@st.feature(inputs=("bars",), window=YEAR)
def all_time_high(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    return by_session(rows, bars, (pl.col("adj_close") / pl.col("adj_close").max()).over("ticker"))


@st.feature(inputs=("macro",), window=YEAR, tower="context")
def interpolated(rows: pl.DataFrame, macro: pl.DataFrame) -> pl.Series:
    """A monthly value drawn towards the next one, which is not known yet."""
    values = macro.filter(pl.col("series") == "PAYEMS").unique("period").sort("period")
    days = rows.select(period=pl.col("session")).unique().sort("period")
    line = pl.concat([values.select("period", "value"), days.with_columns(value=None)])
    line = line.unique("period", keep="first", maintain_order=True).sort("period")
    line = line.with_columns(pl.col("value").interpolate_by("period"))
    found = rows.join(line, left_on="session", right_on="period", how="left", maintain_order="left")
    return found["value"]


@st.feature(inputs=("news",), window=WEEK)
def last_repost(rows: pl.DataFrame, news: pl.DataFrame) -> pl.Series:
    """A text counts once, but its last time instead of its first."""
    last = news.sort("known_at").unique(["ticker", "text"], keep="last")
    age = pl.col("as_of") - pl.col("known_at")
    return counted(rows, last, (age >= timedelta(0)) & (age < WEEK))


@st.feature(inputs=("bars",), window=YEAR)
def corrected_bars(rows: pl.DataFrame, bars: pl.DataFrame) -> pl.Series:
    """The newest version of each bar, whenever it was corrected."""
    newest = bars.sort("known_at").unique(["ticker", "session"], keep="last")
    return by_session(rows, newest, (pl.col("high") / pl.col("low")).log())


@st.feature(inputs=("universe",), window=YEAR)
def member_since(rows: pl.DataFrame, universe: pl.DataFrame) -> pl.Series:
    """Membership from its day on, though it was announced later."""
    changes = universe.sort("known_at").unique(["ticker", "day"], keep="last").sort("day")
    found = (
        rows.with_row_index("row")
        .sort("session")
        .join_asof(changes, left_on="session", right_on="day", by="ticker", check_sortedness=False)
        .sort("row")
    )
    return found["member"].cast(pl.Float64)


HONEST = (trailing_window, latest_vintage, news_by_time)


# --- steps -------------------------------------------------------------------------------------


def earlier_decision(records: Records, settings: Settings, panel: Any) -> pl.DataFrame:
    """Decisions at the open that use the day's close."""
    rows = panel(records, settings)
    opens = sessions(settings.exchange).select(pl.col("close").alias("as_of"), "open")
    return (
        rows.join(opens, on="as_of", how="left", maintain_order="left")
        .with_columns(as_of=pl.col("open"), timestamp=pl.col("open"))
        .drop("open")
    )


def survivors(records: Records, settings: Settings, panel: Any) -> pl.DataFrame:
    """Only tickers whose bars reach the end of the data."""
    last = records.history("bars").group_by("ticker").agg(pl.col("session").max())
    alive = last.filter(pl.col("session") > pl.col("session").max() - pl.duration(days=10))
    return panel(records, settings).join(alive, on="ticker", how="semi", maintain_order="left")


def backdated_universe(records: Records, settings: Settings, panel: Any) -> pl.DataFrame:
    """Membership counts from its day on, whenever it was announced."""
    tables = Tables.of(records)
    changes = tables.tables["universe"].with_columns(known_at="event_time")
    changes = changes.unique(["ticker", "day", "known_at"], keep="last", maintain_order=True)
    return panel(replace(tables, tables={**tables.tables, "universe": changes}), settings)


def with_target(records: Records, settings: Settings, panel: Any) -> pl.DataFrame:
    """A column that is the target under another name."""
    return panel(records, settings).with_columns(insight=pl.col("target_7d"))


def not_purged(panel: pl.DataFrame, split: Any, horizons: Sequence[int]) -> pl.DataFrame:
    """A split whose labels reach across its boundaries."""
    labels = [name for h in horizons for name in (f"return_{h}d", f"target_{h}d")]
    return time_split(panel, split, horizons).with_columns(panel.select(labels))


def scaler_of_all(panel: pl.DataFrame, kind: Any, inputs: Any) -> Scaler:
    """A scaler that was fitted on test rows too."""
    return Scaler.fit(panel, kind, inputs)


def calibrated_on_test(predictions: pl.DataFrame, horizons: Sequence[int]) -> Calibrator:
    """A calibration that was fitted on validation and test rows."""
    held_out = pl.col("split").replace("test", "validation")
    return Calibrator.fit(predictions.with_columns(split=held_out), horizons)


def in_panel(change: Callable[..., pl.DataFrame]) -> Callable[[Steps], Steps]:
    """Steps with a changed panel step."""
    return lambda steps: replace(steps, panel=partial(change, panel=steps.panel))


CLASSIC = (
    Leak("centred window", "centred_window", "bars", centred_window),
    Leak("full-sample scaler, in a feature", "full_sample_scale", "bars", full_sample_scale),
    Leak(
        "full-sample scaler, in training",
        "train scaler",
        "scaler",
        steps=lambda steps: replace(steps, scaler=scaler_of_all),
        training=True,
    ),
    Leak("revised macro values", "latest_revision", "macro", latest_revision),
    Leak("news joined by date", "news_by_date", "news", news_by_date),
    Leak(
        "same-day close for an earlier decision",
        "stock_close",
        "bars",
        steps=in_panel(earlier_decision),
    ),
    Leak(
        "label window across the split",
        "train target_7d",
        "split",
        steps=lambda steps: replace(steps, split=not_purged),
        training=True,
    ),
    Leak("survivorship filter", "rows", "bars", steps=in_panel(survivors)),
    Leak("later-known membership", "member_since", "universe", member_since),
    Leak("back-filled gaps", "back_filled", "bars", back_filled),
    Leak("target among the features", "insight", "bars", steps=in_panel(with_target)),
    Leak("cross-ticker shift", "cross_ticker_shift", "bars of other tickers", cross_ticker_shift),
    Leak("time-zone slip", "zone_slip", "news", zone_slip),
)
SUBTLER = (
    Leak("price level", "price_level", "splits and dividends", price_level),
    Leak("share of the all-time high", "all_time_high", "bars", all_time_high),
    Leak("tomorrow's return in a feature", "target_inside", "bars", target_inside),
    Leak("macro values interpolated", "interpolated", "macro", interpolated),
    Leak("the last repost counts", "last_repost", "news", last_repost),
    Leak("backdated universe", "rows", "universe", steps=in_panel(backdated_universe)),
    Leak("corrected bars", "corrected_bars", "bars", corrected_bars),
    Leak(
        "calibration on test rows",
        "validation calibration",
        "calibration",
        steps=lambda steps: replace(steps, calibrator=calibrated_on_test),
        training=True,
    ),
)


def leaky_market(records: Records, begins: date, ends: date) -> Tables:
    """A simulated market's records with all that leaks need to show.

    Each monthly macro value has a revision, known some weeks after it; the bars of the fourth
    ticker begin late, those of the sixth end early; of the news every fourth item is left, since
    scoring texts would take half of the time.
    """
    tables = dict(Tables.of(records).tables)
    macro = tables["macro"]
    monthly = macro.filter(pl.col("series").is_in(["UNRATE", "PAYEMS", "INDPRO"]))
    again = monthly.with_columns(
        known_at=pl.col("known_at") + pl.duration(days=33), value=pl.col("value") * 1.01
    )
    bars = tables["bars"]
    names = bars["ticker"].unique().sort()
    day, ticker = pl.col("session"), pl.col("ticker")
    late, gone = (ticker == names[3]) & (day < begins), (ticker == names[5]) & (day > ends)
    tables["macro"] = pl.concat([macro, again])
    tables["bars"] = bars.filter(~late & ~gone)
    tables["news"] = tables["news"].gather_every(4)
    return Tables(tables, records.quarantine())


def with_features(leaks: Sequence[Leak]) -> Steps:
    """Production's steps, with the leaky features and the honest ones beside them."""
    own = [*HONEST, *(leak.feature for leak in leaks if leak.feature is not None)]
    return Steps(panel=partial(build_panel, features=own))


def toy_training(panel: pl.DataFrame, settings: Settings) -> Trained:
    """A training without a network: last week's return stands for the scores."""
    split = time_split(panel, settings.split, settings.horizons)
    score = pl.col("stock_return_5d").fill_null(0.0).tanh()
    scores = [score.alias(f"score_{h}d") for h in settings.horizons]
    predictions = split.select("ticker", "as_of", "split", *scores)
    return Trained("toy", Recipe(calibrate=True), panel, predictions)


def found(leak: Leak, report: AuditReport) -> bool:
    """Whether an audit named a leak, for the right reason."""
    return any((f.what, f.source) == (leak.what, leak.source) for f in report.findings)
