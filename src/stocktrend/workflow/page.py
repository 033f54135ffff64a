"""Gathers what the HTML report shows, and writes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend._version import __version__
from stocktrend.errors import ModelError
from stocktrend.ingestion import last_report
from stocktrend.lake import Lake
from stocktrend.reporting import ReportContents, write_report
from stocktrend.workflow.places import lake_folder, libraries
from stocktrend.workflow.run import REPORT_FILE, Run, kept_audit


def report(run: Run, path: Path | str | None = None, *, created: datetime | None = None) -> Path:
    """Write the HTML report of a run.

    Args:
        run: Trained; evaluated, if the report is to have a verdict.
        path: Default: ``report.html`` in the run's folder.
        created: Time shown on the page. Default: now.

    Returns:
        Where the page lies.

    Raises:
        ModelError: the run has no folder and no path is given.
    """
    if path is None:
        if run.folder is None:
            raise ModelError(
                f"run {run.id} has no folder, so the report needs a place: pass path='report.html'"
            )
        path = run.folder / REPORT_FILE
    lake = None if run.folder is None else Lake(lake_folder(run.folder.parents[1]))
    write_report(Path(path), _contents(run, lake, created or datetime.now(UTC)))
    return Path(path)


def _contents(run: Run, lake: Lake | None, created: datetime) -> ReportContents:
    prices = pl.DataFrame() if lake is None else lake.read("bars")
    observations = pl.DataFrame() if lake is None else lake.read("macro")
    summary = None if run.folder is None else last_report(run.folder.parents[1])
    audit = kept_audit(run)
    revised: list[str] = []
    if observations.height:
        revised = observations.filter("revised")["series"].unique().sort().to_list()
    return ReportContents(
        created=created,
        title=run.id,
        horizons=run.settings.horizons,
        predictions=run.predictions,
        latest=run.latest(),
        panel=run.panel,
        prices=prices.select("ticker", "session", "adj_close") if prices.height else prices,
        evaluation=run.evaluation,
        histories=run.forecaster.ensemble.histories,
        ingest=None if summary is None else summary.to_dict(),
        quarantine=pl.DataFrame() if lake is None else lake.quarantine(),
        settings=_settings(run),
        versions=_versions(run.versions),
        own=run.forecaster.inputs.own,
        revised=revised,
        warnings=[*run.warnings, *_found(audit)],
        universe=None if run.universe is None else run.universe.sentence,
        audit=audit,
        interval=run.forecaster.intervals.coverage,
    )


def _found(audit: Mapping[str, Any] | None) -> list[str]:
    """What an audit says against the run."""
    return [] if audit is None or audit["clean"] else [audit["headline"].removesuffix(".")]


def _settings(run: Run) -> dict[str, Any]:
    content = run.settings.model_dump(mode="json")
    return content | {"preset": run.preset, "recipe": run.recipe.model_dump(mode="json")}


def _versions(tables: Mapping[str, int]) -> dict[str, str]:
    lake = {f"lake table {name}": str(number) for name, number in tables.items()}
    return {"stocktrend": __version__} | libraries() | lake
