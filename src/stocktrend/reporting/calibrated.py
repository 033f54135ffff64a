"""Do probabilities, scores and intervals hold what they promise?"""

from collections.abc import Mapping, Sequence

from stocktrend.evaluation.coverage import GroupCoverage
from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.evaluation.verdict import in_days
from stocktrend.reporting.charts import (
    HORIZON_COLOURS,
    Figure,
    diagonal,
    forest_height,
    label,
    whiskers,
    wrapped,
)
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.section import Section

SYMBOLS = ("circle", "diamond", "square", "cross")

Groups = Mapping[int, Sequence[GroupCoverage]]
"""Horizon -> groups."""

BESIDE = ("ridge", "lightgbm", "blend")
"""Shown beside the main model's reliability, without intervals."""


def calibration_section(contents: ReportContents) -> Section | None:
    """None where nothing was judged of it."""
    evaluation = contents.evaluation
    if evaluation is None:
        return None
    judged = [found for found in evaluation.horizons.values() if found.rows]
    reliable = [f for f in judged if evaluation.main in f.reliability]
    binned = [f for f in judged if f.deciles]
    covered = {f.horizon: f.coverage for f in judged if evaluation.main in f.coverage}
    of_main = {horizon: found[evaluation.main] for horizon, found in covered.items()}
    if not (reliable or binned or covered):
        return None
    charts = {f"reliability-{f.horizon}": reliability_chart(f, evaluation.main) for f in reliable}
    charts |= {f"deciles-{f.horizon}": score_chart(f) for f in binned}
    if of_main:
        charts["coverage"] = coverage_chart(of_main, contents.interval)
        charts["width"] = width_chart(of_main)
    labels = {group_label(group) for groups in of_main.values() for group in groups}
    parts = {
        "main": evaluation.main,
        "reliable": reliable,
        "binned": binned,
        "groups": of_main,
        "group_label": group_label,
        "covered": covered,
        "several": any(len(found) > 1 for found in covered.values()),
        "height": forest_height(len(labels), len(of_main)),
    }
    return Section(parts, charts)


def reliability_chart(found: HorizonEvaluation, main: str) -> Figure:
    """Share that rose, by the probability of a rise that was given."""
    traces = []
    named = [name for name in (*BESIDE[::-1], main) if name in found.reliability]
    for name in named:
        parts = found.reliability[name].parts
        place = 0 if name == main else 1 + BESIDE.index(name)
        colour = HORIZON_COLOURS[place]
        trace: Figure = {
            "type": "scatter",
            "mode": "markers",
            "name": label(name),
            "x": [part.probability for part in parts],
            "y": [part.rose.value for part in parts],
            "marker": {"color": colour, "size": 8 if name == main else 7, "symbol": SYMBOLS[place]},
            "hovertemplate": "given %{x:.2f}: rose %{y:.2f}<extra>" + label(name) + "</extra>",
        }
        if name == main:
            trace["error_y"] = whiskers([part.rose for part in parts], colour)
        traces.append(trace)
    said = [x for trace in traces for x in trace["x"]]
    layout = {
        "xaxis": {"title": {"text": "probability of a rise given"}, "nticks": 6},
        "yaxis": {"title": {"text": "share that rose"}},
        "showlegend": True,
        "legend": {"traceorder": "reversed"},
    }
    return {"data": [diagonal(min(said), max(said)), *traces], "layout": layout}


def score_chart(found: HorizonEvaluation) -> Figure:
    """Mean target of each tenth of the scores, over its mean score."""
    scores = [part.score for part in found.deciles]
    points = {
        "type": "scatter",
        "mode": "markers",
        "x": scores,
        "y": [part.target.value for part in found.deciles],
        "marker": {"color": "var(--series-1)", "size": 8},
        "error_y": whiskers([part.target for part in found.deciles], "var(--series-1)"),
        "hovertemplate": "score %{x:.3f}: outcome %{y:.3f}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "mean score of the tenth"}, "nticks": 6},
        "yaxis": {"title": {"text": "mean target"}, "zeroline": True},
        "showlegend": False,
    }
    return {"data": [diagonal(min(scores), max(scores)), points], "layout": layout}


def coverage_chart(groups: Groups, promised: float) -> Figure:
    """Share of targets within their interval, by group, beside what was promised."""
    figure = _by_group(groups, "coverage", ".0%")
    figure["layout"]["xaxis"]["tickformat"] = ".0%"
    line = {"color": "var(--muted)", "width": 1, "dash": "dot"}
    ends = {"x0": promised, "x1": promised, "y0": 0, "y1": 1}
    figure["layout"]["shapes"] = [
        {"type": "line", "xref": "x", "yref": "paper", "line": line} | ends
    ]
    return figure


def width_chart(groups: Groups) -> Figure:
    """Mean width of the intervals, by group."""
    figure = _by_group(groups, "width", ".2f")
    figure["layout"]["xaxis"]["rangemode"] = "tozero"
    return figure


def group_label(group: GroupCoverage) -> str:
    """A group as charts and tables call it."""
    words = {"all": "All rows", "year": group.group, "volatility": f"{group.group} volatility"}
    return words[group.kind].capitalize()


def _by_group(groups: Groups, figure: str, form: str) -> Figure:
    order = dict.fromkeys(group_label(group) for shown in groups.values() for group in shown)
    labels = list(order)
    traces = []
    for number, (horizon, shown) in enumerate(groups.items()):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": in_days(horizon),
                "x": [getattr(group, figure) for group in shown],
                "y": [labels.index(group_label(group)) for group in shown],
                "text": [group_label(group) for group in shown],
                "marker": {
                    "color": HORIZON_COLOURS[number % len(HORIZON_COLOURS)],
                    "size": 9,
                    "symbol": SYMBOLS[number % 4],
                },
                "hovertemplate": f"%{{text}}: %{{x:{form}}}<extra>{in_days(horizon)}</extra>",
            }
        )
    layout = {
        "xaxis": {"nticks": 6},
        "yaxis": {
            "tickvals": list(range(len(labels))),
            "ticktext": [wrapped(name) for name in labels],
            "range": [len(labels) - 0.5, -0.5],
            "automargin": True,
            "fixedrange": True,
        },
        "showlegend": True,
    }
    return {"data": traces, "layout": layout}
