"""One horizon of the judgement.

The rows with a known target and a score of every contender, the metrics of all on them, and one set
of bootstrap replicates of their dates, so that every difference is paired by date; the same again
for those who buy at the next open or the next close.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate
from stocktrend.evaluation.buckets import BucketSkill, bucket_skills
from stocktrend.evaluation.coverage import coverages
from stocktrend.evaluation.deciles import deciles
from stocktrend.evaluation.metrics import (
    Metrics,
    Outcomes,
    Replicates,
    rank_ics,
    rankable,
    replicate_metrics,
)
from stocktrend.evaluation.portfolio import Portfolio, portfolios
from stocktrend.evaluation.results import (
    MAIN,
    Comparison,
    EntryEvaluation,
    HorizonEvaluation,
    outcome_of,
)
from stocktrend.evaluation.rows import Dates, Said, Sample
from stocktrend.evaluation.signals import DIRECTION_ONLY
from stocktrend.evaluation.significance import Attempt, Tried, tried
from stocktrend.evaluation.verdict import comparison_sentence, horizon_verdict
from stocktrend.targets import ENTRIES, TARGET_SCALE, entry_return

LATER_ENTRIES = ENTRIES[1:]

REFERENCE = "lightgbm"
"""What the best of all variants tried is held against, beside chance."""

_OWN_METRIC = {"constant": "mse", "always_up": "direction_accuracy"}
"""Controls that rank nothing are compared by what they do say."""

_ORDER = (
    *("constant", "always_up", "momentum", "reversal", "ridge", "lightgbm", "mlp"),
    *("stock_tower", "context_tower", "additive", "shuffled_context", "blend"),
)

PAIRS = (("blend", "lightgbm"), ("blend", MAIN), ("additive", "stock_tower"))
"""Compared beside the main model and its controls, where both are there."""


@dataclass(frozen=True)
class Field:
    """All contenders on one set of targets, the main model first."""

    horizon: int
    judged_by: str
    replicates: Mapping[str, Replicates]

    @classmethod
    def of(
        cls,
        horizon: int,
        judged_by: str,
        said: Mapping[str, Said],
        truth: Outcomes,
        bootstrap: DateBootstrap,
    ) -> Self:
        found = {name: replicate_metrics(one, truth, bootstrap) for name, one in said.items()}
        return cls(horizon, judged_by, found)

    @property
    def main(self) -> Replicates:
        return next(iter(self.replicates.values()))

    @property
    def skill(self) -> Estimate:
        """The judging metric of the main model."""
        return self.main.estimate(self.judged_by)

    def figures(self) -> tuple[Metrics, dict[str, Metrics]]:
        """The main model's metrics, and those of the others by name."""
        (_, main), *others = (
            (name, _applicable(name, found)) for name, found in self.replicates.items()
        )
        return main, dict(others)

    def against_all(self) -> tuple[Comparison, ...]:
        """The main model against each of the others."""
        main, *others = self.replicates
        return tuple(self._compare(main, other, named=False) for other in others)

    def against_each_other(self) -> tuple[Comparison, ...]:
        """The ``PAIRS`` of contenders, as far as they are there."""
        there = self.replicates.keys()
        return tuple(
            self._compare(one, other, named=True) for one, other in PAIRS if {one, other} <= there
        )

    def _compare(self, one: str, other: str, *, named: bool) -> Comparison:
        metric = _OWN_METRIC.get(other, self.judged_by)
        difference = self.replicates[one].better_than(self.replicates[other], metric)
        sentence = comparison_sentence(
            other, metric, difference, self.horizon, contender=one if named else None
        )
        return Comparison(other, metric, difference, sentence, one)


def judge_horizon(
    sample: Sample,
    horizon: int,
    *,
    main: str,
    costs_bp: float,
    attempt: Attempt | None,
    seed: int,
) -> HorizonEvaluation:
    """All that is found at one horizon; see ``judge``."""
    order = [main, *sorted(sample.said.keys() - {main}, key=_place)]
    sample = Sample(sample.rows, {name: sample.said[name] for name in order})
    days = sample.rows["as_of"].unique().sort()
    if days.is_empty():
        return _without_rows(horizon, order)
    judged_by = "rank_ic" if rankable(sample.rows["as_of"]) else "correlation"
    bootstrap = DateBootstrap.of(days.to_numpy(), horizon, seed=seed)
    truth = Outcomes.of(sample.floats(f"target_{horizon}d"), sample.dates)
    field = Field.of(horizon, judged_by, sample.said, truth, bootstrap)
    model, controls = field.figures()
    found = HorizonEvaluation(
        horizon=horizon,
        rows=len(sample.rows),
        dates=len(days),
        first=str(days[0])[:10],
        last=str(days[-1])[:10],
        block=bootstrap.block,
        judged_by=judged_by,
        model=model,
        controls=controls,
        comparisons=field.against_all(),
        deciles=deciles(sample.said[main].score, truth.target, truth.dates, bootstrap),
        skill=outcome_of(field.skill),
        verdict="",
        pairs=field.against_each_other(),
        entries=_entries(sample, field, bootstrap),
        reliability={
            name: one.reliability
            for name, one in field.replicates.items()
            if one.reliability is not None and name not in DIRECTION_ONLY
        },
        portfolios=_portfolios(sample, horizon, costs_bp, seed),
        coverage=coverages(sample, horizon),
        buckets=_buckets(sample, horizon, main, seed),
        rank_ics=_by_date(sample.said[main], truth, days),
        tried=_tried(sample, truth, days, attempt, horizon, bootstrap, seed),
    )
    return replace(found, verdict=horizon_verdict(found))


def _without_rows(horizon: int, order: Sequence[str]) -> HorizonEvaluation:
    controls = order[1:]
    nothing = HorizonEvaluation(
        horizon=horizon,
        rows=0,
        dates=0,
        first=None,
        last=None,
        block=0,
        judged_by="rank_ic",
        model=Metrics.undefined(),
        controls=dict.fromkeys(controls, Metrics.undefined()),
        comparisons=(),
        deciles=(),
        skill="undefined",
        verdict="",
    )
    return replace(nothing, verdict=horizon_verdict(nothing))


def _entries(
    sample: Sample, at_close: Field, bootstrap: DateBootstrap
) -> dict[str, EntryEvaluation]:
    """The same contenders on the returns from each later entry, as far as they are known."""
    found, dates = {}, sample.dates
    for entry in LATER_ENTRIES:
        returns = sample.floats(entry_return(at_close.horizon, entry))
        known = np.isfinite(returns)
        if not known.any():
            continue
        target = np.tanh(TARGET_SCALE * returns[known])
        truth = Outcomes.of(target, Dates(dates.of_row[known], dates.count))
        said = {name: one.at(known) for name, one in sample.said.items()}
        field = Field.of(at_close.horizon, at_close.judged_by, said, truth, bootstrap)
        model, controls = field.figures()
        change = field.main.better_than(at_close.main, field.judged_by)
        found[entry] = EntryEvaluation(
            entry=entry,
            rows=int(known.sum()),
            model=model,
            controls=controls,
            comparisons=field.against_all(),
            change=change,
            skill=outcome_of(field.skill),
        )
    return found


def _tried(
    sample: Sample,
    truth: Outcomes,
    days: pl.Series,
    attempt: Attempt | None,
    horizon: int,
    bootstrap: DateBootstrap,
    seed: int,
) -> Tried | None:
    """What all tries leave of the skill; None where none is logged."""
    if attempt is None:
        return None
    own = _by_date(next(iter(sample.said.values())), truth, days)
    reference = None
    if REFERENCE in sample.said and next(iter(sample.said)) != REFERENCE:
        reference = (REFERENCE, _by_date(sample.said[REFERENCE], truth, days))
    return tried(attempt, horizon, own, bootstrap, reference=reference, seed=seed)


def _by_date(said: Said, truth: Outcomes, days: pl.Series) -> dict[str, float]:
    """Rank IC by ISO time, without dates on which it is not defined."""
    values = rank_ics(said.raw, truth).tolist()
    return {str(day): ic for day, ic in zip(days, values, strict=True) if np.isfinite(ic)}


def _portfolios(
    sample: Sample, horizon: int, costs_bp: float, seed: int
) -> dict[str, tuple[Portfolio, ...]]:
    """The book of every contender that ranks."""
    return {
        name: portfolios(
            sample.rows.with_columns(score=said.raw), horizon, seed=seed, costs_bp=costs_bp
        )
        for name, said in sample.said.items()
        if name not in _OWN_METRIC
    }


def _buckets(
    sample: Sample, horizon: int, main: str, seed: int
) -> dict[str, tuple[BucketSkill, ...]]:
    """Skill by group of the main model and of the control that it is held against."""
    control = next((name for name in (REFERENCE, "ridge") if name in sample.said), main)
    scores = {name: sample.said[name].raw for name in dict.fromkeys((main, control))}
    rows = sample.rows.with_columns(pl.Series(name, raw) for name, raw in scores.items())
    return bucket_skills(rows, horizon, scores=list(scores), seed=seed)


def _applicable(name: str, found: Replicates) -> Metrics:
    """A control that says nothing about size is judged by its direction alone."""
    figures = found.metrics()
    if name not in DIRECTION_ONLY:
        return figures
    return Metrics.undefined(
        direction_accuracy=figures.direction_accuracy,
        direction_gain=figures.direction_gain,
        f1=figures.f1,
    )


def _place(name: str) -> tuple[int, str]:
    """Known contenders in their order, others after them by name."""
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), name
