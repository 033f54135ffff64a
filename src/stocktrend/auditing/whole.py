"""The whole audit: features, and where there is a trained run, what it learnt from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from stocktrend.auditing.changes import RESCALINGS
from stocktrend.auditing.features import CUT, KINDS, Audited, audit_features
from stocktrend.auditing.findings import RESCALED, AuditReport, Check, Finding
from stocktrend.auditing.sample import draw
from stocktrend.auditing.steps import Steps
from stocktrend.auditing.stored import STORED, Stored, audit_stored
from stocktrend.auditing.training import (
    PARTS,
    RECORDS,
    ROWS_CHANGED,
    Training,
    audit_records,
    audit_rows,
)
from stocktrend.catalog import FEATURES, OURS, Inputs
from stocktrend.config import Settings
from stocktrend.errors import ConfigError, DataError
from stocktrend.lake import Records, Tables
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe

NO_RUN = (
    "No trained run was given: features were audited, and not split, scaling, calibration and "
    "scores. Train one and audit again."
)


ROW_SETTINGS: Final = ("exchange", "frequency", "horizons", "start", "end", "tickers", "text")
"""Settings that decide a panel, beside own features."""


@dataclass(frozen=True)
class Made:
    """What a training was made from.

    Attributes:
        records: As they were then.
        settings: Those of the training.
        steps: With the features that it was trained with.
    """

    records: Records
    settings: Settings
    steps: Steps


@dataclass(frozen=True)
class Trained:
    """A training to audit.

    Attributes:
        name: Of the run.
        panel: All rows that it was made from, as the panel step gives them.
        predictions: ``ticker, as_of, split`` and ``score_{h}d`` of these rows.
        inputs: What the model reads.
        stored: What the run keeps; None leaves that out.
        made: From what it was made; None: from what is examined.
        notes: In what that differs.
    """

    name: str
    recipe: Recipe
    panel: pl.DataFrame
    predictions: pl.DataFrame
    inputs: Inputs = OURS
    stored: Stored | None = None
    made: Made | None = None
    notes: tuple[str, ...] = ()

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """The last ``as_of`` of training and of validation."""
        last = dict(self.predictions.group_by("split").agg(pl.col("as_of").max()).iter_rows())
        return last[PARTS[0]], last[PARTS[1]]


def examine(
    records: Records,
    settings: Settings,
    *,
    steps: Steps | None = None,
    trained: Trained | None = None,
    samples: int = 200,
    seed: int = 0,
    progress: Progress = silent,
) -> AuditReport:
    """Audit records, settings and steps; see ``stocktrend.auditing.features`` and ``training``.

    Args:
        records: A lake, or tables in memory.
        steps: Those of production by default.
        trained: Audited too, where it is given.
        samples: Pairs (ticker, as_of) at least, as far as there are so many.
        seed: Of the choice of samples and of the changes.

    Raises:
        DataError: no ticker has a bar on a date of the grid after 60 bars of history.
        ConfigError: ``samples`` is below 1, or the seed negative.
    """
    _check(samples, seed)
    used = steps or Steps()
    sample = draw(records, settings, samples, seed)
    if sample.pairs.is_empty():
        raise DataError(
            "an audit needs rows to sample, however no ticker has a bar on a date of the grid "
            "after 60 bars of history. Ingest older bars, or choose other dates"
        )
    some = Tables.of(records, sample.tickers)
    chosen = settings.model_copy(update={"tickers": None})
    audited = Audited.of(some, chosen, used, seed)
    moments = audited.moments(sample)
    columns, rows = audited.names, audited.panel.height
    findings = audit_features(audited, moments, progress)
    checks = list(_feature_checks(audited, moments, findings))
    if trained is not None:
        made = trained.made or Made(records, settings, used)
        if not _gives(made, Made(records, settings, used)):
            audited = Audited.of(
                Tables.of(made.records, draw(made.records, made.settings, samples, seed).tickers),
                made.settings.model_copy(update={"tickers": None}),
                made.steps,
                seed,
            )
        leaky = [f.what for f in findings if f.source != RESCALED]
        found, more = _audit_training(trained, made, audited, tuple(dict.fromkeys(leaky)), progress)
        findings = sorted(findings + found, key=lambda finding: bool(finding.follows))
        checks += more
    return AuditReport(
        run=None if trained is None else trained.name,
        seed=seed,
        samples=sample.pairs.height,
        tickers=sample.pairs["ticker"].n_unique(),
        dates={day.isoformat(): reason for day, reason in sample.dates.items()},
        features=len(columns),
        rows=rows,
        own=tuple(name for name in columns if name not in {"timestamp", "close", *FEATURES}),
        checks=tuple(checks),
        findings=tuple(findings),
        notes=(NO_RUN,) if trained is None else trained.notes,
    )


def _check(samples: int, seed: int) -> None:
    problems = []
    if samples < 1:
        problems.append(f"samples must be 1 or more, however: {samples}. Leave it out for 200")
    if seed < 0:
        problems.append(f"seed must be 0 or more, however: {seed}. Leave it out for 0")
    if problems:
        raise ConfigError(problems)


def _feature_checks(
    audited: Audited, moments: Sequence[datetime], findings: Sequence[Finding]
) -> Iterator[Check]:
    """One check a kind of change, with the rows compared."""
    times = audited.panel["as_of"]
    compared = sum(int((times <= moment).sum()) for moment in moments)
    for kind in KINDS:
        yield _counted(f"later records {kind}", kind, compared, findings)
    yield _counted(f"later records {CUT}", CUT, compared, findings)
    for kind in RESCALINGS:
        yield _counted(f"prices rescaled as by a later {kind}", kind, len(times), findings)


def _counted(name: str, kind: str, tested: int, findings: Sequence[Finding]) -> Check:
    return Check(name, tested, "rows", sum(kind in finding.changes for finding in findings))


def _gives(first: Made, second: Made) -> bool:
    """Whether two give one panel."""
    return (
        first.records is second.records
        and first.steps is second.steps
        and all(getattr(first.settings, n) == getattr(second.settings, n) for n in ROW_SETTINGS)
    )


def _audit_training(
    trained: Trained, made: Made, audited: Audited, leaky: Sequence[str], progress: Progress
) -> tuple[list[Finding], list[Check]]:
    training = Training(
        made.settings,
        trained.recipe,
        trained.inputs,
        audited.steps,
        trained.ends,
        trained.predictions,
        audited.seed,
    )
    learnt = trained.panel.filter(pl.col("as_of") <= training.ends[1]).height
    some = audited.panel.filter(pl.col("as_of") <= training.ends[1]).height
    by_rows = audit_rows(training, trained.panel, progress)
    by_records = audit_records(audited, training, progress, leaky=leaky)
    checks = [
        Check(f"training and validation with {ROWS_CHANGED}", learnt, "rows", len(by_rows)),
        Check(f"training and validation with {RECORDS}", some, "rows", len(by_records)),
    ]
    findings = by_rows + by_records
    if trained.stored is not None:
        everything = Tables.of(made.records)
        found = audit_stored(
            training, trained.stored, trained.panel, everything, progress, leaky=leaky
        )
        checks.append(Check(f"the run on disk {STORED}", trained.panel.height, "rows", len(found)))
        findings += found
    return findings, checks
