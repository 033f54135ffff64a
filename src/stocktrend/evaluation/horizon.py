"""One horizon of the judgement.

The rows with a known target and a score of every contender, the metrics of all on them, and one set
of bootstrap replicates of their dates, so that every difference is paired by date; the same again
for those who buy at the next open or the next close.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, block_length
from stocktrend.evaluation.buckets import BucketSkill, bucket_skills
from stocktrend.evaluation.controls import DIRECTION_ONLY
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
    Comparison,
    EntryEvaluation,
    HorizonEvaluation,
    outcome_of,
)
from stocktrend.evaluation.rows import Dates, Sample
from stocktrend.evaluation.significance import Trial, Tried, tried
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

Pairs = Sequence[tuple[str, str]]


def judge_horizon(
    sample: Sample,
    horizon: int,
    *,
    main: str,
    pairs: Pairs,
    trials: Sequence[Trial],
    seed: int,
) -> HorizonEvaluation:
    """All that is found at one horizon; see ``judge``."""
    order = [main, *sorted(sample.said.keys() - {main}, key=_place)]
    sample = Sample(sample.rows, {name: sample.said[name] for name in order})
    days = sample.rows["as_of"].unique().sort()
    moments = [str(day) for day in days]
    block = block_length(days.to_numpy(), horizon)
    dates = sample.dates
    judged_by = "rank_ic" if not moments or rankable(sample.rows["as_of"]) else "correlation"
    if not moments:
        return _without_rows(horizon, order, block, judged_by)
    bootstrap = DateBootstrap.of(days.to_numpy(), horizon, seed=seed)
    truth = Outcomes.of(sample.floats(f"target_{horizon}d"), dates)
    replicates = {
        name: replicate_metrics(said, truth, bootstrap) for name, said in sample.said.items()
    }
    figures = {name: _applicable(name, found) for name, found in replicates.items()}
    comparisons = _compare(replicates, [(main, name) for name in order[1:]], horizon, judged_by)
    entries = {
        entry: found
        for entry in LATER_ENTRIES
        if (found := _judge_entry(sample, horizon, entry, replicates, bootstrap, judged_by))
    }
    attempts = _tried(sample, truth, trials, horizon, moments, bootstrap, seed)
    skill: Estimate = getattr(figures[main], judged_by)
    return HorizonEvaluation(
        horizon=horizon,
        rows=len(sample.rows),
        dates=len(moments),
        first=moments[0][:10],
        last=moments[-1][:10],
        block=block,
        judged_by=judged_by,
        model=figures[main],
        controls={name: figures[name] for name in order[1:]},
        comparisons=comparisons,
        deciles=deciles(sample.said[main].score, truth.target, dates, bootstrap),
        skill=outcome_of(skill),
        verdict=horizon_verdict(
            horizon,
            judged_by,
            skill,
            comparisons,
            dates=len(moments),
            block=block,
            entries=entries,
            tried=attempts,
        ),
        pairs=_compare(
            replicates,
            [(one, other) for one, other in pairs if {one, other} <= replicates.keys()],
            horizon,
            judged_by,
            named=True,
        ),
        entries=entries,
        reliability={
            name: found.reliability
            for name, found in replicates.items()
            if found.reliability is not None and name not in DIRECTION_ONLY
        },
        portfolios=_portfolios(sample, horizon, seed),
        buckets=_buckets(sample, horizon, main, seed),
        tried=attempts,
    )


def _without_rows(
    horizon: int, order: Sequence[str], block: int, judged_by: str
) -> HorizonEvaluation:
    figures = dict.fromkeys(order, Metrics.undefined())
    nothing = Estimate(None)
    return HorizonEvaluation(
        horizon=horizon,
        rows=0,
        dates=0,
        first=None,
        last=None,
        block=block,
        judged_by=judged_by,
        model=figures.pop(order[0]),
        controls=figures,
        comparisons=(),
        deciles=(),
        skill="undefined",
        verdict=horizon_verdict(
            horizon, judged_by, nothing, (), dates=0, block=block, entries={}, tried=None
        ),
    )


def _judge_entry(
    sample: Sample,
    horizon: int,
    entry: str,
    at_close: Mapping[str, Replicates],
    bootstrap: DateBootstrap,
    judged_by: str,
) -> EntryEvaluation | None:
    """The same contenders on the return from a later entry; None where no such return is known."""
    returns = sample.floats(entry_return(horizon, entry))
    known = np.isfinite(returns)
    if not known.any():
        return None
    dates = sample.dates
    truth = Outcomes.of(
        np.tanh(TARGET_SCALE * returns[known]), Dates(dates.of_row[known], dates.count)
    )
    replicates = {
        name: replicate_metrics(said.at(known), truth, bootstrap)
        for name, said in sample.said.items()
    }
    figures = {name: _applicable(name, found) for name, found in replicates.items()}
    main, *others = sample.said
    change = replicates[main].values[judged_by] - at_close[main].values[judged_by]
    return EntryEvaluation(
        entry=entry,
        rows=int(known.sum()),
        model=figures[main],
        controls={name: figures[name] for name in others},
        comparisons=_compare(replicates, [(main, name) for name in others], horizon, judged_by),
        change=bootstrap.estimate(change),
        skill=outcome_of(getattr(figures[main], judged_by)),
    )


def _portfolios(sample: Sample, horizon: int, seed: int) -> dict[str, tuple[Portfolio, ...]]:
    """The book of every contender that ranks."""
    return {
        name: portfolios(sample.rows.with_columns(score=said.raw), horizon, seed=seed)
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


def _tried(
    sample: Sample,
    truth: Outcomes,
    trials: Sequence[Trial],
    horizon: int,
    moments: Sequence[str],
    bootstrap: DateBootstrap,
    seed: int,
) -> Tried | None:
    reference = None
    if trials and REFERENCE in sample.said:
        series = rank_ics(sample.said[REFERENCE].raw, truth).tolist()
        known = {day: ic for day, ic in zip(moments, series, strict=True) if np.isfinite(ic)}
        reference = (REFERENCE, known)
    return tried(trials, horizon, moments, bootstrap, reference=reference, seed=seed)


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


def _compare(
    replicates: Mapping[str, Replicates],
    pairs: Pairs,
    horizon: int,
    judged_by: str,
    *,
    named: bool = False,
) -> tuple[Comparison, ...]:
    """Paired differences; the first of each pair is named in its sentence, or "the model"."""
    found = []
    for one, other in pairs:
        metric = _OWN_METRIC.get(other, judged_by)
        difference = replicates[one].better_than(replicates[other], metric)
        sentence = comparison_sentence(
            other, metric, difference, horizon, contender=one if named else None
        )
        found.append(Comparison(other, metric, difference, sentence, one))
    return tuple(found)


def _place(name: str) -> tuple[int, str]:
    """Known contenders in their order, others after them by name."""
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER)), name
