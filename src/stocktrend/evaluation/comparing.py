"""Two models on the rows that both were tested on, paired by date."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from stocktrend.errors import DataError
from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, block_length
from stocktrend.evaluation.metrics import (
    METRICS,
    Metrics,
    Outcomes,
    rankable,
    replicate_metrics,
)
from stocktrend.evaluation.results import outcome_of
from stocktrend.evaluation.rows import Tables
from stocktrend.evaluation.verdict import METRIC_WORDS, decimals, in_days, interval

NEITHER_BETTER: Final = frozenset({"coverage", "width"})
"""More of it is not better, nor is less."""

_KEYS = ("ticker", "as_of")


@dataclass(frozen=True)
class HorizonDifference:
    """Two models at one horizon.

    Attributes:
        horizon: Days.
        rows: Test rows that both have, with a known target.
        dates: Their distinct dates.
        first: First of the dates, ISO; None without rows.
        last: Last of the dates.
        block: Length of a bootstrap block in dates.
        judged_by: The metric that decides: ``rank_ic`` or ``correlation``.
        one: Figures of the first model on these rows.
        other: Those of the second.
        difference: The first against the second on the same dates: positive favours the first,
            whatever the metric. Not defined for coverage and width.
        verdict: One sentence.
    """

    horizon: int
    rows: int
    dates: int
    first: str | None
    last: str | None
    block: int
    judged_by: str
    one: Metrics
    other: Metrics
    difference: Metrics
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_predictions(
    one: pl.DataFrame,
    other: pl.DataFrame,
    outcomes: pl.DataFrame,
    horizons: Sequence[int],
    *,
    seed: int,
) -> dict[int, HorizonDifference]:
    """Compare the test rows that two models have in common.

    Args:
        one: ``ticker``, ``as_of`` and, per horizon, ``score_{h}d``; where they are there also
            ``raw_{h}d`` (orders the stocks), probabilities and intervals. Test rows alone.
        other: The same of the second model.
        outcomes: ``ticker``, ``as_of`` and ``target_{h}d``, null where unknown.
        horizons: Days.
        seed: Of the bootstrap.

    Raises:
        DataError: the two have no row in common.
    """
    shared = one.select(_KEYS).join(other.select(_KEYS), on=_KEYS).join(outcomes, on=_KEYS)
    if shared.is_empty():
        raise DataError(
            "two models can be compared on dates that both were tested on, however these have none "
            f"in common: {_span(one)} and {_span(other)}. Test them on the same dates"
        )
    parts = {"one": one, "other": other}
    table = pl.concat(
        [part.with_columns(pl.lit(name).alias("model")) for name, part in parts.items()],
        how="diagonal_relaxed",
    )
    tables = Tables.match(table, shared.select(outcomes.columns), horizons)
    return {h: _compare(tables, h, seed) for h in horizons}


def _compare(tables: Tables, horizon: int, seed: int) -> HorizonDifference:
    sample = tables.sample(horizon)
    days = sample.rows["as_of"].unique().sort()
    block = block_length(days.to_numpy(), horizon)
    judged_by = "rank_ic" if days.is_empty() or rankable(sample.rows["as_of"]) else "correlation"
    found = {"one": Metrics.undefined(), "other": Metrics.undefined()}
    difference = Metrics.undefined()
    if len(days):
        bootstrap = DateBootstrap.of(days.to_numpy(), horizon, seed=seed)
        truth = Outcomes.of(sample.floats(f"target_{horizon}d"), sample.dates)
        both = {
            name: replicate_metrics(said, truth, bootstrap) for name, said in sample.said.items()
        }
        found = {name: replicates.metrics() for name, replicates in both.items()}
        difference = Metrics.undefined(
            **{
                metric: both["one"].better_than(both["other"], metric)
                for metric in METRICS
                if metric not in NEITHER_BETTER
            }
        )
    return HorizonDifference(
        horizon=horizon,
        rows=len(sample.rows),
        dates=len(days),
        first=str(days[0])[:10] if len(days) else None,
        last=str(days[-1])[:10] if len(days) else None,
        block=block,
        judged_by=judged_by,
        one=found["one"],
        other=found["other"],
        difference=difference,
        verdict=_verdict(horizon, judged_by, getattr(difference, judged_by), len(days)),
    )


def _verdict(horizon: int, judged_by: str, difference: Estimate, dates: int) -> str:
    at = f"At {in_days(horizon)}"
    if difference.value is None:
        return f"{at} the two cannot be compared: no known outcome tells them apart."
    figure = f"{difference.value:+.{decimals(judged_by)}f} {METRIC_WORDS[judged_by]}"
    over = f"{interval(difference, judged_by)} over {dates} dates they share"
    return {
        "better": f"{at} the first is better by {figure} {over}.",
        "worse": f"{at} the second is better: {figure} {over}.",
        "unclear": f"{at} no evidence that one is better: {figure} {over}.",
        "undefined": f"{at} too few dates to tell: {figure} over {dates}.",
    }[outcome_of(difference)]


def _span(rows: pl.DataFrame) -> str:
    days = rows["as_of"].cast(pl.Date).sort()
    if days.is_empty():
        return "none"
    return f"{days[0]} to {days[-1]}, {rows['ticker'].n_unique()} tickers"
