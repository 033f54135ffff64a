"""What a score means, in words."""

import math

import polars as pl

from stocktrend.reporting.page import share
from stocktrend.targets import NEUTRAL, TARGET_SCALE

STRONG = 0.3
"""Scores beyond this are called strong: a move of about 3%."""


def interpret(predictions: pl.DataFrame, horizon: int, count: int) -> pl.DataFrame:
    """The ``count`` highest, lowest and weakest scores of a horizon, highest first.

    Returns:
        ``horizon, name, score, move, pos_prob, neg_prob, strength, reading``; ``move`` is the
        return whose target is the score.
    """
    score = f"score_{horizon}d"
    ranked = predictions.sort(score, descending=True).with_row_index("rank")
    weakest = ranked.sort(pl.col(score).abs(), "rank").head(count)
    chosen = pl.concat([ranked.head(count), ranked.tail(count), weakest])
    rows = chosen.unique("rank").sort("rank").iter_rows(named=True)
    return pl.DataFrame([_line(row, horizon) for row in rows])


def _line(row: dict[str, object], horizon: int) -> dict[str, object]:
    score, up = row[f"score_{horizon}d"], row[f"pos_prob_{horizon}d"]
    day = f" {row['as_of']:%Y-%m-%d}" if row["as_of"] else ""
    move = math.atanh(max(-0.999, min(0.999, score))) / TARGET_SCALE
    return {
        "horizon": horizon,
        "name": f"{row['ticker']}{day}",
        "score": score,
        "move": move,
        "pos_prob": up,
        "neg_prob": row[f"neg_prob_{horizon}d"],
        "strength": strength(score),
        "reading": reading(score, move, up),
    }


def strength(score: float) -> str:
    """``none`` below 0.1, where targets have no direction; ``moderate``; ``strong`` from 0.3 on."""
    if abs(score) < NEUTRAL:
        return "none"
    return "strong" if abs(score) >= STRONG else "moderate"


def reading(score: float, move: float, up: float) -> str:
    """One sentence about a score and the probability of a rise."""
    if abs(score) < NEUTRAL:
        return "no direction: leave it out"
    if (up > 0.5) != (score > 0):
        return f"no direction: the score says {move:+.1%}, P(up) {share(up)} the opposite".replace(
            "-", "\N{MINUS SIGN}"
        )
    odds = (
        f"{move:+.1%}, P(up) {share(up)}" if score > 0 else f"{move:+.1%}, P(down) {share(1 - up)}"
    )
    how = "strongly " if abs(score) >= STRONG else ""
    if score > 0:
        return f"the context {how}supports the stock ({odds})"
    remedy = "hedge or reduce" if how else "do not add, hedge a part"
    return f"the context works {how}against it: {remedy} ({odds})".replace("-", "\N{MINUS SIGN}")
