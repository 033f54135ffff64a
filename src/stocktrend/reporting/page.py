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
from stocktrend.evaluation.results import Evaluation
from stocktrend.evaluation.verdict import METRIC_WORDS, decimals
from stocktrend.reporting import charts, stocks, tables
from stocktrend.reporting.contents import ReportContents

MINUS = "\u2212"
SHOWN_METRICS = ("mse", "mae", "correlation", "direction_accuracy", "f1", "rank_ic")
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
    return rendered("page.html.j2", sections(contents), figures(contents))


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
    """What the template shows."""
    years, coverage = tables.coverage(contents.panel, contents.own)
    evaluation, horizons = contents.evaluation, contents.horizons
    scores = tables.score_rows(contents)
    return {
        "contents": contents,
        "as_of": tables.as_of_day(contents),
        "evaluation": evaluation,
        "horizons": list(evaluation.horizons.values()) if evaluation else [],
        "metric_names": SHOWN_METRICS,
        "scores": scores,
        "widest": [_widest(row.values[i][0] for row in scores) for i in range(len(horizons))],
        "freshness": tables.freshness(contents),
        "ingest": tables.ingest_sources(contents),
        "refused": tables.refused(contents),
        "years": years,
        "coverage": coverage,
        "settings": list(tables.flattened(contents.settings)),
        "audit": contents.audit,
        "versions": list(tables.flattened(contents.versions)),
        "metric_curves": {n: charts.metric_words(n) for n in _curves(contents)},
        "stocks": stocks.chosen(contents) if len(contents.prices) else [],
        "strongest": scores[0].ticker if scores else None,
        "all_up_to": stocks.ALL_UP_TO,
        "named_metrics": charts.named_metrics,
    }


def _widest(scores: Iterable[float | None]) -> float:
    """The largest size, which a full bar stands for; small scores alone get short bars."""
    return max((FULL_BAR, *(abs(score) for score in scores if score is not None)))


def figures(contents: ReportContents) -> dict[str, Any]:
    """All charts by the id of their place in the page."""
    evaluation: Evaluation | None = contents.evaluation
    found = evaluation.horizons if evaluation else {}
    return {
        "charts": {
            "losses": charts.loss_chart(contents.histories),
            **{f"skill-{h}": charts.skill_chart(f) for h, f in found.items()},
            **{f"deciles-{h}": charts.decile_chart(f) for h, f in found.items() if f.deciles},
        },
        "metrics": charts.metric_charts(contents.histories),
        "stocks": stocks.stocks(contents),
    }


def _curves(contents: ReportContents) -> list[str]:
    return list(charts.metric_charts(contents.histories))


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
