"""What happens to honest records and runs is no finding and no error."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from leaks import toy_training
from stocktrend.auditing import Steps, Stored, examine
from stocktrend.auditing.features import Audited
from stocktrend.auditing.sample import Sample
from stocktrend.auditing.stored import audit_stored
from stocktrend.auditing.training import Training
from stocktrend.catalog import OURS
from stocktrend.config import Settings
from stocktrend.dataset.scaling import training_scaler
from stocktrend.dataset.splits import time_split
from stocktrend.lake import Tables
from stocktrend.panel import build_panel
from stocktrend.recipe import Recipe
from stocktrend.sessions import as_of_grid

LATER = pl.lit(datetime(2017, 6, 1, 20, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
"""After training and validation."""


def mended(bars: pl.DataFrame) -> pl.DataFrame:
    """A session of the training period as the vendor told it anew."""
    again = bars.filter(pl.col("session") == date(2016, 10, 14))
    prices = pl.col("open", "high", "low", "close", "adj_close") * 1.01
    return pl.concat([bars, again.with_columns(prices, known_at=LATER)])


def delivered_late(bars: pl.DataFrame) -> pl.DataFrame:
    """A bar that nobody had on its day."""
    it = (pl.col("ticker") == bars["ticker"].min()) & (pl.col("session") == date(2016, 10, 13))
    return bars.with_columns(known_at=pl.when(it).then(LATER).otherwise("known_at"))


@pytest.mark.parametrize("told", [mended, delivered_late])
def test_a_bar_that_is_told_after_training_accuses_nobody(
    told: object, records: Tables, chosen: Settings
) -> None:
    assert callable(told)
    bars = told(records.tables["bars"])
    market = replace(records, tables={**records.tables, "bars": bars})
    trained = toy_training(build_panel(market, chosen), chosen)
    report = examine(market, chosen, trained=trained, samples=8, seed=1)
    assert report.findings == ()


def test_a_ticker_that_began_after_a_test_date_is_no_error(
    records: Tables, chosen: Settings
) -> None:
    bars = records.tables["bars"]
    names = bars["ticker"].unique().sort().to_list()
    young = (pl.col("ticker") == names[1]) & (pl.col("session") < date(2017, 6, 29))
    market = replace(records, tables={**records.tables, "bars": bars.filter(~young)})
    settings = chosen.model_copy(update={"tickers": tuple(names)})
    panel = build_panel(market, settings)
    toy = toy_training(panel, settings)
    split = time_split(panel, settings.split, settings.horizons)
    targets = [f"target_{h}d" for h in settings.horizons]

    def shown(rows: pl.DataFrame) -> pl.DataFrame:
        score = pl.col("stock_return_5d").fill_null(0.0).tanh()
        scores = [score.alias(f"score_{h}d") for h in settings.horizons]
        return rows.select("ticker", "as_of", *scores)

    training = Training(settings, Recipe(), OURS, Steps(), toy.ends, toy.predictions, seed=0)
    kept = toy.predictions.hstack(split.select(targets))
    stored = Stored(training_scaler(split, Recipe().features), None, kept, shown, shown)
    assert audit_stored(training, stored, panel, market) == []
    wrong = replace(stored, show=lambda rows: shown(rows).with_columns(score_7d=pl.lit(0.5)))
    found = audit_stored(training, wrong, panel, market)
    assert {finding.what for finding in found} == {"scores score_7d"}


@pytest.mark.parametrize("exchange", ["XNYS", "XTKS", "XASX", "XNZE"])
def test_every_sampled_date_has_its_moment_on_any_exchange(exchange: str, records: Tables) -> None:
    settings = Settings(exchange=exchange, start=date(2016, 1, 1), end=date(2016, 12, 31))
    grid = as_of_grid(settings.frequency, settings.start, settings.end, exchange)
    sample = Sample((), dict.fromkeys(grid["session"], "all"), pl.DataFrame())
    panel = grid.select("as_of").head(20)
    audited = Audited(records, settings, Steps(), panel, (), seed=0)
    assert audited.moments(sample) == grid["as_of"].to_list()
