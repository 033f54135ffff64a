"""The page of a check: tables, findings, pictures of corrupt spells, coverage, rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from stocktrend.atomic import write_bytes
from stocktrend.quality import Finding, QualityReport, Rule
from stocktrend.quality.coverage import TableQuality
from stocktrend.quality.findings import SEVERITIES
from stocktrend.quality.report import Picture
from stocktrend.reporting.charts import Figure
from stocktrend.reporting.page import rendered

MOST_ROWS: Final = 40
"""Tickers of a heat map, and findings of a rule that are shown."""
ROW_HEIGHT: Final = 15
COLOURS: Final = {"error": "var(--negative)", "warning": "var(--series-3)", "note": "var(--muted)"}


@dataclass(frozen=True)
class Group:
    """The findings of one rule, the first of them shown."""

    rule: Rule
    findings: tuple[Finding, ...]
    shown: tuple[Finding, ...]
    subjects: int
    rows: int


def write_check(path: Path | str, report: QualityReport, title: str) -> Path:
    """Write the page of a check; it appears whole or not at all.

    Args:
        title: What was checked, such as the name of the data root.

    Returns:
        The path written.
    """
    write_bytes(Path(path), render_check(report, title).encode())
    return Path(path)


def render_check(report: QualityReport, title: str) -> str:
    """The page as text, with all that it needs within; text from data is escaped."""
    maps = [table for table in report.tables if table.months.height]
    charts = {
        "by-rule": rule_chart(groups(report)),
        **{f"map-{table.table}": heat_map(table) for table in maps},
        **{f"spell-{number}": spell_chart(p) for number, p in enumerate(report.pictures)},
    }
    parts = {
        "report": report,
        "title": title,
        "headline": headline(report),
        "no_spells": _no_spells(report),
        "groups": groups(report),
        "sources": [(t.table, row) for t in report.tables for row in t.sources.to_dicts()],
        "maps": [(t.table, heat_height(t), t.coverage.height > MOST_ROWS) for t in maps],
        "rule_height": 60 + 24 * len(groups(report)),
        "quarantine": report.quarantine.to_dicts(),
        "most": MOST_ROWS,
    }
    return rendered("quality.html.j2", parts, {"charts": charts})


def headline(report: QualityReport) -> str:
    """What matters most, in a sentence."""
    corrupt = report.corrupt()
    if corrupt.height:
        spells, tickers = corrupt.height, corrupt["ticker"].n_unique()
        return (
            f"{spells} corrupt {'spell' if spells == 1 else 'spells'} in the bars of "
            f"{tickers} {'ticker' if tickers == 1 else 'tickers'}."
        )
    read = report.corrupt_records()
    if read:
        return f"{read:,} {'record' if read == 1 else 'records'} in error, and still read."
    if report.count("error"):
        return "Errors, all of them left out already; no corrupt bar is read."
    return "No error was found." if not report.withheld() else _no_spells(report)


def groups(report: QualityReport) -> list[Group]:
    """The findings by rule, worst first."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    rules = {rule.name: rule for rule in report.rules}
    return [
        Group(
            rules[name],
            tuple(found),
            tuple(found[:MOST_ROWS]),
            len({f.subject for f in found}),
            sum(f.rows for f in found),
        )
        for name, found in by_rule.items()
    ]


def rule_chart(found: Iterable[Group]) -> Figure:
    """How many subjects each rule found something in, by severity."""
    rows = list(found)[::-1]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": severity,
            "x": [g.subjects if g.rule.severity == severity else None for g in rows],
            "y": [_words(g.rule.name) for g in rows],
            "marker": {"color": COLOURS[severity]},
            "hovertemplate": "%{y}: %{x}<extra></extra>",
        }
        for severity in SEVERITIES
    ]
    layout = {
        "barmode": "overlay",
        "xaxis": {"title": {"text": "tickers, series or sources"}},
        "yaxis": {"automargin": True, "showgrid": False},
        "bargap": 0.35,
    }
    return {"data": traces, "layout": layout}


def heat_height(table: TableQuality) -> int:
    """Pixels of a heat map."""
    return 70 + ROW_HEIGHT * max(4, min(MOST_ROWS, table.coverage.height))


def heat_map(table: TableQuality) -> Figure:
    """Tickers by months: of bars the share of sessions with one, of news the number of items."""
    names = table.coverage["subject"].head(MOST_ROWS).to_list()
    some = table.months.filter(pl.col("subject").is_in(names))
    months = some["month"].unique().sort().to_list()
    held = {(subject, month): value for subject, month, value in some.iter_rows()}
    cells = [[held.get((name, month)) for month in months] for name in reversed(names)]
    of_bars = table.table == "bars"
    unit = "of sessions: %{z:.0%}" if of_bars else "items: %{z:,}"
    scale = ["var(--negative)", "var(--fill)"] if of_bars else ["var(--fill)", "var(--series-1)"]
    trace = {
        "type": "heatmap",
        "x": [month.isoformat() for month in months],
        "y": list(reversed(names)),
        "z": [[None if cell is None else round(cell, 3) for cell in row] for row in cells],
        "colorscale": [[0, scale[0]], [1, scale[1]]],
        "xgap": 1 if len(months) <= 60 else 0,
        "ygap": 1,
        "zmin": 0,
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": ".0%" if of_bars else ",",
            "title": {"text": "", "side": "right"},
        },
        "hovertemplate": f"%{{y}}, %{{x|%Y-%m}}, {unit}<extra></extra>",
    } | ({"zmax": 1} if of_bars else {})
    layout = {
        "xaxis": {"type": "date", "showgrid": False},
        "yaxis": {"automargin": True, "showgrid": False, "dtick": 1, "tickfont": {"size": 10}},
    }
    return {"data": [trace], "layout": layout}


def spell_chart(picture: Picture) -> Figure:
    """Prices of a ticker, its corrupt spells shaded, beside the median of its peers."""
    sessions = [day.isoformat() for day in picture.prices["session"]]

    def line(name: str, column: str, colour: str, dash: str) -> Figure:
        values = picture.prices[column].round_sig_figs(5).to_list()
        return {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": sessions,
            "y": values,
            "line": {"color": colour, "width": 1.2, "dash": dash},
            "hovertemplate": f"%{{x}}: %{{y}}<extra>{name}</extra>",
        }

    shapes = [
        {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": first.isoformat(),
            "x1": last.isoformat(),
            "y0": 0,
            "y1": 1,
            "layer": "below",
            "fillcolor": "var(--negative)",
            "opacity": 0.22,
            "line": {"width": 1.5, "color": "var(--negative)"},
        }
        for first, last, _ in picture.spells
    ]
    layout = {
        "shapes": shapes,
        "xaxis": {"type": "date", "showgrid": False},
        "yaxis": {"type": "log", "nticks": 6, "title": {"text": "adjusted close"}},
    }
    lines = [
        line("peers", "peers", "var(--muted)", "dot"),
        line(picture.ticker, "price", "var(--series-1)", "solid"),
    ]
    return {"data": lines, "layout": layout}


def _no_spells(report: QualityReport) -> str:
    held = report.withheld()
    aside = f"; {held:,} {'bar is' if held == 1 else 'bars are'} withheld" if held else ""
    return f"No corrupt bar is read{aside}."


def _words(name: str) -> str:
    return name.replace("_", " ")
