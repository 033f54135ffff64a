"""The report page: one HTML file that needs no network."""

import html
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from stocktrend.atomic import write_bytes
from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.results import Comparison, Evaluation
from stocktrend.evaluation.verdict import METRIC_WORDS, PARTS_OF_THE_MODEL, decimals
from stocktrend.reporting import charts, stocks, tables
from stocktrend.reporting.book import book_section
from stocktrend.reporting.calibrated import calibration_section
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.controls import controls_section
from stocktrend.reporting.disagreement import disagreement_section
from stocktrend.reporting.groups import groups_section
from stocktrend.reporting.skill import skill_section

MINUS = "\u2212"
TITLES = {
    "freshness": "Freshness",
    "scores": "Scores",
    "stock": "Stock",
    "skill": "Over time",
    "controls": "Controls",
    "calibration": "Calibration",
    "book": "Long-short",
    "groups": "Groups",
    "disagreement": "Disagreement",
    "training": "Training",
    "folds": "Folds",
    "data": "Data",
    "coverage": "Coverage",
    "audit": "Audit",
    "quarantine": "Quarantine",
    "settings": "Settings",
}
"""Sections in their order, by the id that their links and templates have, with their links."""

FULL_BAR = 0.1
"""Least score that a full bar stands for: about +1%, so that a run without skill looks like one."""


def write_report(path: Path | str, contents: ReportContents) -> Path:
    """Write the page; see ``render_report``.

    Returns:
        The path written. The file appears whole or not at all.
    """
    write_bytes(Path(path), render_report(contents).encode())
    return Path(path)


def render_report(contents: ReportContents) -> str:
    """The page as text: data, style, script and plotly.js all within.

    Every text from data (tickers, headlines, paths) is escaped; the same contents give the same
    text.
    """
    parts = sections(contents)
    data = {
        "charts": parts.pop("charts"),
        "metrics": charts.metric_charts(contents.histories),
        "stocks": stocks.stocks(contents),
    }
    return rendered("page.html.j2", parts, data)


def rendered(template: str, parts: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """A template filled: ``parts`` by name, ``data`` for the page's script, all within one file."""
    # Templates and a 5 MB library: loaded when a report is made, not when the package is imported
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("stocktrend.reporting", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "signed": signed,
        "share": share,
        "count": count,
        "day": day,
        "figure": figure,
        "bounds": bounds,
        "decimal": decimal,
        "percent": percent,
        "probability": probability,
        "contender": charts.label,
        "metric": METRIC_WORDS.__getitem__,
        "code": code,
        "capital": lambda text: text[:1].upper() + text[1:],
        "minus": lambda text: re.sub(r"(?<![\w-])-(?=\d)", MINUS, text),
    }
    source = environment.loader
    assert source is not None
    style, script = (source.get_source(environment, name)[0] for name in ("page.css", "page.js"))
    return environment.get_template(template).render(
        **parts, style=style, script=script, plotly=get_plotlyjs(), data=embedded(data)
    )


def code(text: str) -> str:
    """Text as HTML: escaped, and what stands between backticks as code.

    >>> code("Run `a < b`.")
    'Run <code>a &lt; b</code>.'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def sections(contents: ReportContents) -> dict[str, Any]:
    """What the template shows, and under ``charts`` the charts by the id of their place."""
    years, coverage = tables.coverage(contents.panel, contents.own)
    evaluation, horizons = contents.evaluation, contents.horizons
    scores = tables.score_rows(contents)
    charted = stocks.chosen(contents) if len(contents.prices) else []
    judged = {
        "skill": skill_section(contents),
        "controls": controls_section(contents),
        "calibration": calibration_section(contents),
        "book": book_section(contents),
        "groups": groups_section(contents),
        "disagreement": disagreement_section(contents),
    }
    parts = {
        "contents": contents,
        "as_of": tables.as_of_day(contents),
        "evaluation": evaluation,
        "horizons": list(evaluation.horizons.values()) if evaluation else [],
        "unhelpful": unhelpful(evaluation),
        "scores": scores,
        "widest": [_widest(row.values[i][0] for row in scores) for i in range(len(horizons))],
        "stocks": charted,
        "strongest": scores[0].ticker if scores else None,
        "all_up_to": stocks.ALL_UP_TO,
        **{name: section.parts for name, section in judged.items() if section},
        "freshness": tables.freshness(contents),
        "ingest": tables.ingest_sources(contents),
        "refused": tables.refused(contents),
        "years": years,
        "coverage": coverage,
        "settings": list(tables.flattened(contents.settings)),
        "audit": contents.audit,
        "versions": list(tables.flattened(contents.versions)),
        "metric_curves": {n: charts.metric_words(n) for n in charts.metric_charts(contents.histories)},
    }
    there = {
        **dict.fromkeys(TITLES, False),
        **{name: section is not None for name, section in judged.items()},
        "scores": bool(scores),
        "stock": bool(charted),
        "training": bool(contents.histories),
        "folds": bool(contents.folds),
        "freshness": bool(parts["ingest"] or contents.universe or contents.revised),
        "data": bool(parts["ingest"]),
        "coverage": bool(coverage),
        "audit": contents.audit is not None,
        "quarantine": bool(parts["ingest"] or parts["refused"]),
        "settings": bool(parts["settings"] or parts["versions"]),
    }
    parts["shown"] = {name: title for name, title in TITLES.items() if there[name]}
    parts["charts"] = {
        id_: chart for section in judged.values() if section for id_, chart in section.charts.items()
    }
    if contents.histories:
        parts["charts"]["losses"] = charts.loss_chart(contents.histories)
    return parts


def unhelpful(evaluation: Evaluation | None) -> list[Comparison]:
    """Parts of the model that its figures without them do not show to help."""
    return [
        comparison
        for found in (evaluation.horizons.values() if evaluation else ())
        for comparison in found.comparisons
        if comparison.control in PARTS_OF_THE_MODEL and comparison.outcome in ("unclear", "worse")
    ]


def _widest(scores: Iterable[float | None]) -> float:
    """The largest size, which a full bar stands for; small scores alone get short bars."""
    return max((FULL_BAR, *(abs(score) for score in scores if score is not None)))


def embedded(data: Any) -> str:
    """JSON that no text in it can end early, for a script element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def signed(value: float | None, digits: int = 3) -> str:
    """With its sign, a true minus, and an en dash for nothing."""
    if value is None:
        return "–"
    return f"{value:+.{digits}f}".replace("-", MINUS)


def share(value: float | None) -> str:
    """A share as whole percent; what is not quite all or none does not round to it."""
    if value is None:
        return "–"
    if 0 < value < 0.005:
        return "<1%"
    if 0.995 <= value < 1:
        return ">99%"
    return f"{value:.0%}"


def count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def day(value: date | None) -> str:
    return "–" if value is None else value.isoformat()


def figure(estimate: Estimate, metric: str) -> str:
    """The value alone."""
    if estimate.value is None:
        return "–"
    return f"{estimate.value:.{decimals(metric)}f}".replace("-", MINUS)


def bounds(estimate: Estimate, metric: str) -> str:
    """The interval alone."""
    if estimate.low is None or estimate.high is None:
        return ""
    digits = decimals(metric)
    text = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"
    return text.replace("-", MINUS)


def decimal(value: float | None, digits: int) -> str:
    """With a true minus, and an en dash for nothing."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def percent(value: float | None) -> str:
    """With one decimal, where whole percent are too coarse."""
    return "–" if value is None else f"{value:.1%}".replace("-", MINUS)


def probability(value: float | None) -> str:
    """A p-value; no more is said of a very small one than that it is."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
