"""Importance of models whose answer is known, and what scores are said to mean."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import torch
from torch import nn

from examples.importance import group_importance
from examples.interpretation import interpret
from examples.rows import Rows
from stocktrend.catalog import CONTEXT_FEATURES, POLICY_FEATURES
from stocktrend.errors import DataError

FIRST = datetime(2015, 1, 2, 21, tzinfo=UTC)
SHARED = CONTEXT_FEATURES.index(POLICY_FEATURES[0])


class ReadsOneFeature(nn.Module):
    """A model whose score at 7 days is one context feature."""

    horizons = (7,)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.place = CONTEXT_FEATURES.index(name)

    def forward(self, context: torch.Tensor, stock: torch.Tensor) -> dict[str, torch.Tensor]:
        rows = len(context)
        return {
            "score_7d": context[:, self.place],
            "logits_7d": torch.zeros(rows, 2),
            "context_embedding": torch.ones(rows, 2),
            "stock_embedding": torch.ones(rows, 2),
            "projected_stock": torch.ones(rows, 2),
        }


def rows_where(name: str, dates: int = 200, tickers: int = 5) -> Rows:
    """Random rows whose target is one context feature; those of the date are one a date."""
    generator = torch.Generator().manual_seed(0)
    context = torch.rand(dates * tickers, 25, generator=generator) - 0.5
    shared = torch.rand(dates, 25 - SHARED, generator=generator) - 0.5
    context[:, SHARED:] = shared.repeat_interleave(tickers, dim=0)
    keys = pl.DataFrame(
        {
            "ticker": [f"T{n}" for _ in range(dates) for n in range(tickers)],
            "as_of": [FIRST + timedelta(weeks=d) for d in range(dates) for _ in range(tickers)],
        }
    )
    labels = {"target_7d": context[:, CONTEXT_FEATURES.index(name)].clone()}
    return Rows(context, torch.zeros(len(context), 62), labels, keys)


@pytest.mark.parametrize(
    ("name", "group"),
    [("news_sentiment", "news"), ("policy_stance", "policy"), ("macro_vix", "macro")],
)
def test_only_the_feature_that_the_model_reads_is_important(name: str, group: str) -> None:
    rows = rows_where(name)
    importance = group_importance(ReadsOneFeature(name), rows, repeats=20)
    assert set(importance) == {"news", "policy", "macro"}
    # The error of a score taken from another date has twice the variance of the target.
    variance = float(rows.labels["target_7d"].var(correction=0))
    assert importance[group]["loss"] == pytest.approx(2 * variance, rel=0.1)
    assert importance[group]["correlation_7d"] == pytest.approx(1, abs=0.1)
    assert importance[group]["features"][name]["loss"] == importance[group]["loss"]
    others = [importance[g]["loss"] for g in importance if g != group]
    others += [one["loss"] for n, one in importance[group]["features"].items() if n != name]
    assert others == [0.0] * len(others)


def test_values_move_between_dates_and_not_within_them() -> None:
    rows = rows_where("macro_vix")
    one_date = rows.keys.with_columns(as_of=pl.lit(FIRST))
    with pytest.raises(DataError, match="all rows are of one date"):
        group_importance(
            ReadsOneFeature("macro_vix"), Rows(rows.context, rows.stock, rows.labels, one_date)
        )


def test_dates_without_names_are_told_by_what_their_rows_share() -> None:
    rows = rows_where("macro_vix")
    nameless = rows.keys.with_columns(as_of=pl.lit(None, dtype=pl.Datetime))
    found = group_importance(
        ReadsOneFeature("macro_vix"), Rows(rows.context, rows.stock, rows.labels, nameless), 20
    )
    variance = float(rows.labels["target_7d"].var(correction=0))
    assert found["macro"]["loss"] == pytest.approx(2 * variance, rel=0.1)


def test_scores_are_put_into_words_that_their_sign_and_size_deserve() -> None:
    predictions = pl.DataFrame(
        {
            "ticker": ["UP", "FLAT", "DOWN", "TORN"],
            "as_of": [FIRST] * 4,
            # tanh(10 r) of returns of 5%, 0.2%, -5% and 2%
            "score_7d": [math.tanh(x) for x in (0.5, 0.02, -0.5, 0.2)],
            "pos_prob_7d": [0.8, 0.5, 0.1, 0.4],
            "neg_prob_7d": [0.2, 0.5, 0.9, 0.6],
        }
    )
    rows = {row["name"].split()[0]: row for row in interpret(predictions, 7, 2).to_dicts()}
    assert list(rows) == ["UP", "TORN", "FLAT", "DOWN"]
    assert rows["UP"]["name"] == "UP 2015-01-02"
    assert [rows[n]["move"] for n in rows] == pytest.approx([0.05, 0.02, 0.002, -0.05])
    assert [rows[n]["strength"] for n in rows] == ["strong", "moderate", "none", "strong"]
    assert rows["UP"]["reading"] == "the context strongly supports the stock (+5.0%, P(up) 80%)"
    assert rows["DOWN"]["reading"] == (
        "the context works strongly against it: hedge or reduce (\N{MINUS SIGN}5.0%, P(down) 90%)"
    )
    assert rows["FLAT"]["reading"] == "no direction: leave it out"
    assert rows["TORN"]["reading"].startswith("no direction: the score says +2.0%")
