"""Mean outcome by tenths of the scores: do they rise together, and on the same scale?"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, Floats
from stocktrend.evaluation.rows import Dates

MIN_ROWS_OF_A_DECILE = 10


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

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Decile":
        return cls(**{**values, "target": Estimate.from_dict(values["target"])})


def deciles(
    score: Floats, target: Floats, dates: Dates, bootstrap: DateBootstrap
) -> tuple[Decile, ...]:
    """Rows in tenths of the score (fifths where rows are few), ties in the order of the rows."""
    rows = len(score)
    bins = next((n for n in (10, 5) if rows >= n * MIN_ROWS_OF_A_DECILE), 0)
    if not bins:
        return ()
    place = np.empty(rows, np.int64)
    place[np.argsort(score, kind="stable")] = np.arange(rows)
    tenth = place * bins // rows
    found = []
    for number in range(bins):
        inside = tenth == number
        outcome = target[inside]
        members = Dates(dates.of_row[inside], dates.count)
        sums = members.sums(np.column_stack([outcome, np.ones(len(outcome))]))
        with np.errstate(divide="ignore", invalid="ignore"):
            means = bootstrap.replicate(lambda total: total[..., 0] / total[..., 1], sums)
        found.append(
            Decile(
                rows=len(outcome),
                score=float(score[inside].mean()),
                target=bootstrap.estimate(means, lowest=-1.0, highest=1.0),
                rose=float((outcome > 0).mean()),
            )
        )
    return tuple(found)
