"""The charts of the report as Plotly figures in plain dictionaries.

Colours are roles such as ``var(--accent)``: the page replaces them with what they stand for in
the light or dark scheme.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.results import HorizonEvaluation

Figure = dict[str, Any]

MODEL = "Model"

HORIZON_COLOURS = ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)")


def named_metrics(found: HorizonEvaluation) -> dict[str, Metrics]:
    """The model and its controls by the names that tables and charts show, in their order."""
    controls = {name.replace("_", " ").capitalize(): m for name, m in found.controls.items()}
    return {MODEL: found.model} | controls


def decile_chart(found: HorizonEvaluation) -> Figure:
    """Mean outcome of each tenth of the scores with its interval, and the mean prediction."""
    tenths = list(range(1, len(found.deciles) + 1))
    outcomes = [d.target for d in found.deciles]
    bars = {
        "type": "bar",
        "name": "outcome",
        "x": tenths,
        "y": [o.value for o in outcomes],
        "marker": {"color": "var(--fill)", "line": {"color": "var(--series-1)", "width": 1}},
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [_gap(o.high, o.value) for o in outcomes],
            "arrayminus": [_gap(o.value, o.low) for o in outcomes],
            "color": "var(--muted)",
            "thickness": 1,
            "width": 3,
        },
        "hovertemplate": "tenth %{x}: outcome %{y:.3f}<extra></extra>",
    }
    predicted = {
        "type": "scatter",
        "mode": "markers",
        "name": "prediction",
        "x": tenths,
        "y": [d.score for d in found.deciles],
        "marker": {"color": "var(--series-2)", "size": 8, "symbol": "diamond"},
        "hovertemplate": "tenth %{x}: prediction %{y:.3f}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "scores, lowest to highest"}, "dtick": 1, "showgrid": False},
        "yaxis": {"title": {"text": "mean target"}, "zeroline": True},
    }
    return {"data": [bars, predicted], "layout": layout}


def skill_chart(found: HorizonEvaluation) -> Figure:
    """The judging metric of the model and of each control with its interval."""
    rows = [
        (name, estimate)
        for name, figures in named_metrics(found).items()
        if (estimate := getattr(figures, found.judged_by)).value is not None
    ]
    rows.reverse()
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": [e.value for _, e in rows],
        "y": [name for name, _ in rows],
        "marker": {
            "color": ["var(--series-1)" if n == MODEL else "var(--muted)" for n, _ in rows],
            "size": 9,
        },
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [_gap(e.high, e.value) for _, e in rows],
            "arrayminus": [_gap(e.value, e.low) for _, e in rows],
            "color": "var(--muted)",
            "thickness": 1.5,
            "width": 4,
        },
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
    layout = {
        "xaxis": {"zeroline": True},
        "yaxis": {"showgrid": False, "zeroline": False, "automargin": True},
        "showlegend": False,
    }
    return {"data": [points] if rows else [], "layout": layout}


def loss_chart(histories: Sequence[Mapping[str, Sequence[float]]]) -> Figure:
    """Training and validation loss of every member, by epoch."""
    traces = []
    for member, history in enumerate(histories, start=1):
        for key, name, colour, dash in (
            ("train_loss", "training", "var(--muted)", "dot"),
            ("val_loss", "validation", "var(--series-1)", "solid"),
        ):
            if key in history:
                trace = _curve(history[key], f"{name}, member {member}", colour)
                trace["line"]["dash"] = dash
                trace |= {"legendgroup": name, "name": name, "showlegend": member == 1}
                traces.append(trace)
    return {"data": traces, "layout": _by_epoch("loss", _longest(histories))}


def metric_charts(histories: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, Figure]:
    """Every validation metric of every member, by the metric's name."""
    names = [n for n in (histories[0] if histories else {}) if n not in ("train_loss", "val_loss")]
    return {
        name: {
            "data": [
                _curve(history.get(name, ()), f"member {member}", "var(--series-1)")
                for member, history in enumerate(histories, start=1)
            ],
            "layout": _by_epoch(metric_words(name), _longest(histories)) | {"showlegend": False},
        }
        for name in names
    }


def metric_words(name: str) -> str:
    """``direction_accuracy_7d`` as a person would write it."""
    metric, _, horizon = name.rpartition("_")
    if not metric or not horizon.removesuffix("d").isdigit():
        return name.replace("_", " ")
    words = {"mse": "MSE", "mae": "MAE"}.get(metric, metric.replace("_", " "))
    return f"{words}, {horizon.removesuffix('d')} days"


def _curve(values: Sequence[float], name: str, colour: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(values) < 15 else "lines",
        "x": list(range(1, len(values) + 1)),
        "y": [finite(v) for v in values],
        "name": name,
        "text": [name] * len(values),
        "line": {"color": colour, "width": 1.5},
        "marker": {"size": 5},
        "opacity": 0.75,
        "hovertemplate": "%{text}, epoch %{x}: %{y:.4f}<extra></extra>",
    }


def _by_epoch(title: str, epochs: int) -> Figure:
    ticks = {"dtick": 1} if epochs <= 10 else {"nticks": 8}
    return {
        "xaxis": {"title": {"text": "epoch"}, "tickformat": "d", "showgrid": False} | ticks,
        "yaxis": {"title": {"text": title}},
    }


def _longest(histories: Sequence[Mapping[str, Sequence[float]]]) -> int:
    return max((len(values) for history in histories for values in history.values()), default=0)


def _gap(upper: float | None, lower: float | None) -> float:
    return 0.0 if upper is None or lower is None else upper - lower


def finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity: they become null."""
    return value if value is not None and math.isfinite(value) else None
