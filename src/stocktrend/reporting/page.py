"""The report page: one HTML file that needs no network."""

import html
import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from stocktrend.atomic import write_bytes
from stocktrend.evaluation.bootstrap import Estimate
from stocktrend.evaluation.verdict import METRIC_WORDS, decimals, in_days, words
from stocktrend.reporting import charts
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.sections import judged_sections, page_data, page_parts

MINUS = "\u2212"


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
    found = judged_sections(contents)
    return rendered("page.html.j2", page_parts(contents, found), page_data(contents, found))


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
        "words": words,
        "days": lambda found: in_days(*((found,) if isinstance(found, int) else found)),
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
