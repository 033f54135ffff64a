"""Does the model err where its members disagree?"""

import polars as pl

from stocktrend.evaluation.disagreement import Disagreement, disagreements
from stocktrend.reporting.charts import Figure, whiskers
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.section import Section


def disagreement_section(contents: ReportContents) -> Section | None:
    """None where the members' spread is not known."""
    evaluation, tested = contents.evaluation, contents.tested
    if evaluation is None or tested.is_empty():
        return None
    found = disagreements(
        tested.filter(pl.col("model") == evaluation.main),
        contents.outcomes,
        contents.horizons,
        seed=evaluation.seed,
    )
    found = tuple(one for one in found if one.tenths)
    if not found:
        return None
    return Section(
        {"found": found}, {f"disagreement-{one.horizon}": error_chart(one) for one in found}
    )


def error_chart(found: Disagreement) -> Figure:
    """Mean size of the error of each tenth of the rows by spread."""
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [part.score for part in found.tenths],
        "y": [part.target.value for part in found.tenths],
        "line": {"color": "var(--series-1)", "width": 1.2},
        "marker": {"color": "var(--series-1)", "size": 7},
        "error_y": whiskers([part.target for part in found.tenths], "var(--series-1)"),
        "hovertemplate": "spread %{x:.3f}: error %{y:.3f}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "mean spread of the members"}, "nticks": 6},
        "yaxis": {"title": {"text": "mean size of the error"}},
        "showlegend": False,
    }
    return {"data": [points], "layout": layout}
