"""Skill by group, on tables in which the skill of each group is known."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from stocktrend.errors import DataError
from stocktrend.evaluation.buckets import BucketSkill, bucket_skills

FRIDAY = date(2019, 1, 4)


def table(dates: int = 104, names: int = 30, seed: int = 0) -> pl.DataFrame:
    """Weekly rows of two sectors: the score is the target in tech and noise in energy."""
    rng = np.random.default_rng(seed)
    rows = dates * names
    frame = pl.DataFrame(
        {
            "as_of": [FRIDAY + timedelta(weeks=w) for w in range(dates) for _ in range(names)],
            "ticker": [f"T{n:03d}" for _ in range(dates) for n in range(names)],
            "target_7d": np.tanh(0.3 * rng.normal(size=rows)),
            "noise": rng.normal(size=rows),
            "sector": ["tech" if n % 2 else "energy" for _ in range(dates) for n in range(names)],
            "vix": [float(10 + w % 2 * 20) for w in range(dates) for _ in range(names)],
        }
    )
    tech = pl.col("sector") == "tech"
    return frame.with_columns(
        score=pl.when(tech).then(pl.col("target_7d")).otherwise(pl.col("noise"))
    )


def skills(rows: pl.DataFrame, score: str = "score", horizon: int = 7) -> dict[str, BucketSkill]:
    (found,) = bucket_skills(rows, horizon, scores=[score], seed=1).values()
    return {f"{skill.kind} {skill.bucket}": skill for skill in found}


def test_the_group_with_the_skill_has_it_and_the_other_has_none() -> None:
    found = skills(table())
    tech, energy = found["sector tech"], found["sector energy"]
    assert (tech.rank_ic.value, tech.correlation.value) == (pytest.approx(1), pytest.approx(1))
    assert energy.rank_ic.low < 0 < energy.rank_ic.high
    assert energy.correlation.low < 0 < energy.correlation.high
    assert (tech.rows, tech.dates) == (104 * 15, 104)


def test_figures_are_those_of_scipy_within_date_and_group() -> None:
    rows = table(dates=12, names=20, seed=2).with_columns(
        score=pl.col("target_7d") + pl.col("noise")
    )
    energy = rows.filter(pl.col("sector") == "energy")
    ics, residuals = [], []
    for (_,), of_date in energy.group_by("as_of", maintain_order=True):
        x, y = of_date["score"].to_numpy(), of_date["target_7d"].to_numpy()
        ics.append(stats.spearmanr(x, y).statistic)
        residuals.append(np.stack([x - x.mean(), y - y.mean()]))
    found = skills(rows)["sector energy"]
    assert found.rank_ic.value == pytest.approx(np.mean(ics), rel=1e-12)
    assert found.correlation.value == pytest.approx(
        stats.pearsonr(*np.concatenate(residuals, axis=1)).statistic, rel=1e-9
    )


def test_a_score_that_only_tells_the_groups_apart_has_no_skill_within_them() -> None:
    # Tech always wins and the score says so, and of two stocks of a sector it knows nothing.
    lead = pl.when(pl.col("sector") == "tech").then(0.5).otherwise(-0.5)
    rows = table(seed=3).with_columns(
        target_7d=lead + 0.1 * pl.col("target_7d"), score=100 * lead + pl.col("noise")
    )
    rows = rows.with_columns(volatility_bucket=pl.lit("low"))
    found = skills(rows)
    assert found["volatility_bucket low"].rank_ic.low > 0.5
    for sector in ("sector tech", "sector energy"):
        assert found[sector].rank_ic.low < 0 < found[sector].rank_ic.high
        assert found[sector].correlation.low < 0 < found[sector].correlation.high


def test_anxious_dates_are_those_above_the_median_date() -> None:
    # Skill on anxious dates alone; the VIX of one of them is not known.
    rows = table(seed=4)
    rows = rows.with_columns(
        vix=pl.when(pl.col("as_of") != FRIDAY + timedelta(weeks=1)).then(pl.col("vix")),
        score=pl.when(pl.col("vix") > 20).then(pl.col("target_7d")).otherwise(pl.col("noise")),
    )
    found = skills(rows)
    assert found["vix high"].rank_ic.value == pytest.approx(1)
    assert found["vix low"].rank_ic.low < 0 < found["vix low"].rank_ic.high
    assert (found["vix low"].dates, found["vix high"].dates) == (52, 51)


def test_groups_come_in_their_order_and_unknown_ones_not_at_all() -> None:
    rows = table(dates=104, names=30).with_columns(
        volatility_bucket=pl.Series(["high", "low", "middle"] * (104 * 10)),
        size_bucket=pl.lit(None, dtype=pl.String),
        sector=pl.when(pl.col("sector") == "tech").then(pl.col("sector")),
    )
    assert list(skills(rows)) == [
        "year 2019", "year 2020", "sector tech",
        "volatility_bucket low", "volatility_bucket middle", "volatility_bucket high",
        "vix low", "vix high",
    ]  # fmt: skip
    found = skills(rows)
    assert found["year 2019"].rows + found["year 2020"].rows == rows.height
    assert (found["year 2019"].dates, found["year 2020"].dates) == (52, 52)
    assert list(skills(rows.select("as_of", "ticker", "target_7d", "score"))) == [
        "year 2019",
        "year 2020",
    ]


def test_a_group_too_small_to_rank_has_a_correlation_and_no_rank_ic() -> None:
    rows = table(names=8)
    found = skills(rows)
    assert found["sector tech"].rank_ic.value is None
    assert found["sector tech"].correlation.value == pytest.approx(1)


def test_rows_without_target_or_any_score_are_left_out_for_all() -> None:
    rows = table(dates=20)
    odd = rows.head(3).with_columns(
        target_7d=pl.Series([None, 0.5, 0.5]),
        score=pl.Series([1.0, float("nan"), 1.0]),
        noise=pl.Series([1.0, 1.0, None]),
        as_of=pl.lit(date(2030, 1, 4)),
    )
    both = bucket_skills(rows, 7, scores=["score", "noise"], seed=1)
    mixed = pl.concat([odd, rows.reverse()])
    more = bucket_skills(mixed, 7, scores=["score", "noise"], seed=1)
    assert both == more
    assert list(both) == ["score", "noise"]
    empty = bucket_skills(rows.clear(), 7, scores=["score"], seed=1)
    assert empty == {"score": ()}


def test_too_few_dates_of_a_group_give_no_interval() -> None:
    # A horizon of 30 days spans five weekly dates: eight dates of a year are not three blocks.
    rows = table(dates=60).rename({"target_7d": "target_30d"})
    found = skills(rows, horizon=30)
    assert found["year 2020"].dates == 8
    assert found["year 2020"].rank_ic.value is not None
    assert found["year 2020"].rank_ic.low is None
    assert found["year 2019"].rank_ic.low is not None


def test_a_skill_survives_json() -> None:
    found = skills(table(dates=20))["sector energy"]
    assert BucketSkill.from_dict(found.to_dict()) == found


def test_a_missing_score_is_named() -> None:
    with pytest.raises(DataError, match="missing: skill"):
        bucket_skills(table(dates=3), 7, scores=["skill"], seed=1)
