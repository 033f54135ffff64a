"""How often intervals hold the truth, how often useless variants pass for skill, and the cost.

Run: ``python benchmarks/judgement.py [--trials 400] [--tickers 500] [--dates 340]``. First: scores
that know nothing beside returns with a market and a style, weekly, 20 stocks; per metric the share
of 95% intervals that hold what the metric is then, which is known. ``persistence`` is that of
market and style from week to week. Second: the share of p-values of at most 2.5% for the best of
variants without any skill. Third: processor time to judge 13 contenders at 7 and 30 days.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from scipy.stats import norm

from stocktrend.evaluation.bootstrap import DateBootstrap, Floats
from stocktrend.evaluation.metrics import Outcomes, replicate_metrics
from stocktrend.evaluation.rows import Dates, Said
from stocktrend.evaluation.significance import LEVEL, superior_ability
from stocktrend.evaluation.study import judge

FIRST = datetime(2012, 1, 6, 21, tzinfo=UTC)
CASES = ((30, 7, 0.0), (60, 7, 0.0), (60, 7, 0.3), (30, 30, 0.0), (60, 30, 0.0), (150, 30, 0.0))
"""Dates, horizon, persistence."""

STOCKS = 20
OF_NOTHING = {
    "rank_ic": 0.0,
    "icir": 0.0,
    "correlation": 0.0,
    "demeaned_correlation": 0.0,
    "mcc": 0.0,
    "direction_gain": 0.0,
    "direction_accuracy": 0.5,
    "median_accuracy": 0.5,
    "calibration_error": 0.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--tickers", type=int, default=500)
    parser.add_argument("--dates", type=int, default=340)
    asked = parser.parse_args()
    columns = [coverage(*case, asked.trials) for case in CASES]
    print(f"{'dates, horizon, persistence':<28}" + "".join(f"{c!s:>14}" for c in CASES))
    for name in OF_NOTHING:
        print(f"{name:<28}" + "".join(f"{column[name]:>14.3f}" for column in columns))
    print(f"\n{'variants':<28}" + "".join(f"{count:>14}" for count in (1, 5, 20)))
    for dates, horizon in ((60, 7), (30, 30), (60, 30), (150, 30)):
        sizes = [size(dates, horizon, count, asked.trials) for count in (1, 5, 20)]
        print(f"{f'{dates} dates, {horizon} days':<28}" + "".join(f"{s:>14.3f}" for s in sizes))
    rows = asked.tickers * asked.dates
    seconds = cost(asked.tickers, asked.dates)
    print(f"\n{rows:,} rows, 13 contenders, 3 entries, 2 horizons: {seconds:.1f} CPU seconds")


def weeks(count: int) -> list[datetime]:
    """Fridays, after the close."""
    return [FIRST + timedelta(weeks=week) for week in range(count)]


def bootstrap_of(dates: int, horizon: int) -> DateBootstrap:
    """Replicates of as many weeks."""
    return DateBootstrap.of(pl.Series(weeks(dates)).to_numpy(), horizon, seed=0)


def persistent(shocks: Floats, persistence: float) -> Floats:
    """An AR(1) in the first dimension."""
    values = np.zeros_like(shocks)
    for date in range(1, len(shocks)):
        values[date] = persistence * values[date - 1] + shocks[date]
    return values


def coverage(dates: int, horizon: int, persistence: float, trials: int) -> dict[str, float]:
    """Per metric, the share of intervals that hold its value for a score that knows nothing."""
    bootstrap, span = bootstrap_of(dates, horizon), -(-horizon // 7)
    of_row = Dates(np.repeat(np.arange(dates), STOCKS), dates)
    tilt = norm.ppf((np.arange(STOCKS) + 0.5) / STOCKS)
    held = dict.fromkeys(OF_NOTHING, 0)
    for seed in range(trials):
        generator = np.random.default_rng(seed)
        count = dates + span + 20
        market, style = persistent(generator.normal(size=(count, 2)) * 0.02, persistence).T
        own = generator.normal(size=(count, STOCKS)) * 0.03
        price = np.cumsum(market[:, None] + style[:, None] * tilt + own, axis=0)[20:]
        slow = persistent(generator.normal(size=(count, STOCKS)) * np.sqrt(0.19), 0.9)[20:]
        target = np.tanh(10 * (price[span:] - price[:-span])).ravel()
        score = (0.05 * (slow + tilt))[:dates].ravel()
        nothing = np.full(len(score), np.nan)
        said = Said(score, score, 0.5 + 1e-7 * score, nothing, nothing)
        found = replicate_metrics(said, Outcomes.of(target, of_row), bootstrap).metrics()
        for name, truth in OF_NOTHING.items():
            estimate = getattr(found, name)
            held[name] += estimate.low - 1e-6 <= truth <= estimate.high
    return {name: count / trials for name, count in held.items()}


def size(dates: int, horizon: int, variants: int, trials: int) -> float:
    """Share of p-values that claim skill where there is none; half of the variance is shared."""
    bootstrap, span = bootstrap_of(dates, horizon), -(-horizon // 7)
    generator, claims = np.random.default_rng(variants), 0
    for _ in range(trials):
        shocks = generator.normal(size=(dates + span, variants))
        total = np.cumsum(shocks + generator.normal(size=(dates + span, 1)), axis=0)
        claims += superior_ability(total[span:] - total[:-span], bootstrap) <= LEVEL
    return claims / trials


def cost(tickers: int, dates: int) -> float:
    """Processor seconds of one judgement of 13 contenders with all that a study gives."""
    generator, rows = np.random.default_rng(0), tickers * dates
    keys = pl.DataFrame(
        {
            "ticker": [f"T{number:04}" for number in range(tickers)] * dates,
            "as_of": np.repeat(pl.Series(weeks(dates)).to_numpy(), tickers),
        }
    )
    outcomes = keys
    for horizon in (7, 30):
        gain = generator.normal(size=rows) * 0.03
        outcomes = outcomes.with_columns(
            pl.Series(f"target_{horizon}d", np.tanh(10 * gain)),
            *(
                pl.Series(f"return_{horizon}d{entry}", gain)
                for entry in ("", "_next_open", "_next_close")
            ),
        )
    tables = []
    for number in range(13):
        table = keys.select(pl.lit(f"model {number:02}").alias("model"), pl.all())
        for horizon in (7, 30):
            raw = generator.normal(size=rows) * 0.1
            columns = {"raw": raw, "score": np.tanh(raw), "pos_prob": norm.cdf(raw)}
            columns |= {"low": raw - 0.4, "high": raw + 0.4}
            table = table.with_columns(
                pl.Series(f"{name}_{horizon}d", values) for name, values in columns.items()
            )
        tables.append(table)
    predictions = pl.concat(tables)
    begin = time.process_time()
    judge(predictions, outcomes, (7, 30), seed=0, main="model 00")
    return time.process_time() - begin


if __name__ == "__main__":
    main()
