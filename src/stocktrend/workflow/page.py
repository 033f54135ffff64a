"""Gathers what the HTML report shows, and writes it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from stocktrend._version import __version__
from stocktrend.errors import ModelError
from stocktrend.evaluation.outcomes import outcomes
from stocktrend.evaluation.results import MAIN
from stocktrend.features.own import model_inputs
from stocktrend.features.own_files import load_features
from stocktrend.ingestion import last_report
from stocktrend.lake import Lake
from stocktrend.reporting import ReportContents, write_report
from stocktrend.workflow.material import stored_panel
from stocktrend.workflow.places import lake_folder, libraries
from stocktrend.workflow.run import REPORT_FILE, Run, kept_audit
from stocktrend.workflow.study import Study


def report(
    found: "Run | Study", path: Path | str | None = None, *, created: datetime | None = None
) -> Path:
    """Write the HTML report of a run or of a walk-forward study.

    Args:
        found: A study, or a trained run; evaluated, if the report is to have a verdict.
        path: Default: ``report.html`` in its folder.
        created: Time shown on the page. Default: now.

    Returns:
        Where the page lies.

    Raises:
        ModelError: it has no folder and no path is given.
    """
    if path is None:
        if found.folder is None:
            raise ModelError(
                f"{found.id} has no folder, so the report needs a place: pass path='report.html'"
            )
        path = found.folder / REPORT_FILE
    root = None if found.folder is None else found.folder.parents[1]
    moment = created or datetime.now(UTC)
    contents = _of_study(found, moment) if isinstance(found, Study) else _of_run(found, moment)
    write_report(Path(path), replace(contents, **_of_root(root)))
    return Path(path)


def _of_run(run: Run, created: datetime) -> ReportContents:
    """A run as a study of one fold."""
    audit = kept_audit(run)
    tested = run.predictions.filter(pl.col("split") == "test")
    return ReportContents(
        created=created,
        title=run.id,
        horizons=run.settings.horizons,
        predictions=run.predictions,
        latest=run.latest(),
        panel=run.panel,
        evaluation=run.evaluation,
        histories=run.forecaster.ensemble.histories,
        settings=_settings(run),
        versions=_versions(run.versions),
        own=run.forecaster.inputs.own,
        warnings=[*run.warnings, *_found(audit)],
        universe=None if run.universe is None else run.universe.sentence,
        audit=audit,
        interval=run.forecaster.intervals.coverage,
        tested=tested.with_columns(model=pl.lit(MAIN), fold=pl.lit(1, pl.Int32)),
        outcomes=_outcomes(run, tested),
    )


def _outcomes(run: Run, tested: pl.DataFrame) -> pl.DataFrame:
    """What came after the test rows; of a run read back without its panel the targets alone."""
    horizons = run.settings.horizons
    if run.panel.is_empty():
        return tested.select("ticker", "as_of", *(f"target_{h}d" for h in horizons))
    rows = run.panel.join(tested, on=["ticker", "as_of"], how="semi", maintain_order="left")
    return outcomes(rows, horizons)


def _of_study(study: Study, created: datetime) -> ReportContents:
    panel = study.panel if len(study.panel) else _stored(study)
    return ReportContents(
        created=created,
        title=study.id,
        horizons=study.settings.horizons,
        predictions=pl.DataFrame(),
        latest=pl.DataFrame(),
        panel=panel,
        own=_own(study),
        evaluation=study.evaluation,
        settings=_settings(study),
        versions=_versions(study.versions),
        warnings=study.warnings,
        universe=None if study.universe is None else study.universe.sentence,
        interval=study.settings.coverage,
        tested=study.predictions,
        outcomes=study.outcomes,
        folds=study.folds,
        candidates=study.candidates,
    )


def _stored(study: Study) -> pl.DataFrame:
    """The panel of a study read back; none where the lake has changed since."""
    if study.folder is None:
        return pl.DataFrame()
    root = study.folder.parents[1]
    lake = Lake(lake_folder(root)).as_now()
    if lake.versions() != study.versions:
        return pl.DataFrame()
    return stored_panel(root, study.settings, lake=lake)


def _own(study: Study) -> tuple[str, ...]:
    """Names of own features in the panel of a data root."""
    if study.folder is None or not study.settings.features:
        return ()
    return model_inputs(load_features(study.settings, study.folder.parents[1])).own


def _of_root(root: Path | None) -> dict[str, Any]:
    """What the lake holds and the last ingestion said; nothing where there is no data root."""
    if root is None:
        return {}
    lake, summary = Lake(lake_folder(root)), last_report(root)
    prices, observations = lake.read("bars"), lake.read("macro")
    revised: list[str] = []
    if observations.height:
        revised = observations.filter("revised")["series"].unique().sort().to_list()
    return {
        "prices": prices.select("ticker", "session", "adj_close") if prices.height else prices,
        "ingest": None if summary is None else summary.to_dict(),
        "quarantine": lake.quarantine(),
        "revised": revised,
    }


def _found(audit: Mapping[str, Any] | None) -> list[str]:
    """What an audit says against the run."""
    return [] if audit is None or audit["clean"] else [audit["headline"].removesuffix(".")]


def _settings(found: "Run | Study") -> dict[str, Any]:
    content = found.settings.model_dump(mode="json")
    return content | {"preset": found.preset, "recipe": found.recipe.model_dump(mode="json")}


def _versions(tables: Mapping[str, int]) -> dict[str, str]:
    lake = {f"lake table {name}": str(number) for name, number in tables.items()}
    return {"stocktrend": __version__} | libraries() | lake
