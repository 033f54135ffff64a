"""Skill after many tries: the best of enough variants looks good by chance.

Hansen's test of superior predictive ability (2005) asks whether the best of several variants is
better than a benchmark, given how many were tried and how alike they are. The loss of a variant on
a date is minus its rank IC; the benchmark is chance, a rank IC of 0, or another score's rank ICs.
Blocks of dates are resampled as for the intervals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stocktrend.evaluation.bootstrap import MIN_BLOCKS, DateBootstrap, Floats

LEVEL = 0.05
MIN_SHARED = 0.8
"""Share of the judged dates that another variant must have been judged on to be tested with."""


@dataclass(frozen=True)
class Trial:
    """One variant that was judged: what it is, and its rank IC on each date.

    Attributes:
        variant: Digest of all that decides it.
        name: For people.
        rank_ics: Horizon in days -> ISO time of each date -> rank IC.
    """

    variant: str
    name: str
    rank_ics: Mapping[int, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        series = {f"{h}d": dict(found) for h, found in self.rank_ics.items()}
        return {"variant": self.variant, "name": self.name, "rank_ics": series}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Trial":
        series = {int(h.removesuffix("d")): found for h, found in values["rank_ics"].items()}
        return cls(values["variant"], values["name"], series)


@dataclass(frozen=True)
class Tried:
    """What is left of the skill at one horizon after so many tries.

    Attributes:
        variants: Digests of all variants judged at this horizon, the one at hand among them.
        tested: How many of them share dates enough to be tested together.
        best: Name of the best of these.
        p_chance: Of the best being no better than chance; None with too few dates.
        reference: Whose rank ICs the best is held against; None where there are none.
        p_reference: Of the best being no better than that.
    """

    variants: tuple[str, ...]
    tested: int
    best: str
    p_chance: float | None
    reference: str | None = None
    p_reference: float | None = None

    @property
    def count(self) -> int:
        return len(self.variants)

    @property
    def by_chance(self) -> bool:
        """Whether chance explains the best of them."""
        return self.p_chance is not None and self.p_chance > LEVEL

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Tried":
        return cls(**{**values, "variants": tuple(values["variants"])})


def tried(
    trials: Sequence[Trial],
    horizon: int,
    dates: Sequence[str],
    bootstrap: DateBootstrap,
    *,
    reference: tuple[str, Mapping[str, float]] | None = None,
    seed: int,
) -> Tried | None:
    """Test the best of all variants judged so far.

    Args:
        trials: The variant at hand first, then the others. One digest counts once.
        horizon: Days.
        dates: ISO times of the dates judged now.
        bootstrap: Of these dates: says how long blocks are and what labels span.
        reference: Name and rank ICs by date of what the variants should beat, beside chance.
        seed: Of the bootstrap.

    Returns:
        None where the variant at hand has no rank IC.
    """
    known = {trial.variant: trial for trial in reversed(trials) if trial.rank_ics.get(horizon)}
    if not trials or trials[0].variant not in known:
        return None
    series = {v: t.rank_ics[horizon] for v, t in known.items()}
    enough = MIN_SHARED * len(dates)
    shared = [v for v, found in series.items() if sum(d in found for d in dates) >= enough]
    columns = [series[v] for v in shared] + ([reference[1]] if reference else [])
    common = [date for date in dates if all(date in found for found in columns)]
    figures = np.array([[found[date] for found in columns] for date in common])
    figures = figures.reshape(len(common), len(columns))
    own = figures[:, : len(shared)]
    if not shared or len(common) < MIN_BLOCKS * bootstrap.block:
        return Tried(tuple(sorted(known)), 0, trials[0].name, None)
    again = DateBootstrap.draw(len(common), bootstrap.block, seed=seed, span=bootstrap.span)
    return Tried(
        variants=tuple(sorted(known)),
        tested=len(shared),
        best=known[shared[int(own.mean(axis=0).argmax())]].name,
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
