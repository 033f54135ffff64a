"""Two runs or studies side by side: the same rows, paired by date, and what tells them apart."""

import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

import stocktrend as st
from stocktrend.cli.program import execute
from stocktrend.config import WalkForward
from stocktrend.errors import DataError
from stocktrend.evaluation.comparing import compare_predictions

QUICK = st.Settings(preset="original", recipe={"epochs": 1, "batch_size": 128}, seed=1)


def rows(score: np.ndarray, tickers: int = 6, first: date = date(2020, 1, 3)) -> pl.DataFrame:
    """Weekly dates of some tickers with a score and an outcome 7 days ahead."""
    days = [first + timedelta(weeks=week) for week in range(len(score) // tickers)]
    return pl.DataFrame(
        {
            "ticker": [f"T{n}" for _ in days for n in range(tickers)],
            "as_of": [day for day in days for _ in range(tickers)],
            "score_7d": score,
        }
    )


def test_the_difference_is_of_the_rows_that_both_have() -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(size=60 * 6)
    outcomes = rows(np.tanh(truth)).rename({"score_7d": "target_7d"})
    good, bad = rows(truth + generator.normal(size=360)), rows(generator.normal(size=360))
    bad = bad.slice(12).filter(pl.col("ticker") != "T5")
    good, bad = (
        part.with_columns(low_7d=-0.5, high_7d=end) for part, end in ((good, 0.5), (bad, 1))
    )
    found = compare_predictions(good, bad, outcomes, (7,), seed=0)[7]
    assert (found.rows, found.dates, found.first) == (58 * 5, 58, "2020-01-17")
    joined = good.join(bad, on=["ticker", "as_of"], suffix="_bad").join(
        outcomes, on=["ticker", "as_of"]
    )
    by_date = [
        [
            spearmanr(part[name], part["target_7d"]).statistic
            for name in ("score_7d", "score_7d_bad")
        ]
        for _, part in joined.group_by("as_of")
    ]
    one, other = np.mean(by_date, axis=0)
    assert found.one.rank_ic.value == pytest.approx(one)
    assert found.difference.rank_ic.value == pytest.approx(one - other)
    assert found.verdict.startswith("At 7 days the first is better by +0.")
    assert (found.one.width.value, found.other.width.value) == (1.0, 1.5)
    assert found.difference.width.value is None  # a narrow interval is no better than a wide one
    assert found.difference.coverage.value is None
    turned = compare_predictions(bad, good, outcomes, (7,), seed=0)[7]
    assert turned.difference.rank_ic.value == pytest.approx(other - one)
    assert turned.difference.mse.value == pytest.approx(-(found.difference.mse.value or 0.0))
    assert turned.verdict.startswith("At 7 days the second is better: -0.")


def test_a_model_with_raw_scores_is_compared_with_one_without() -> None:
    generator = np.random.default_rng(3)
    truth = generator.normal(size=360)
    outcomes = rows(np.tanh(truth)).rename({"score_7d": "target_7d"})
    study, run = rows(np.tanh(truth) / 9), rows(generator.normal(size=360))
    study = study.with_columns(raw_7d=pl.col("score_7d") * 5)
    found = compare_predictions(study, run, outcomes, (7,), seed=0)[7]
    assert (found.rows, found.one.rank_ic.value) == (360, 1.0)
    assert found.verdict.startswith("At 7 days the first is better by ")


def test_a_model_beside_itself_differs_by_nothing() -> None:
    score = np.random.default_rng(2).normal(size=360)
    outcomes = rows(np.tanh(score[::-1])).rename({"score_7d": "target_7d"})
    found = compare_predictions(rows(score), rows(score), outcomes, (7,), seed=0)[7]
    assert found.difference.rank_ic.to_dict() == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert "no evidence that one is better" in found.verdict


def test_rows_without_a_common_date_are_refused() -> None:
    score = np.arange(60.0)
    later = rows(score, first=date(2021, 1, 1))
    with pytest.raises(DataError, match="2020-01-03 to 2020-03-06, 6 tickers and 2021-01-01 to"):
        compare_predictions(rows(score), later, later, (7,), seed=0)


@pytest.fixture(scope="module")
def root(built_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A market with two runs and a study."""
    place = Path(shutil.copytree(built_market, tmp_path_factory.mktemp("compare") / "market"))
    st.train(place, settings=QUICK)
    st.train(place, settings=QUICK.model_copy(update={"seed": 2}))
    walk = WalkForward(first_test=date(2017, 1, 1), controls=("momentum",))
    st.walk_forward(place, settings=QUICK.model_copy(update={"walk_forward": walk}))
    return place


def test_runs_and_studies_are_compared_from_the_command_line(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = sorted(path.name for path in (root / "runs").iterdir())
    capsys.readouterr()
    assert execute(["compare", one, other, "--data-root", str(root), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert sorted(document["settings"]["seed"]) == [1, 2]
    assert list(document["settings"]) == ["seed"]
    assert document["notes"] == []
    first = st.load_run(root, one).predictions
    tested = first.filter(pl.col("split") == "test", pl.col("target_7d").is_not_null())
    assert document["horizons"]["7d"]["rows"] == len(tested)
    (study,) = (path.name for path in (root / "studies").iterdir())
    assert execute(["compare", one, study, "--data-root", str(root)]) == 0
    text = capsys.readouterr().out
    assert "walk_forward.first_test" in text
    assert "rank IC" in text
    assert "At 30 days" in text
    assert "cannot be compared" not in text


def test_what_cannot_be_compared_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (st.load_run(root, path.name) for path in sorted((root / "runs").iterdir()))
    assert execute(["compare", one.id, "nothing", "--data-root", str(root)]) == 2
    assert "'nothing' must be a run or a study" in capsys.readouterr().err
    other_days = other.settings.model_copy(update={"horizons": (90,)})
    with pytest.raises(DataError, match=r"\[7, 30\] and \[90\]"):
        st.compare(one, replace(other, settings=other_days))
    early = other.predictions.with_columns(
        split=pl.when(pl.col("as_of").dt.year() < 2016)
        .then(pl.lit("test"))
        .otherwise(pl.lit("train"))
    )
    with pytest.raises(DataError, match="none in common"):
        st.compare(one, replace(other, predictions=early))


def test_outcomes_that_have_changed_are_told(root: Path) -> None:
    one, other = (st.load_run(root, path.name) for path in sorted((root / "runs").iterdir()))
    changed = other.predictions.with_columns(pl.col("target_7d") * 0.5)
    found = st.compare(one, replace(other, predictions=changed))
    assert "rows have other outcomes in the second" in found.notes[0]
    assert found.horizons[7] == st.compare(one, other).horizons[7]
    assert str(found) == "\n".join(at.verdict for at in found.horizons.values())
