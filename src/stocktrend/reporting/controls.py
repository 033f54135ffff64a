"""Every contender's figures on the same rows, and the model's paired differences to each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.metrics import Metrics
from stocktrend.evaluation.results import Comparison, HorizonEvaluation
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

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "Order of the stocks": ("rank_ic", "icir", "demeaned_correlation", "median_accuracy"),
    "Size": ("correlation", "mse", "mae", "r2"),
    "Direction": ("direction_accuracy", "direction_gain", "f1", "mcc"),
    "Probabilities and intervals": ("brier", "calibration_error", "coverage", "width"),
}
SYMBOLS = ("circle", "diamond", "square")


def entry_label(entry: str) -> str:
    """An entry as legends call it.

    >>> entry_label("next_open")
    'next open'
    """
    return entry.replace("_", " ")


@dataclass(frozen=True)
class Entry:
    """All contenders for one entry, the main model first."""

    name: str
    rows: int
    metrics: Mapping[str, Metrics]
    comparisons: tuple[Comparison, ...]

    @property
    def words(self) -> str:
        return f"at the {entry_label(self.name)}"

    def families(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Names of tables and their metrics, as far as any contender has one of them."""
        for family, names in FAMILIES.items():
            known = tuple(name for name in names if self._defined(name))
            if known:
                yield family, known

    def _defined(self, metric: str) -> bool:
        return any(getattr(found, metric).value is not None for found in self.metrics.values())


def entries(found: HorizonEvaluation, main: str) -> tuple[Entry, ...]:
    """The close that the scores are made from, then the later ones."""
    at_close = Entry(
        "close", found.rows, {main: found.model} | dict(found.controls), found.comparisons
    )
    later = (
        Entry(name, e.rows, {main: e.model} | dict(e.controls), e.comparisons)
        for name, e in found.entries.items()
    )
    return (at_close, *later)


def controls_section(contents: ReportContents) -> Section | None:
    """None before an evaluation."""
    evaluation = contents.evaluation
    if evaluation is None:
        return None
    found = [(h, entries(h, evaluation.main)) for h in evaluation.horizons.values()]
    charts: dict[str, Figure] = {}
    heights: dict[str, int] = {}
    for horizon, of_entries in found:
        if horizon.rows:
            for kind, make in (("skill", skill_chart), ("differences", difference_chart)):
                chart = make(horizon.judged_by, of_entries)
                name = f"{kind}-{horizon.horizon}"
                if any(trace["x"] for trace in chart["data"]):
                    charts[name] = chart
                    rows = len(chart["layout"]["yaxis"]["tickvals"])
                    heights[name] = forest_height(rows, len(of_entries))
    order = found[0][1][0].metrics if found else {}
    candidates = {n: contents.candidates[n] for n in order if n in contents.candidates}
    parts = {"found": found, "heights": heights, "candidates": candidates}
    return Section(parts, charts)


def skill_chart(judged_by: str, of_entries: tuple[Entry, ...]) -> Figure:
    """The judging metric of every contender, for each entry."""
    names = [
        name
        for name, metrics in of_entries[0].metrics.items()
        if getattr(metrics, judged_by).value is not None
    ]
    return forest(
        [label(name) for name in names],
        [
            Series(
                entry_label(entry.name),
                [getattr(entry.metrics[name], judged_by) for name in names],
                HORIZON_COLOURS[number],
                SYMBOLS[number],
            )
            for number, entry in enumerate(of_entries)
        ],
    )


def difference_chart(judged_by: str, of_entries: tuple[Entry, ...]) -> Figure:
    """The model less each contender that is judged by the same metric, for each entry."""
    names = [c.control for c in of_entries[0].comparisons if c.metric == judged_by]
    series = []
    for number, entry in enumerate(of_entries):
        differences = {c.control: c.difference for c in entry.comparisons if c.metric == judged_by}
        series.append(
            Series(
                entry_label(entry.name),
                [differences.get(name, Estimate(None)) for name in names],
                HORIZON_COLOURS[number],
                SYMBOLS[number],
            )
        )
    return forest([label(name) for name in names], series)
