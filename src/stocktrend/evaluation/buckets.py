"""Where the skill lies: by year, by group of stocks, and on calm and on anxious dates.

Names are ranked within their date and group: what a score says of banks against miners is no part
of its skill among banks. Each group's figures have an interval from blocks of its own dates, as
long as those of the whole sample. Groups are many, so that one of them stands out is no finding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.evaluation.bootstrap import DateBootstrap, Estimate, Floats, block_length, overlap
from stocktrend.evaluation.metrics import Outcomes, rank_ics
from stocktrend.evaluation.outcomes import THIRDS
from stocktrend.evaluation.rows import Dates

KINDS: Final = ("year", "sector", *THIRDS, "vix")
"""Ways to group rows; ``vix`` has the dates above the median date of the sample, and the others."""

_ORDER: Final = {kind: names for kind, (_, names) in THIRDS.items()} | {"vix": ("low", "high")}


@dataclass(frozen=True)
class BucketSkill:
    """How well a score orders the names of one group.

    Attributes:
        kind: One of ``KINDS``.
        bucket: The group: a year, a sector, a third, "low" or "high".
        rows: Its rows.
        dates: Their distinct dates.
        rank_ic: Mean over dates of the Spearman correlation among the group's names, over dates
            with at least 5 of them.
        correlation: Of score and target after the mean of the group's names on the date is taken
            from both.
    """

    kind: str
    bucket: str
    rows: int
    dates: int
    rank_ic: Estimate
    correlation: Estimate

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "BucketSkill":
        estimates = {name: Estimate.from_dict(values[name]) for name in ("rank_ic", "correlation")}
        return cls(**{**values, **estimates})


def bucket_skills(
    rows: pl.DataFrame, horizon: int, *, scores: Sequence[str], seed: int
) -> dict[str, tuple[BucketSkill, ...]]:
    """The skill of each score in each group, all of a group on the same replicates.

    Args:
        rows: ``as_of``, ``ticker``, ``target_{h}d``, the score columns and, as far as known, the
            groups of ``evaluation.outcomes``: ``sector``, ``volatility_bucket``, ``size_bucket``
            and ``vix``.
        horizon: Days.
        scores: Names of the score columns.
        seed: Of the bootstrap.

    Returns:
        By score column: one a group, in the order of ``KINDS``. Rows without target or without any
        of the scores are left out, and of each kind those whose group is not known.

    Raises:
        DataError: columns are missing.
    """
    target = f"target_{horizon}d"
    require_columns(rows, ["as_of", "ticker", target, *scores], "skill by group")
    known = pl.all_horizontal(pl.col(target, *scores).cast(pl.Float64).is_finite())
    rows = rows.filter(known.fill_null(value=False)).sort("as_of", "ticker")
    days = rows["as_of"].unique().sort().to_numpy()
    found: dict[str, list[BucketSkill]] = {name: [] for name in scores}
    for kind, bucket, members in _groups(rows):
        of_row = (members["as_of"].rank("dense").cast(pl.Int64) - 1).to_numpy()
        dates = Dates(of_row, int(of_row[-1]) + 1)
        block = min(dates.count, block_length(days, horizon))
        bootstrap = DateBootstrap.draw(dates.count, block, seed=seed, span=overlap(days, horizon))
        truth = Outcomes.of(members[target].cast(pl.Float64).to_numpy(), dates)
        for name in scores:
            score = members[name].cast(pl.Float64).to_numpy()
            figures = _figures(score, truth, bootstrap)
            found[name].append(BucketSkill(kind, bucket, len(members), dates.count, *figures))
    return {name: tuple(of_score) for name, of_score in found.items()}


def _groups(rows: pl.DataFrame) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """Kind, group and its rows, by date; years, sectors and thirds in their order."""
    rows = rows.with_columns(pl.col("as_of").dt.year().cast(pl.String).alias("year"))
    if "vix" in rows.columns:
        calm_or_not = _calm_and_anxious(rows)
        rows = rows.drop("vix").join(calm_or_not, on="as_of", how="left", maintain_order="left")
    for kind in KINDS:
        if kind in rows.columns:
            parts = rows.filter(pl.col(kind).is_not_null()).partition_by(kind, as_dict=True)
            named = {str(bucket): part for (bucket,), part in parts.items()}
            for bucket in _ORDER.get(kind, sorted(named)):
                if bucket in named:
                    yield kind, bucket, named[bucket]


def _calm_and_anxious(rows: pl.DataFrame) -> pl.DataFrame:
    of_date = rows.group_by("as_of").agg(pl.col("vix").cast(pl.Float64).max())
    high = pl.col("vix") > pl.col("vix").median()
    word = pl.when(high).then(pl.lit("high")).when(~high).then(pl.lit("low"))
    return of_date.select("as_of", vix=word)


def _figures(score: Floats, truth: Outcomes, bootstrap: DateBootstrap) -> tuple[Estimate, Estimate]:
    dates = truth.dates
    ic = rank_ics(score, truth)
    defined = np.isfinite(ic)
    x, z = dates.centred(score), truth.centred
    columns = (
        np.where(defined, ic, 0.0),
        defined,
        *dates.sums(np.column_stack([x * x, z * z, x * z])).T,
    )
    total, count, xx, zz, xz = np.moveaxis(bootstrap.weights @ np.column_stack(columns), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            bootstrap.estimate(total / count, lowest=-1.0, highest=1.0),
            bootstrap.estimate(xz / np.sqrt(xx * zz), lowest=-1.0, highest=1.0),
        )
