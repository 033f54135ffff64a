"""The judgement of several contenders on planted truths: same rows, paired, three entries."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from planted import planted_panel
from stocktrend.errors import DataError
from stocktrend.evaluation import Evaluation
from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.evaluation.significance import Attempt, Trial, Tried
from stocktrend.evaluation.study import judge
from stocktrend.evaluation.verdict import horizon_verdict

KEYS = ("ticker", "as_of")
DATES, TICKERS = 80, 15


def outcomes() -> pl.DataFrame:
    """Noise, and returns of which all but noise has gone by the next close."""
    panel = planted_panel(DATES, TICKERS, signal=0.0, noise=0.02)
    first = pl.Series(np.random.default_rng(1).normal(size=len(panel)) * 0.01)
    return panel.select(
        *KEYS,
        return_7d=pl.col("return_7d") + first,
        return_7d_next_open=pl.col("return_7d") + first * 0.9,
        return_7d_next_close=pl.col("return_7d"),
    ).with_columns(target_7d=(10 * pl.col("return_7d")).tanh(), first=first)


OUTCOMES = outcomes()


def contender(name: str, score: pl.Expr | np.ndarray, **others: pl.Expr) -> pl.DataFrame:
    value = score if isinstance(score, pl.Expr) else pl.lit(pl.Series(score))
    return OUTCOMES.select(
        pl.lit(name).alias("model"), *KEYS, score_7d=value.cast(pl.Float64), **others
    )


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(OUTCOMES)) * 0.1


FORESIGHT = pl.col("first") * 5


def judged(*tables: pl.DataFrame, **options: object) -> HorizonEvaluation:
    table = pl.concat(tables, how="diagonal")
    return judge(table, OUTCOMES, (7,), seed=0, **options).horizons[7]  # type: ignore[arg-type]


def test_a_skill_that_the_first_day_takes_is_said_to_be_no_longer_shown_at_the_next_close() -> None:
    table = pl.concat([contender("dual_tower", FORESIGHT), contender("ridge", noise(1))])
    evaluation = judge(table, OUTCOMES, (7,), seed=0)
    found = evaluation.horizons[7]
    assert found.skill == found.entries["next_open"].skill == "better"
    assert found.entries["next_close"].skill == "unclear"
    assert "for an entry at the next open it is still there" in found.verdict
    assert "for an entry at the next close it is no longer shown" in found.verdict
    assert "no longer shown for an entry at the next close at 7 days" in evaluation.headline
    change = found.entries["next_close"].change
    assert change.high is not None
    assert change.high < 0


def test_the_rank_ic_of_a_later_entry_is_that_of_its_own_returns() -> None:
    found = judged(contender("dual_tower", FORESIGHT))
    columns = ("first", "return_7d_next_open")
    score, gain = (OUTCOMES[name].to_numpy().reshape(DATES, TICKERS) for name in columns)
    by_date = [spearmanr(s, g).statistic for s, g in zip(score, gain, strict=True)]
    assert found.entries["next_open"].model.rank_ic.value == pytest.approx(np.mean(by_date))


def test_rows_that_one_contender_lacks_count_for_none() -> None:
    whole = contender("dual_tower", FORESIGHT)
    partly = contender("ridge", noise(1)).filter(pl.int_range(pl.len()) % 3 > 0)
    found = judged(whole, partly)
    alone = judged(
        whole.join(partly, on=KEYS, how="semi"), partly.with_columns(model=pl.lit("momentum"))
    )
    assert found.rows == len(partly)
    assert found.model == alone.model
    assert found.controls["ridge"] == alone.controls["momentum"]


def test_differences_are_paired_and_their_sign_favours_the_model() -> None:
    truth = pl.col("target_7d")
    found = judged(
        contender("dual_tower", truth + 0.3 * pl.lit(pl.Series(noise(1)))),
        contender("constant", pl.lit(0.0)),
        contender("lightgbm", truth + 3 * pl.lit(pl.Series(noise(2)))),
    )
    assert {c.control: c.metric for c in found.comparisons} == {
        "constant": "mse",
        "lightgbm": "rank_ic",
    }
    for one in found.comparisons:
        model, other = (
            getattr(found.model, one.metric).value,
            getattr(found.controls[one.control], one.metric).value,
        )
        sign = -1 if one.metric == "mse" else 1
        assert one.difference.value == pytest.approx(sign * (model - other))
        assert one.outcome == "better"
    assert found.comparisons[1].sentence.startswith("beats LightGBM by 0.")


def test_a_model_without_use_of_its_context_is_told_so() -> None:
    found = judged(
        contender("dual_tower", FORESIGHT + 1e-3 * pl.lit(pl.Series(noise(1)))),
        contender("shuffled_context", FORESIGHT + 1e-3 * pl.lit(pl.Series(noise(2)))),
    )
    assert found.comparisons[0].sentence.startswith("no evidence that the context helps at 7 days")
    assert "no evidence that the context helps" in found.verdict
    helped = judged(contender("dual_tower", FORESIGHT), contender("shuffled_context", noise(2)))
    assert helped.comparisons[0].sentence.startswith("the context helps by 0.")


def test_other_contenders_are_compared_with_each_other_by_name() -> None:
    found = judged(
        contender("dual_tower", noise(0)),
        contender("lightgbm", noise(1)),
        contender("blend", pl.col("target_7d")),
    )
    assert [(p.contender, p.control, p.outcome) for p in found.pairs] == [
        ("blend", "lightgbm", "better"),
        ("blend", "dual_tower", "better"),
    ]
    assert found.pairs[0].sentence.startswith("the blend beats LightGBM by 0.")


def test_names_are_ordered_by_the_raw_score_and_errors_are_of_the_displayed_one() -> None:
    found = judged(contender("dual_tower", pl.lit(0.0), raw_7d=FORESIGHT))
    plain = judged(contender("dual_tower", FORESIGHT))
    assert found.model.rank_ic == plain.model.rank_ic
    assert found.model.mse.value == pytest.approx((OUTCOMES["target_7d"] ** 2).mean())
    assert found.portfolios["dual_tower"] == plain.portfolios["dual_tower"]


def test_portfolios_groups_and_reliability_are_in_the_judgement() -> None:
    found = judged(
        contender("dual_tower", FORESIGHT, pos_prob_7d=0.5 + FORESIGHT),
        contender("ridge", noise(1)),
    )
    assert [book.entry for book in found.portfolios["dual_tower"]] == [
        *("close", "next_open", "next_close")
    ]
    assert {b.bucket for b in found.buckets["dual_tower"]} == {"2015", "2016"}
    assert list(found.reliability) == ["dual_tower"]


def test_an_evaluation_comes_back_from_json_and_so_does_that_of_an_older_program() -> None:
    table = pl.concat([contender("dual_tower", FORESIGHT), contender("ridge", noise(1))])
    attempt = Attempt("now", "a", (Trial("then", "b", {7: judged(table).rank_ics}),))
    evaluation = judge(table, OUTCOMES, (7,), seed=0, attempt=attempt)
    plain = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    assert Evaluation.from_dict(plain) == evaluation
    known = ("mse", "mae", "correlation", "direction_accuracy", "f1", "rank_ic")
    old = plain["horizons"]["7d"]
    for name in ("pairs", "entries", "reliability", "portfolios", "buckets", "rank_ics", "tried"):
        del old[name]
    old["model"] = {name: old["model"][name] for name in known}
    again = Evaluation.from_dict(plain).horizons[7]
    assert again.model.rank_ic == evaluation.horizons[7].model.rank_ic
    assert again.model.brier.value is None
    assert again.entries == {}


def test_the_best_of_many_variants_is_named_in_the_verdict() -> None:
    table = pl.concat([contender("dual_tower", FORESIGHT), contender("lightgbm", noise(9))])
    before = tuple(
        Trial(f"try {i}", f"variant {i}", {7: judged(contender("dual_tower", noise(i))).rank_ics})
        for i in range(3)
    )
    evaluation = judge(table, OUTCOMES, (7,), seed=0, attempt=Attempt("now", "own", before))
    tried = evaluation.horizons[7].tried
    assert tried is not None
    assert (tried.count, tried.tested, tried.best, tried.reference) == (4, 4, "now", "lightgbm")
    verdict = evaluation.horizons[7].verdict
    assert (
        "the best of 4 variants tried on these data shows more than chance would give "
        "(p < 0.001) and is shown to exceed LightGBM (p < 0.001)" in verdict
    )


def test_the_test_of_variants_claims_no_more_than_an_interval_of_95_percent() -> None:
    found = judged(contender("dual_tower", FORESIGHT), contender("lightgbm", noise(9)))
    near = Tried(("now",), 1, "now", p_chance=0.031, reference="lightgbm", p_reference=0.031)
    assert (
        "the one variant tried on these data shows no more than chance would give (p = 0.031) "
        "and is not shown to exceed LightGBM (p = 0.031)"
        in horizon_verdict(replace(found, tried=near))
    )


def test_a_variant_as_good_as_the_reference_is_not_said_to_exceed_it() -> None:
    table = pl.concat([contender(name, FORESIGHT) for name in ("dual_tower", "lightgbm")])
    options = {"seed": 0, "attempt": Attempt("now", "own")}
    found = judge(table, OUTCOMES, (7,), **options).horizons[7]  # type: ignore[arg-type]
    assert "more than chance would give (p < 0.001) and is not shown to exceed LightGBM (p = 1" in (
        found.verdict
    )
    turned = judge(table, OUTCOMES, (7,), main="lightgbm", **options)  # type: ignore[arg-type]
    assert "to exceed" not in turned.horizons[7].verdict  # nothing is a reference for itself


def test_a_day_is_a_day() -> None:
    names = {name: name.replace("7d", "1d") for name in OUTCOMES.columns}
    table = pl.concat([contender("dual_tower", FORESIGHT), contender("ridge", noise(9))])
    found = judge(table.rename({"score_7d": "score_1d"}), OUTCOMES.rename(names), (1,), seed=0)
    assert found.headline.startswith("Skill found at 1 day")
    sentences = [c.sentence for c in found.horizons[1].comparisons]
    assert "1 days" not in " ".join([str(found), *sentences])
    assert all("at 1 day [" in sentence for sentence in sentences)


def test_what_cannot_be_judged_is_refused() -> None:
    table = contender("dual_tower", noise(0))
    with pytest.raises(DataError, match="must hold a ticker and as_of once"):
        judge(pl.concat([table, table.head(2)]), OUTCOMES, (7,), seed=0)
    with pytest.raises(DataError, match="'blend'"):
        judge(table, OUTCOMES, (7,), seed=0, main="blend")
    with pytest.raises(DataError, match="target_30d"):
        judge(table.with_columns(score_30d="score_7d"), OUTCOMES, (7, 30), seed=0)


def test_the_order_of_rows_changes_nothing() -> None:
    table = pl.concat([contender("dual_tower", FORESIGHT), contender("ridge", noise(1))])
    shuffled = judge(
        table.sample(fraction=1, shuffle=True, seed=1),
        OUTCOMES.sample(fraction=1, shuffle=True, seed=2),
        (7,),
        seed=0,
    )
    assert shuffled == judge(table, OUTCOMES, (7,), seed=0)
