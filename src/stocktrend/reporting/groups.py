"""Where the skill lies: by year, sector, thirds of the stocks, and calm or anxious dates."""

from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.buckets import BucketSkill
from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.reporting.charts import (
    HORIZON_COLOURS,
    Figure,
    Series,
    forest,
    forest_height,
    label,
)
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.section import Section

_KIND_WORDS = {
    "volatility_bucket": "{} volatility",
    "size_bucket": "{} size",
    "vix": "{} VIX",
}


def groups_section(contents: ReportContents) -> Section | None:
    """None where no group was judged."""
    evaluation = contents.evaluation
    horizons = list(evaluation.horizons.values()) if evaluation else []
    judged = [found for found in horizons if any(found.buckets.values())]
    if not judged:
        return None
    charts = {f"buckets-{found.horizon}": bucket_chart(found) for found in judged}
    heights = {
        found.horizon: forest_height(
            int(chart["layout"]["yaxis"]["range"][0] + 0.5), len(found.buckets)
        )
        for found, chart in zip(judged, charts.values(), strict=True)
    }
    return Section({"found": judged, "heights": heights, "label": group_label}, charts)


def group_label(bucket: BucketSkill) -> str:
    """A group as charts and tables call it."""
    text = _KIND_WORDS.get(bucket.kind, "{}").format(bucket.bucket)
    return text[:1].upper() + text[1:]


def bucket_chart(found: HorizonEvaluation) -> Figure:
    """Rank IC within each group, the kinds of groups apart from each other."""
    first = next(iter(found.buckets.values()))
    rows: list[str] = []
    places: list[int] = []
    for number, bucket in enumerate(first):
        if number and bucket.kind != first[number - 1].kind:
            rows.append("")
        places.append(len(rows))
        rows.append(group_label(bucket))
    series = []
    for number, (name, buckets) in enumerate(found.buckets.items()):
        estimates = [Estimate(None)] * len(rows)
        for place, bucket in zip(places, buckets, strict=True):
            estimates[place] = bucket.rank_ic
        series.append(
            Series(
                label(name), estimates, HORIZON_COLOURS[number], ("circle", "diamond")[number % 2]
            )
        )
    return forest(rows, series)
