"""The examples' charts as Plotly figures in the colours of the report."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import polars as pl

from stocktrend.reporting.charts import HORIZON_COLOURS, Figure, finite, loss_chart

GROUP_COLOURS = dict(zip(("news", "policy", "macro"), HORIZON_COLOURS, strict=False))
TENTHS = 10
STEP = 0.04
"""Width of a step of scores."""


def coloured(horizons: Sequence[int]) -> list[tuple[int, str]]:
    """Each horizon with its colour; after the last colour comes the first again."""
    return list(zip(horizons, cycle(HORIZON_COLOURS), strict=False))


def losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """Training and validation loss by epoch; a line marks the epoch whose weights were kept."""
    figure = loss_chart([history])
    values = history["val_loss"]
    best = min(range(len(values)), key=values.__getitem__) + 1
    mark = {"color": "var(--muted)", "width": 1, "dash": "dash"}
    figure["layout"] |= {
        "shapes": [
            {"type": "line", "x0": best, "x1": best, "yref": "paper", "y0": 0, "y1": 1}
            | {"line": mark}
        ],
        "annotations": [
            {"x": best, "y": 1, "yref": "paper", "text": f"kept: epoch {best}"}
            | {"showarrow": False, "xanchor": "left", "yanchor": "top", "xshift": 4}
        ],
    }
    return figure


def validation_correlation(
    history: Mapping[str, Sequence[float]], horizons: Sequence[int]
) -> Figure:
    """Correlation of score and target on the validation rows by epoch."""
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"{h} days",
            "x": list(range(1, len(history[f"correlation_{h}d"]) + 1)),
            "y": [finite(value) for value in history[f"correlation_{h}d"]],
            "line": {"color": colour, "width": 1.5},
            "hovertemplate": f"{h} days, epoch %{{x}}: %{{y:.3f}}<extra></extra>",
        }
        for h, colour in coloured(horizons)
    ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "epoch"}, "tickformat": "d", "showgrid": False},
            "yaxis": {"title": {"text": "correlation"}, "zeroline": True},
        },
    }


def score_counts(predictions: pl.DataFrame, horizons: Sequence[int]) -> Figure:
    """How often each score occurs, as steps of ``STEP``."""
    places = [round(STEP * step, 2) for step in range(round(-1 / STEP), round(1 / STEP) + 1)]
    traces = []
    for h, colour in coloured(horizons):
        steps = (predictions[f"score_{h}d"] / STEP).round(0).cast(int)
        counts = dict(steps.value_counts().iter_rows())
        rows = [counts.get(round(place / STEP), 0) for place in places]
        seen = [number for number, count in enumerate(rows) if count]
        shown = slice(max(seen[0] - 1, 0), seen[-1] + 2)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": f"{h} days",
                "x": places[shown],
                "y": rows[shown],
                "line": {"color": colour, "width": 1.5, "shape": "hvh"},
                "hovertemplate": f"{h} days, score about %{{x}}: %{{y}} rows<extra></extra>",
            }
        )
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "score"}, "zeroline": True, "showgrid": False},
            "yaxis": {"title": {"text": "rows"}, "rangemode": "tozero"},
        },
    }


def scores_and_probabilities(predictions: pl.DataFrame, horizons: Sequence[int]) -> Figure:
    """The two outputs of each head against each other."""
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": f"{h} days",
            "x": [round(value, 4) for value in predictions[f"score_{h}d"]],
            "y": [round(value, 4) for value in predictions[f"pos_prob_{h}d"]],
            "marker": {"color": colour, "size": 4, "opacity": 0.5},
            "hovertemplate": f"{h} days: score %{{x:.2f}}, P(up) %{{y:.2f}}<extra></extra>",
        }
        for h, colour in coloured(horizons)
    ]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "score"}, "zeroline": True},
            "yaxis": {"title": {"text": "probability of a rise"}, "range": [0, 1]},
        },
    }


def strongest(rows: pl.DataFrame, horizon: int) -> Figure:
    """Scores of named rows as bars, the highest on top."""
    ordered = rows.sort("score")
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "x": ordered["score"].to_list(),
                "y": ordered["name"].to_list(),
                "marker": {
                    "color": [
                        "var(--positive)" if score > 0 else "var(--negative)"
                        for score in ordered["score"]
                    ]
                },
                "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": f"score at {horizon} days"}, "zeroline": True},
            "yaxis": {"automargin": True, "showgrid": False, "dtick": 1},
            "height": 80 + 26 * len(ordered),
        },
    }


def importance_bars(rows: Sequence[tuple[str, str, float, float]]) -> Figure:
    """Rise of the loss for each (name, group, rise, deviation), the largest on top."""
    groups = list(dict.fromkeys(group for _, group, _, _ in rows))
    traces = []
    for group in groups:
        own = [row for row in rows if row[1] == group]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": group,
                "x": [rise for _, _, rise, _ in own],
                "y": [name for name, _, _, _ in own],
                "error_x": {
                    "type": "data",
                    "array": [deviation for _, _, _, deviation in own],
                    "color": "var(--muted)",
                    "thickness": 1,
                    "width": 3,
                },
                "marker": {"color": GROUP_COLOURS[group]},
                "hovertemplate": "%{y}: %{x:+.4f}<extra></extra>",
            }
        )
    order = [name for name, _, _, _ in sorted(rows, key=lambda row: row[2])]
    return {
        "data": traces,
        "layout": {
            "xaxis": {"title": {"text": "rise of the loss"}, "zeroline": True},
            "yaxis": {
                "automargin": True,
                "showgrid": False,
                "dtick": 1,
                "categoryorder": "array",
                "categoryarray": order,
            },
            "showlegend": len(rows) > len(groups),
            "height": 110 + 24 * len(rows),
        },
    }


def outcome_by_score(predictions: pl.DataFrame, horizon: int, colour: str) -> Figure:
    """Every row's target over its score, and the mean of each tenth of the scores."""
    score, target = f"score_{horizon}d", f"target_{horizon}d"
    known = predictions.select(score, target).drop_nulls()
    tenth = (pl.col(score).rank("ordinal") - 1) * TENTHS // pl.len()
    means = known.group_by(tenth.alias("tenth")).agg(pl.all().mean()).sort("tenth")
    return {
        "data": [
            _points(known, score, target, "one row", "var(--muted)", size=4, opacity=0.35),
            _points(means, score, target, "mean of a tenth", colour, size=11, opacity=1.0),
        ],
        "layout": {
            "xaxis": {"title": {"text": f"score at {horizon} days"}, "zeroline": True},
            "yaxis": {"title": {"text": "target"}, "zeroline": True, "range": [-1.05, 1.05]},
            "height": 340,
        },
    }


def _points(
    frame: pl.DataFrame, x: str, y: str, name: str, colour: str, **marker: float
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(value, 4) for value in frame[x]],
        "y": [round(value, 4) for value in frame[y]],
        "marker": {"color": colour, **marker},
        "hovertemplate": "score %{x:.3f}, target %{y:.3f}<extra></extra>",
    }
