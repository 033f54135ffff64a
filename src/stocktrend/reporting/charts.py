"""The charts of the report as Plotly figures in plain dictionaries.

Colours are roles such as ``var(--accent)``: the page replaces them with what they stand for in
the light or dark scheme.
"""

import html
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.verdict import in_days, words

Figure = dict[str, Any]

HORIZON_COLOURS = ("var(--series-1)", "var(--series-2)", "var(--series-3)", "var(--series-4)")


@dataclass(frozen=True)
class Series:
    """Estimates that belong together: one a row of a forest plot, or one a step of a line."""

    name: str
    estimates: Sequence[Estimate]
    colour: str
    symbol: str = "circle"


def label(contender: str) -> str:
    """A contender as tables and charts show it.

    >>> label("stock_tower"), label("lightgbm")
    ('Stock tower alone', 'LightGBM')
    """
    name = words(contender).removeprefix("the ")
    return name[:1].upper() + name[1:]


def forest(rows: Sequence[str], series: Sequence[Series], digits: int = 3) -> Figure:
    """Estimates with their intervals as dots on lines, the first row on top.

    Args:
        rows: Labels; an empty one leaves a gap.
        series: Each with an estimate a row, drawn below each other within the row.
        digits: Decimals when hovering.
    """
    apart = 0.62 / max(1, len(series))
    traces = []
    for number, one in enumerate(series):
        shift = (number - (len(series) - 1) / 2) * apart
        shown = [(i, e) for i, e in enumerate(one.estimates) if e.value is not None]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": one.name,
                "x": [e.value for _, e in shown],
                "y": [round(i + shift, 3) for i, _ in shown],
                "text": [html.escape(rows[i]) for i, _ in shown],
                "marker": {"color": one.colour, "size": 8, "symbol": one.symbol},
                "error_x": whiskers([e for _, e in shown], one.colour),
                "hovertemplate": f"%{{text}}: %{{x:.{digits}f}}<extra>{one.name}</extra>",
            }
        )
    layout = {
        "xaxis": {"zeroline": True, "nticks": 6},
        "yaxis": {
            "tickvals": [i for i, row in enumerate(rows) if row],
            "ticktext": [wrapped(row) for row in rows if row],
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "automargin": True,
            "fixedrange": True,
        },
        "showlegend": len(series) > 1,
    }
    return {"data": traces, "layout": layout}


def forest_height(rows: int, series: int) -> int:
    """Pixels that a forest plot needs."""
    return 90 + rows * max(26, 13 * series)


def wrapped(text: str) -> str:
    """A label in lines of about 18 characters."""
    return "<br>".join(textwrap.wrap(html.escape(text, quote=False), 18)) or text


def whiskers(estimates: Sequence[Estimate], colour: str = "var(--muted)") -> Figure:
    """Error bars; none where there is no interval."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [_gap(e.high, e.value) for e in estimates],
        "arrayminus": [_gap(e.value, e.low) for e in estimates],
        "color": colour,
        "thickness": 1.3,
        "width": 3,
    }


def diagonal(low: float, high: float) -> Figure:
    """Where what was said and what came are equal."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [low, high],
        "y": [low, high],
        "line": {"color": "var(--muted)", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
        "showlegend": False,
    }


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
    return f"{words}, {in_days(int(horizon.removesuffix('d')))}"


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
