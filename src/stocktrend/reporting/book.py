"""What the ranking would have earned: tenths of the scores, the top less the bottom, and costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from stocktrend.evaluation.portfolio import Cohorts, Portfolio
from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.evaluation.rows import Tables
from stocktrend.reporting.charts import HORIZON_COLOURS, Figure, whiskers
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.controls import entry_label
from stocktrend.reporting.section import Section
from stocktrend.targets import ENTRIES, entry_return

MOST_POINTS = 250


@dataclass(frozen=True)
class Earned:
    """A book's return added up, not compounded: shares of the capital on each side.

    Attributes:
        days: ISO dates on which a cohort was bought.
        gross, net: Sums up to each, before and after costs.
    """

    days: tuple[str, ...]
    gross: tuple[float, ...]
    net: tuple[float, ...]


def book_section(contents: ReportContents) -> Section | None:
    """None where no return is known, or before an evaluation."""
    evaluation = contents.evaluation
    if evaluation is None:
        return None
    main = evaluation.main
    judged = [f for f in evaluation.horizons.values() if f.portfolios.get(main)]
    if not judged:
        return None
    charts = {f"groups-{f.horizon}": group_chart(f.portfolios[main]) for f in judged}
    grown = {} if contents.tested.is_empty() else _earned(contents, judged, main)
    charts |= {f"earned-{h}": earned_chart(of_entries) for h, of_entries in grown.items()}
    parts = {
        "found": [(f, _by_entry(f)) for f in judged],
        "grown": set(grown),
        "costs_bp": judged[0].portfolios[main][0].costs_bp,
    }
    return Section(parts, charts)


def _by_entry(found: HorizonEvaluation) -> dict[str, dict[str, Portfolio]]:
    """Words of an entry -> contender -> its book."""
    return {
        f"at the {entry_label(entry)}": of_entry
        for entry in ENTRIES
        if (
            of_entry := {
                name: book
                for name, books in found.portfolios.items()
                for book in books
                if book.entry == entry
            }
        )
    }


def _earned(
    contents: ReportContents, judged: list[HorizonEvaluation], main: str
) -> dict[int, dict[str, Earned]]:
    """Horizon -> entry -> what the main model's book earned on the judged rows."""
    tables = Tables.match(contents.tested, contents.outcomes, contents.horizons)
    found: dict[int, dict[str, Earned]] = {}
    for one in judged:
        sample = tables.sample(one.horizon)
        rows = sample.rows.with_columns(pl.Series("score", sample.said[main].raw))
        for book in one.portfolios[main]:
            gain = entry_return(one.horizon, book.entry)
            if gain in rows.columns:
                cohorts = Cohorts.of(rows, one.horizon, score="score", gain=gain)
                earned = added_up(cohorts, one.horizon, book.costs_bp)
                found.setdefault(one.horizon, {})[book.entry] = earned
    return found


def added_up(cohorts: Cohorts, horizon: int, costs_bp: float) -> Earned:
    """Each cohort's return, as the part of a horizon that lies between two dates has of it.

    So the sums grow by the portfolio's return a year in each year, on average.
    """
    days, spread = cohorts.days, cohorts.spread
    part = min(1.0, cohorts.apart / horizon)
    gross = np.cumsum(spread) * part
    net = np.cumsum(spread - cohorts.traded * costs_bp / 1e4) * part
    every = -(-len(days) // MOST_POINTS)
    kept = range(len(days) - 1, -1, -every)[::-1]
    return Earned(
        tuple(str(days[i])[:10] for i in kept),
        *(tuple(round(float(sums[i]), 5) for i in kept) for sums in (gross, net)),
    )


def group_chart(books: tuple[Portfolio, ...]) -> Figure:
    """Mean return of each group, for each entry."""
    bars = [
        {
            "type": "bar",
            "name": entry_label(book.entry),
            "x": list(range(1, len(book.groups) + 1)),
            "y": [group.value for group in book.groups],
            "marker": {"color": HORIZON_COLOURS[number]},
            "error_y": whiskers(book.groups, "var(--text)"),
            "hovertemplate": "group %{x}: %{y:.2%}<extra>" + entry_label(book.entry) + "</extra>",
        }
        for number, book in enumerate(books)
    ]
    layout = {
        "barmode": "group",
        "xaxis": {"title": {"text": "scores, lowest to highest"}, "dtick": 1, "showgrid": False},
        "yaxis": {"title": {"text": "mean return"}, "zeroline": True, "tickformat": ".1%"},
        "showlegend": True,
    }
    return {"data": bars, "layout": layout}


def earned_chart(of_entries: Mapping[str, Earned]) -> Figure:
    """Top less bottom added up, before costs for the first entry and after costs for each."""
    lines = []
    for number, (entry, earned) in enumerate(of_entries.items()):
        for kind, values, dash in (("gross", earned.gross, "dot"), ("net", earned.net, "solid")):
            if kind == "net" or not number:
                name = f"{kind}, {entry_label(entry)}"
                lines.append(
                    {
                        "type": "scatter",
                        "mode": "lines",
                        "name": name,
                        "x": list(earned.days),
                        "y": list(values),
                        "line": {"color": HORIZON_COLOURS[number], "width": 1.7, "dash": dash},
                        "hovertemplate": "%{x}: %{y:.1%}<extra>" + name + "</extra>",
                    }
                )
    layout = {
        "xaxis": {"type": "date", "showgrid": False, "nticks": 6, "tickangle": 0},
        "yaxis": {"title": {"text": "sum of returns"}, "zeroline": True, "tickformat": ".0%"},
        "showlegend": True,
    }
    return {"data": lines, "layout": layout}
