"""What an evaluation found: frozen, and one JSON object for ``metrics.json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any, Literal

from stocktrend.evaluation.bootstrap import CONFIDENCE, Estimate
from stocktrend.evaluation.buckets import BucketSkill
from stocktrend.evaluation.coverage import GroupCoverage
from stocktrend.evaluation.deciles import Decile
from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.portfolio import Portfolio
from stocktrend.evaluation.reliability import Reliability
from stocktrend.evaluation.significance import Tried

MAIN = "dual_tower"

Outcome = Literal["better", "worse", "unclear", "undefined"]


def outcome_of(difference: Estimate) -> Outcome:
    """Better or worse than 0 where the interval leaves 0 out."""
    if difference.low is None or difference.high is None:
        return "undefined"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "unclear"


@dataclass(frozen=True)
class Comparison:
    """One contender, as a rule the main model, against another, paired by date.

    Attributes:
        control: The other.
        metric: ``rank_ic``, or ``correlation`` where dates have too few rows; ``mse`` against the
            constant and ``direction_accuracy`` against always up, which rank nothing.
        difference: Positive favours the contender, whatever the metric.
        contender: The one.
    """

    control: str
    metric: str
    difference: Estimate
    sentence: str
    contender: str = MAIN

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.difference)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Comparison":
        return cls(**{**values, "difference": Estimate.from_dict(values["difference"])})


@dataclass(frozen=True)
class EntryEvaluation:
    """One horizon for those who buy later than at the close that the scores are made from.

    Attributes:
        entry: ``next_open`` or ``next_close``.
        rows: Judged rows whose return from that entry is known; the target is made of that return.
        model: The main model's figures.
        controls: Those of every other contender on the same rows.
        comparisons: The main model against each.
        change: The main model's judging metric less that from the close, paired by date.
        skill: Whether that metric is clear of 0.
    """

    entry: str
    rows: int
    model: Metrics
    controls: Mapping[str, Metrics]
    comparisons: tuple[Comparison, ...]
    change: Estimate
    skill: Outcome

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EntryEvaluation":
        change = Estimate.from_dict(values["change"])
        return cls(**{**values, **_shared_parts(values), "change": change})


@dataclass(frozen=True)
class HorizonEvaluation:
    """One horizon on its test rows.

    Attributes:
        horizon: Days.
        rows: Test rows with a known target and a score of every contender.
        dates: Their distinct dates.
        first: First of the dates, ISO; None without rows.
        last: Last of the dates.
        block: Length of a bootstrap block in dates.
        judged_by: The metric that decides: ``rank_ic`` or ``correlation``.
        model: The main model's figures.
        controls: Those of every other contender on the same rows.
        comparisons: The main model against each.
        deciles: Of the main model; empty where there are too few rows.
        skill: Whether the judging metric is clear of 0.
        verdict: One sentence.
        pairs: Other contenders against each other.
        entries: The same for an entry at the next open and the next close, by its name.
        reliability: Of each contender that gives a probability.
        portfolios: Of each contender that ranks, one an entry.
        coverage: Of each contender that gives intervals, how many targets these held, by group.
        buckets: Skill by year, sector, group of stocks and calm or anxious dates, of the main model
            and of the strongest simple control.
        rank_ics: The main model's by date, ISO times; without dates on which it is not defined.
        tried: What all variants judged on the data root leave of the skill; None without them.
    """

    horizon: int
    rows: int
    dates: int
    first: str | None
    last: str | None
    block: int
    judged_by: str
    model: Metrics
    controls: Mapping[str, Metrics]
    comparisons: tuple[Comparison, ...]
    deciles: tuple[Decile, ...]
    skill: Outcome
    verdict: str
    pairs: tuple[Comparison, ...] = ()
    entries: Mapping[str, EntryEvaluation] = field(default_factory=dict)
    reliability: Mapping[str, Reliability] = field(default_factory=dict)
    portfolios: Mapping[str, tuple[Portfolio, ...]] = field(default_factory=dict)
    coverage: Mapping[str, tuple[GroupCoverage, ...]] = field(default_factory=dict)
    buckets: Mapping[str, tuple[BucketSkill, ...]] = field(default_factory=dict)
    rank_ics: Mapping[str, float] = field(default_factory=dict)
    tried: Tried | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "HorizonEvaluation":
        """What ``to_dict`` gave, or that of an older program, which told less."""
        tried = values.get("tried")
        names = ("entries", "reliability", "portfolios", "coverage", "buckets")
        entries, tables, books, covered, buckets = (values.get(name, {}) for name in names)
        parts = _shared_parts(values) | {
            "deciles": tuple(Decile.from_dict(d) for d in values["deciles"]),
            "pairs": tuple(Comparison.from_dict(c) for c in values.get("pairs", ())),
            "entries": {name: EntryEvaluation.from_dict(v) for name, v in entries.items()},
            "reliability": {name: Reliability.from_dict(v) for name, v in tables.items()},
            "portfolios": {n: tuple(map(Portfolio.from_dict, v)) for n, v in books.items()},
            "coverage": {n: tuple(map(GroupCoverage.from_dict, v)) for n, v in covered.items()},
            "buckets": {n: tuple(map(BucketSkill.from_dict, v)) for n, v in buckets.items()},
            "tried": None if tried is None else Tried.from_dict(tried),
        }
        return cls(**{**values, **parts})


def _shared_parts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model": Metrics.from_dict(values["model"]),
        "controls": {name: Metrics.from_dict(v) for name, v in values["controls"].items()},
        "comparisons": tuple(Comparison.from_dict(c) for c in values["comparisons"]),
    }


@dataclass(frozen=True)
class Evaluation:
    """Skill on test rows, beside the controls.

    Attributes:
        headline: The whole in a sentence.
        horizons: Each horizon's figures, by days.
        seed: Of the bootstrap.
        main: Name of the contender that is judged against the others.
    """

    headline: str
    horizons: Mapping[int, HorizonEvaluation]
    seed: int
    main: str = MAIN

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The model's figures under "7d", "30d", ..."""
        return {f"{horizon}d": found.model for horizon, found in self.horizons.items()}

    @property
    def verdicts(self) -> dict[str, str]:
        """One sentence a horizon, under "7d", "30d", ..."""
        return {f"{horizon}d": found.verdict for horizon, found in self.horizons.items()}

    def __str__(self) -> str:
        return "\n".join([self.headline, *self.verdicts.values()])

    def _repr_html_(self) -> str:
        first, *rest = (escape(line) for line in str(self).splitlines())
        return f"<p><b>{first}</b></p>" + "".join(f"<p>{line}</p>" for line in rest)

    def to_dict(self) -> dict[str, Any]:
        """A JSON object without NaN: what is not defined is null."""
        return {
            "headline": self.headline,
            "seed": self.seed,
            "main": self.main,
            "confidence": CONFIDENCE,
            "horizons": {f"{h}d": found.to_dict() for h, found in self.horizons.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        found = [HorizonEvaluation.from_dict(v) for v in values["horizons"].values()]
        by_horizon = {f.horizon: f for f in found}
        return cls(values["headline"], by_horizon, values["seed"], values.get("main", MAIN))
