"""What the page shows of its contents: which sections, and what is in them."""

from collections.abc import Iterable, Mapping
from typing import Any

from stocktrend.evaluation.results import Comparison, Evaluation
from stocktrend.evaluation.verdict import PARTS_OF_THE_MODEL
from stocktrend.reporting import charts, stocks, tables
from stocktrend.reporting.book import book_section
from stocktrend.reporting.calibrated import calibration_section
from stocktrend.reporting.contents import ReportContents
from stocktrend.reporting.controls import controls_section
from stocktrend.reporting.disagreement import disagreement_section
from stocktrend.reporting.groups import groups_section
from stocktrend.reporting.section import Section
from stocktrend.reporting.skill import skill_section

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
"""Words of the links to the sections, in their order, by the names of their templates."""

FULL_BAR = 0.1
"""Least score that a full bar stands for: about +1%, so that a run without skill looks like one."""


def judged_sections(contents: ReportContents) -> dict[str, Section]:
    """The sections of the evaluation for which there is something to show."""
    found = {
        "skill": skill_section(contents),
        "controls": controls_section(contents),
        "calibration": calibration_section(contents),
        "book": book_section(contents),
        "groups": groups_section(contents),
        "disagreement": disagreement_section(contents),
    }
    return {name: section for name, section in found.items() if section is not None}


def page_parts(contents: ReportContents, judged: Mapping[str, Section]) -> dict[str, Any]:
    """What the template reads, by name; ``shown`` has the sections in their order."""
    years, coverage = tables.coverage(contents.panel, contents.own)
    evaluation, horizons = contents.evaluation, contents.horizons
    scores = tables.score_rows(contents)
    charted = stocks.chosen(contents) if len(contents.prices) else []
    curves = charts.metric_charts(contents.histories)
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
        "freshness": tables.freshness(contents),
        "ingest": tables.ingest_sources(contents),
        "refused": tables.refused(contents),
        "years": years,
        "coverage": coverage,
        "settings": list(tables.flattened(contents.settings)),
        "audit": contents.audit,
        "versions": list(tables.flattened(contents.versions)),
        "metric_curves": {name: charts.metric_words(name) for name in curves},
        **{name: section.parts for name, section in judged.items()},
    }
    there = {
        **dict.fromkeys(judged, True),
        "scores": scores,
        "stock": charted,
        "training": contents.histories,
        "folds": contents.folds,
        "freshness": parts["ingest"] or contents.universe or contents.revised,
        "data": parts["ingest"],
        "coverage": coverage,
        "audit": contents.audit,
        "quarantine": parts["ingest"] or parts["refused"],
        "settings": parts["settings"] or parts["versions"],
    }
    return parts | {"shown": {name: title for name, title in TITLES.items() if there.get(name)}}


def page_data(contents: ReportContents, judged: Mapping[str, Section]) -> dict[str, Any]:
    """What the page's script draws."""
    drawn = {id_: chart for section in judged.values() for id_, chart in section.charts.items()}
    if contents.histories:
        drawn["losses"] = charts.loss_chart(contents.histories)
    return {
        "charts": drawn,
        "metrics": charts.metric_charts(contents.histories),
        "stocks": stocks.stocks(contents),
    }


def unhelpful(evaluation: Evaluation | None) -> list[Comparison]:
    """Parts of the model that its figures beside those without them do not show to help."""
    return [
        comparison
        for found in (evaluation.horizons.values() if evaluation else ())
        for comparison in found.comparisons
        if comparison.control in PARTS_OF_THE_MODEL and comparison.outcome in ("unclear", "worse")
    ]


def _widest(scores: Iterable[float | None]) -> float:
    """The largest size, which a full bar stands for; small scores alone get short bars."""
    return max((FULL_BAR, *(abs(score) for score in scores if score is not None)))
