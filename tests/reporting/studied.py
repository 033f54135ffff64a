"""A study of six contenders over three folds, made of planted scores in seconds."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from stocktrend.evaluation.folds import Dates, Fold
from stocktrend.evaluation.results import Evaluation
from stocktrend.evaluation.significance import Attempt
from stocktrend.evaluation.study import judge
from stocktrend.reporting import ReportContents

HORIZONS = (7, 30)
CONTENDERS = ("dual_tower", "constant", "ridge", "lightgbm", "shuffled_context", "blend")
HOSTILE = "<b>Energy & co</b>"


@dataclass(frozen=True)
class Made:
    """The tables of a study and their judgement."""

    predictions: pl.DataFrame
    outcomes: pl.DataFrame
    evaluation: Evaluation
    folds: tuple[Fold, ...]


def make_study(dates: int = 120, tickers: int = 20, seed: int = 3) -> Made:
    """Targets of noise and signal; each contender sees the signal through its own noise."""
    rng = np.random.default_rng(seed)
    rows = dates * tickers
    first = datetime(2015, 1, 2, 21, tzinfo=UTC)
    weeks = pl.Series([first + timedelta(weeks=week) for week in range(dates)])
    keys = pl.DataFrame(
        {
            "ticker": np.tile([f"T{i:02d}" for i in range(tickers)], dates),
            "as_of": weeks.gather(np.repeat(np.arange(dates), tickers)),
            "fold": np.repeat(np.arange(dates) * 3 // dates + 1, tickers).astype(np.int32),
        }
    )
    signal = rng.normal(size=rows)
    wild = np.tile(np.linspace(0.5, 1.5, tickers), dates)
    gains = {h: 0.02 * (0.4 * signal + wild * rng.normal(size=rows)) for h in HORIZONS}
    outcomes = keys.drop("fold").with_columns(
        *(pl.Series(f"target_{h}d", np.tanh(10 * gains[h])) for h in HORIZONS),
        *(
            pl.Series(name, gains[h] - delay * signal * 0.002)
            for h in HORIZONS
            for delay, name in enumerate(
                (f"return_{h}d", f"return_{h}d_next_open", f"return_{h}d_next_close")
            )
        ),
        volatility_bucket=pl.Series(
            np.tile(np.arange(tickers) * 3 // tickers, dates)
        ).replace_strict([0, 1, 2], ["low", "middle", "high"]),
        size_bucket=pl.lit(None, pl.String),
        sector=pl.when(pl.col("ticker") < "T10").then(pl.lit(HOSTILE)).otherwise(pl.lit("Banks")),
        vix=pl.Series(np.repeat(rng.uniform(10, 30, dates), tickers)),
    )
    parts = []
    for number, name in enumerate(CONTENDERS):
        raw = np.zeros(rows) if name == "constant" else signal + number * rng.normal(size=rows)
        score = np.tanh(0.05 * raw)
        said = {"raw": raw, "score": score, "pos_prob": 0.5 + score, "low": score - 0.4 * wild}
        said |= {"high": score + 0.4 * wild, "spread": wild + 0.1 * rng.uniform(size=rows)}
        parts.append(
            keys.with_columns(
                pl.lit(name).alias("model"),
                *(pl.Series(f"{kind}_{h}d", v) for h in HORIZONS for kind, v in said.items()),
            )
        )
    predictions = pl.concat(parts)
    days = weeks.dt.date()
    folds = tuple(
        Fold(
            n + 1,
            Dates(date(2010, 1, 1), days[n * dates // 3]),
            Dates(date(2014, 1, 3), date(2014, 12, 26)),
            Dates(days[n * dates // 3], days[(n + 1) * dates // 3 - 1]),
        )
        for n in range(3)
    )
    evaluation = judge(
        predictions, outcomes, HORIZONS, seed=1, attempt=Attempt("this study", "0123456789ab")
    )
    return Made(predictions, outcomes, evaluation, folds)


def study_contents(made: Made) -> ReportContents:
    """What ``st.report`` makes of a study of a panel alone."""
    return ReportContents(
        created=datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
        title="2017-04-14-cross_sectional-0123456789ab",
        horizons=HORIZONS,
        predictions=pl.DataFrame(),
        latest=pl.DataFrame(),
        panel=pl.DataFrame(),
        evaluation=made.evaluation,
        settings={"seed": 1, "walk_forward": {"every": "1y"}},
        versions={"stocktrend": "0.1.0"},
        warnings=("the universe holds no company that failed",),
        tested=made.predictions,
        outcomes=made.outcomes,
        folds=made.folds,
        candidates={"ridge": 6, "dual_tower": 1},
    )
