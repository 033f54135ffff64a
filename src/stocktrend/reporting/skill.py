"""Skill over time: rank ICs as a rolling mean, added up, and fold by fold."""

from itertools import cycle

import numpy as np

from stocktrend.evaluation.over_time import MOST_WINDOWS, OverTime, over_time
from stocktrend.reporting.charts import HORIZON_COLOURS, Figure, finite, label, whiskers
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.section import Section

FOLLOWED = ("ridge", "lightgbm", "blend")
"""Beside the main model; all contenders at once would be a tangle."""

DASHES = ("solid", "dash", "dot", "dashdot")


def skill_section(contents: ReportContents) -> Section | None:
    """None where no date has a rank IC."""
    evaluation = contents.evaluation
    if evaluation is None or contents.tested.is_empty():
        return None
    found = over_time(
        contents.tested,
        contents.outcomes,
        contents.horizons,
        models=(evaluation.main, *FOLLOWED),
        seed=evaluation.seed,
    )
    if not found:
        return None
    charts = {f"rolling-{one.horizon}": rolling_chart(one) for one in found}
    charts |= {f"cumulative-{one.horizon}": cumulative_chart(one) for one in found}
    several = [one for one in found if len(one.folds) > 1]
    charts |= {f"folds-{one.horizon}": fold_chart(one) for one in several}
    names = [label(name) for name in found[0].by_date]
    return Section({"found": found, "several": several, "names": names}, charts)


def rolling_chart(found: OverTime) -> Figure:
    """The rolling mean of each contender, and the interval of the main model's."""
    days = [_day(found.days[end]) for end in found.ends]
    main = next(iter(found.rolling.values()))
    bounded = [i for i, e in enumerate(main) if e.low is not None and e.high is not None]
    edge = {
        "type": "scatter",
        "mode": "lines",
        "hoverinfo": "skip",
        "line": {"width": 0},
        "opacity": 0.7,
    }
    band: list[Figure] = []
    if bounded:
        over = [days[i] for i in bounded]
        low, high = ([_short(getattr(main[i], side)) for i in bounded] for side in ("low", "high"))
        band = [
            edge | {"x": over, "y": low, "showlegend": False},
            edge
            | {"x": over, "y": high, "fill": "tonexty", "fillcolor": "var(--fill)"}
            | {"showlegend": False},
        ]
    lines = [
        _line(name, days, [_short(e.value) for e in means], colour, dash)
        for (name, means), (colour, dash) in zip(found.rolling.items(), _looks(), strict=False)
    ]
    return {"data": band + lines[::-1], "layout": _by_date("mean rank IC")}


def cumulative_chart(found: OverTime) -> Figure:
    """The sum of the rank ICs up to each date."""
    every = -(-len(found.days) // MOST_WINDOWS)
    kept = range(len(found.days) - 1, -1, -every)[::-1]
    days = [_day(found.days[i]) for i in kept]
    lines = []
    for (name, values), (colour, dash) in zip(found.by_date.items(), _looks(), strict=False):
        total = np.nancumsum(values)
        lines.append(_line(name, days, [_short(float(total[i])) for i in kept], colour, dash))
    return {"data": lines[::-1], "layout": _by_date("sum of rank ICs")}


def fold_chart(found: OverTime) -> Figure:
    """Mean rank IC of each fold with its interval."""
    bars = [
        {
            "type": "bar",
            "name": label(name),
            "x": [f"fold {fold}" for fold in found.folds],
            "y": [finite(e.value) for e in means],
            "marker": {"color": colour},
            "error_y": whiskers(means, "var(--text)"),
            "hovertemplate": "%{x}: %{y:.3f}<extra>" + label(name) + "</extra>",
        }
        for (name, means), (colour, _) in zip(found.by_fold.items(), _looks(), strict=False)
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.3,
        "xaxis": {"type": "category", "showgrid": False},
        "yaxis": {"title": {"text": "mean rank IC"}, "zeroline": True},
        "showlegend": True,
    }
    return {"data": bars, "layout": layout}


def _looks() -> "cycle[tuple[str, str]]":
    return cycle(zip(HORIZON_COLOURS, DASHES, strict=True))


def _line(name: str, days: list[str], values: list[float | None], colour: str, dash: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "x": days,
        "y": values,
        "line": {"color": colour, "width": 1.7, "dash": dash},
        "hovertemplate": "%{x}: %{y:.3f}<extra>" + label(name) + "</extra>",
    }


def _by_date(title: str) -> Figure:
    return {
        "xaxis": {"type": "date", "showgrid": False, "nticks": 6, "tickangle": 0},
        "yaxis": {"title": {"text": title}, "zeroline": True},
        "showlegend": True,
        "legend": {"traceorder": "reversed"},
    }


def _day(moment: np.datetime64) -> str:
    return str(moment)[:10]


def _short(value: float | None) -> float | None:
    return None if value is None else finite(round(value, 4))
