"""What a report is made of: of a run, or of a study that walked forward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from stocktrend.evaluation.folds import Fold
from stocktrend.evaluation.results import Evaluation


@dataclass(frozen=True)
class ReportContents:
    """Plain frames and dataclasses; a section of the page for which there is nothing is left out.

    Attributes:
        created: When the report is made; shown, and nothing else depends on it.
        title: Name of the run or study.
        horizons: Days.
        predictions: All rows of a run: ``ticker``, ``as_of``, ``split`` and, per horizon,
            ``score_{h}d``, ``pos_prob_{h}d``, ``neg_prob_{h}d``, ``low_{h}d``, ``high_{h}d``,
            ``call_{h}d``.
        latest: The rows of the newest date, the same columns; ``split`` is not needed.
        panel: ``as_of`` and the features, for coverage; may be an empty frame.
        prices: ``ticker``, ``session``, ``adj_close``; may be an empty frame.
        evaluation: From ``evaluate``, or None before it.
        histories: Of each member, lists by name: ``train_loss``, ``val_loss``, ``mse_7d``, ...
        ingest: ``IngestReport.to_dict()``, or None.
        quarantine: ``table``, ``source``, ``path``, ``row``, ``reason``, ``record``.
        settings: The effective configuration, nested as it comes.
        versions: Of stocktrend, Python, libraries and lake tables.
        own: Names of a user's own features in the panel.
        revised: Macro series without vintages that are revised later: their past values are known
            only as they stand today.
        warnings: What a reader of the verdict must know beside it.
        universe: How much of its universe the panel holds, in words; None where there is none.
        audit: ``AuditReport.to_dict()``, or None before an audit.
        interval: Share of outcomes that the intervals are to hold.
        tested: The judged rows of all contenders, as ``judge`` reads them, and ``fold``; may be an
            empty frame.
        outcomes: What came after these, as ``judge`` reads it; may be an empty frame.
        folds: The steps of the walk; of a run none.
        candidates: Among how many settings each contender chose.
    """

    created: datetime
    title: str
    horizons: tuple[int, ...]
    predictions: pl.DataFrame
    latest: pl.DataFrame
    panel: pl.DataFrame
    evaluation: Evaluation | None
    settings: Mapping[str, Any]
    versions: Mapping[str, Any]
    histories: Sequence[Mapping[str, Sequence[float]]] = ()
    prices: pl.DataFrame = field(default_factory=pl.DataFrame)
    ingest: Mapping[str, Any] | None = None
    quarantine: pl.DataFrame = field(default_factory=pl.DataFrame)
    own: Sequence[str] = ()
    revised: Sequence[str] = ()
    warnings: Sequence[str] = ()
    universe: str | None = None
    audit: Mapping[str, Any] | None = None
    interval: float = 0.9
    tested: pl.DataFrame = field(default_factory=pl.DataFrame)
    outcomes: pl.DataFrame = field(default_factory=pl.DataFrame)
    folds: Sequence[Fold] = ()
    candidates: Mapping[str, int] = field(default_factory=dict)
