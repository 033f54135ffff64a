"""Skill after many tries: the best of enough variants looks good by chance.

Hansen's test of superior predictive ability (2005) asks whether the best of several variants is
better than a benchmark, given how many were tried and how alike they are. The loss of a variant on
a date is minus its rank IC; the benchmark is chance, a rank IC of 0, or another score's rank ICs.
Blocks of dates are resampled as for the intervals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from stocktrend.evaluation.bootstrap import MIN_BLOCKS, TAIL, DateBootstrap, Floats

LEVEL = TAIL
"""One-sided, as the lower bounds of intervals: a verdict then says one thing of one finding."""

MIN_SHARED = 0.8
"""Share of the judged dates that another variant must have been judged on to be tested with."""


@dataclass(frozen=True)
class Trial:
    """One judgement of one variant.

    Attributes:
        name: Of the run or study.
        variant: Digest of the settings that were tried: the same again, on newer records say, is no
            other variant.
        rank_ics: Horizon in days -> ISO time of each date -> rank IC.
    """

    name: str
    variant: str
    rank_ics: Mapping[int, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        series = {f"{h}d": dict(found) for h, found in self.rank_ics.items()}
        return {"name": self.name, "variant": self.variant, "rank_ics": series}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trial":
        series = {int(h.removesuffix("d")): found for h, found in values["rank_ics"].items()}
        return cls(values["name"], values["variant"], series)


@dataclass(frozen=True)
class Attempt:
    """What is judged now, and all that was judged on the same data before."""

    name: str
    variant: str
    before: tuple[Trial, ...] = ()

    def trials(self, horizon: int, rank_ics: Mapping[str, float]) -> dict[str, Trial]:
        """The newest trial of each variant by name, that at hand with these rank ICs first."""
        own = Trial(self.name, self.variant, {horizon: rank_ics})
        others = [trial for trial in self.before if trial.name != self.name]
        dated = [trial for trial in others if trial.rank_ics.get(horizon)]
        dated.sort(key=lambda trial: (max(trial.rank_ics[horizon]), trial.name))
        by_variant = {trial.variant: trial for trial in dated} | {self.variant: own}
        rest = [trial for trial in by_variant.values() if trial is not own]
        return {trial.name: trial for trial in (own, *rest)}


@dataclass(frozen=True)
class Tried:
    """What is left of the skill at one horizon after so many tries.

    Attributes:
        trials: Names of the newest judgement of each variant, that at hand among them.
        tested: How many of them share dates enough to be tested together.
        best: Which of these has the highest mean rank IC on the dates of all.
        p_chance: Of the best being no better than chance; None with too few dates.
        reference: Whose rank ICs the best is held against; None where there are none.
        p_reference: Of the best being no better than that.
    """

    trials: tuple[str, ...]
    tested: int
    best: str
    p_chance: float | None
    reference: str | None = None
    p_reference: float | None = None

    @property
    def count(self) -> int:
        return len(self.trials)

    @property
    def by_chance(self) -> bool:
        """Whether chance explains the best of them."""
        return self.p_chance is not None and self.p_chance > LEVEL

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Tried":
        return cls(**{**values, "trials": tuple(values["trials"])})


def tried(
    attempt: Attempt,
    horizon: int,
    rank_ics: Mapping[str, float],
    bootstrap: DateBootstrap,
    *,
    reference: tuple[str, Mapping[str, float]] | None = None,
    seed: int,
) -> Tried | None:
    """Test the best of all variants judged so far.

    Args:
        attempt: What is judged now, and what was judged before.
        horizon: Days.
        rank_ics: By date, of what is judged now.
        bootstrap: Of the dates judged now: says how long blocks are and what labels span.
        reference: Name and rank ICs by date of what the variants should beat, beside chance.
        seed: Of the bootstrap.

    Returns:
        None where what is judged now has no rank IC.
    """
    if not rank_ics:
        return None
    trials = attempt.trials(horizon, rank_ics)
    enough = MIN_SHARED * len(rank_ics)
    series = {name: trial.rank_ics[horizon] for name, trial in trials.items()}
    shared = [n for n, found in series.items() if len(found.keys() & rank_ics.keys()) >= enough]
    columns = [series[name] for name in shared] + ([reference[1]] if reference else [])
    common = sorted(date for date in rank_ics if all(date in found for found in columns))
    names = tuple(sorted(trials))
    if len(common) < MIN_BLOCKS * bootstrap.block:
        return Tried(names, 0, attempt.name, None)
    figures = np.array([[found[date] for found in columns] for date in common])
    own = figures[:, : len(shared)]
    again = DateBootstrap.draw(len(common), bootstrap.block, seed=seed, span=bootstrap.span)
    return Tried(
        trials=names,
        tested=len(shared),
        best=shared[int(own.mean(axis=0).argmax())],
        p_chance=superior_ability(own, again),
        reference=reference[0] if reference else None,
        p_reference=superior_ability(own - figures[:, -1:], again) if reference else None,
    )


def superior_ability(gains: Floats, bootstrap: DateBootstrap) -> float:
    """The consistent p-value of Hansen's test that no variant has a positive expected gain.

    The largest studentised mean gain is held against its replicates, each centred at its own mean;
    a variant that is worse than the benchmark beyond sqrt(2 log log n) deviations takes no part. As
    with the intervals, replicates are stretched for few blocks and overlapping labels, here at the
    tail that decides for the largest of so many.

    Args:
        gains: (dates, variants) how much better than the benchmark each is on each date.
        bootstrap: Drawn for these dates.
    """
    dates = len(gains)
    means, drawn = gains.mean(axis=0), bootstrap.weights[1:] @ gains / dates
    deviations = drawn.std(axis=0)
    varies = deviations > 1e-12
    stretch = bootstrap.stretch(LEVEL / max(1, int(varies.sum())))
    if stretch is None or not varies.any():
        return 1.0
    scaled = means[varies] / deviations[varies]
    centre = np.where(scaled >= -np.sqrt(2 * np.log(np.log(dates))), scaled, 0.0)
    peaks = (drawn[:, varies] / deviations[varies] - centre).max(axis=1)
    return float((stretch * np.maximum(peaks, 0.0) >= max(scaled.max(), 0.0)).mean())
