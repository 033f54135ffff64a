"""What an evaluation found: frozen, and one JSON object for ``metrics.json``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal

from stocktrend.evaluation.bootstrap import CONFIDENCE, Estimate
from stocktrend.evaluation.metrics import Metrics

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
    """The model against one control, paired by date.

    Attributes:
        metric: ``rank_ic``, or ``correlation`` where dates have too few rows; ``mse`` against the
            constant and ``direction_accuracy`` against always up, which rank nothing.
        difference: Positive favours the model, whatever the metric.
    """

    control: str
    metric: str
    difference: Estimate
    sentence: str

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.difference)


@dataclass(frozen=True)
class Decile:
    """Rows of one tenth of the scores, lowest first.

    Attributes:
        rows: How many.
        score: Their mean score.
        target: Their mean target.
        rose: Share of them with target > 0.
    """

    rows: int
    score: float
    target: Estimate
    rose: float


@dataclass(frozen=True)
class HorizonEvaluation:
    """One horizon on its test rows.

    Attributes:
        horizon: Days.
        rows: Test rows with a known target.
        dates: Their distinct dates.
        first: First of the dates, ISO; None without rows.
        last: Last of the dates.
        block: Length of a bootstrap block in dates.
        judged_by: The metric that decides: ``rank_ic`` or ``correlation``.
        model: The model's figures.
        controls: Those of each control on the same rows.
        comparisons: Model against control.
        deciles: Empty where there are too few rows.
        skill: Whether ``judged_by`` is above 0: "better" means yes.
        verdict: One sentence.
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

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "HorizonEvaluation":
        parts = {
            "model": Metrics.from_dict(values["model"]),
            "controls": {k: Metrics.from_dict(v) for k, v in values["controls"].items()},
            "comparisons": tuple(
                Comparison(**{**c, "difference": Estimate.from_dict(c["difference"])})
                for c in values["comparisons"]
            ),
            "deciles": tuple(
                Decile(**{**d, "target": Estimate.from_dict(d["target"])})
                for d in values["deciles"]
            ),
        }
        return cls(**{**values, **parts})


@dataclass(frozen=True)
class Evaluation:
    """Skill on the test split, beside the controls.

    Attributes:
        headline: The whole in a sentence.
        horizons: Each horizon's figures, by days.
        seed: Of the bootstrap.
    """

    headline: str
    horizons: Mapping[int, HorizonEvaluation]
    seed: int

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
            "confidence": CONFIDENCE,
            "horizons": {f"{h}d": found.to_dict() for h, found in self.horizons.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Evaluation":
        found = [HorizonEvaluation.from_dict(v) for v in values["horizons"].values()]
        return cls(values["headline"], {f.horizon: f for f in found}, values["seed"])
