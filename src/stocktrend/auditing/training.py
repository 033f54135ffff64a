"""Does what training reads change with the test dates, or with what is known after training?

The training rows as the model gets them (keys, masked labels, scaler, scaled features) are made
again by the same steps

1. from a panel in which every row after the training dates is altered, and some are gone;
2. from records of which those known after the last training date are altered or deleted;

and compared byte for byte. The same for validation rows and what follows them, with the
calibration, which is fitted on validation rows. All versions of bars of sessions until then stay:
a bar that is revised after the end of training masks the labels that rest on it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from stocktrend.auditing.comparing import KEY, ROWS, Difference, differences
from stocktrend.auditing.features import ALL_KINDS, Audited, Change
from stocktrend.auditing.findings import Finding
from stocktrend.auditing.steps import Steps
from stocktrend.catalog import Inputs
from stocktrend.config import Settings, Split
from stocktrend.dataset.samples import DualTowerDataset
from stocktrend.dataset.scaling import Scaler
from stocktrend.lake import Tables
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.targets import outcome_columns

Part = Literal["train", "validation"]
PARTS: Final[tuple[Part, Part]] = ("train", "validation")
ROWS_CHANGED: Final = "later rows altered"
RECORDS: Final = "later records altered or deleted"
STEP_REMEDIES: Final = {
    "split": "mask each label whose label_known_at is after the last date of its part",
    "scaler": "fit the scaler on the training rows alone",
    "calibration": "fit the calibration on validation rows, with their masked labels",
    "features": "scale a row by the scaler and its own date alone",
}
DROPPED: Final = 0.2


@dataclass(frozen=True)
class Learnt:
    """What is learnt from one part of the panel.

    Attributes:
        rows: ``ticker``, ``as_of``, the masked labels, and the scaled inputs.
        labels: Names of the masked labels.
        scaler: As JSON has it; of training alone.
        calibration: As JSON has it; of validation alone.
    """

    rows: pl.DataFrame
    labels: tuple[str, ...]
    scaler: dict[str, Any]
    calibration: dict[str, Any]

    def compared(
        self, other: "Learnt", part: Part, leaky: Collection[str] = ()
    ) -> Iterator[tuple[str, Difference]]:
        """Each difference with the step that it comes from; of a scaler's the honest columns'."""
        inputs = [n for n in self.rows.columns if n not in KEY and n not in self.labels]
        for difference in differences(self.rows, other.rows, self.labels):
            yield "split", difference
        # What the scaler changes the scaled inputs show once more.
        scaled = [("scaler", self.scaler, other.scaler)]
        fitted = [("calibration", self.calibration, other.calibration)]
        for step, first, second in scaled if part == "train" else fitted:
            if first != second:
                yield step, _first_number(step, first, second, self.rows, leaky)
        if self.scaler == other.scaler:
            for difference in differences(self.rows, other.rows, inputs):
                if difference.name != ROWS:
                    yield "features", difference


def _first_number(
    step: str,
    first: dict[str, Any],
    second: dict[str, Any],
    rows: pl.DataFrame,
    leaky: Collection[str],
) -> Difference:
    before, after = dict(flat(first)), dict(flat(second))
    changed = [name for name in before if before[name] != after.get(name)]
    if step == "scaler":  # a leaky column moves its own numbers alone
        changed = [name for name in changed if _column(name) not in leaky] or changed
    ticker, as_of = rows.sort("as_of", "ticker").select(KEY).row(-1)
    old, new = [f"{changed[0]} = {numbers.get(changed[0])}" for numbers in (before, after)]
    parts = tuple(dict.fromkeys(_column(name) for name in changed)) if step == "scaler" else ()
    return Difference(step, len(changed), ticker, as_of, old, new, parts)


def _column(number: str) -> str:
    """The column that a scaler's number is of, as in ``mean.macro_vix``."""
    return number.partition(".")[2]


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values by dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@dataclass(frozen=True)
class Training:
    """How a panel becomes what a model learns from.

    Attributes:
        inputs: What the model reads.
        ends: Last ``as_of`` of training and of validation.
        predictions: Scores of the panel's rows, ``score_{h}d``, that a calibration is fitted to.
    """

    settings: Settings
    recipe: Recipe
    inputs: Inputs
    steps: Steps
    ends: tuple[datetime, datetime]
    predictions: pl.DataFrame
    seed: int

    def learnt(self, panel: pl.DataFrame) -> dict[Part, Learnt]:
        """What is learnt from a panel's training and from its validation rows."""
        horizons = self.settings.horizons
        train_end, validation_end = self.ends
        split = Split(train_end=train_end.date(), validation_end=validation_end.date())
        whole = self.steps.split(panel, split, horizons)
        scaler = self.steps.scaler(whole, self.recipe.features, self.inputs)
        calibration = self._calibration(whole)
        found: dict[Part, Learnt] = {}
        for part in PARTS:
            rows = whole.filter(pl.col("split") == part)
            labels = tuple(n for h in horizons for n in outcome_columns(h) if n in rows.columns)
            learnt = self._rows(rows, labels, scaler)
            found[part] = Learnt(learnt, labels, scaler_fields(scaler), calibration)
        return found

    def _rows(self, rows: pl.DataFrame, labels: tuple[str, ...], scaler: Scaler) -> pl.DataFrame:
        """Keys, labels and scaled inputs, of the rows that have a label."""
        data = DualTowerDataset(rows, scaler, self.settings.horizons, self.recipe.target)
        values = data.rows[:, : data.width].numpy()
        scaled = pl.DataFrame(values, schema=list(scaler.inputs.names))
        known = pl.any_horizontal(pl.col(labels).is_not_null())
        return rows.select(*KEY, *labels).hstack(scaled).filter(known)

    def _calibration(self, whole: pl.DataFrame) -> dict[str, Any]:
        if not self.recipe.calibrate:
            return {}
        targets = [f"target_{h}d" for h in self.settings.horizons]
        scores = [f"score_{h}d" for h in self.settings.horizons]
        known = whole.select(*KEY, "split", *targets)
        shown = known.join(self.predictions.select(*KEY, *scores), on=KEY, how="inner")
        fitted = self.steps.calibrator(shown.sort("as_of", "ticker"), self.settings.horizons)
        return fitted.to_dict()


def scaler_fields(scaler: Scaler) -> dict[str, Any]:
    """A scaler's numbers by name."""
    return {"mean": scaler.mean, "std": scaler.std, "missing": scaler.missing}


def audit_rows(
    training: Training, panel: pl.DataFrame, progress: Progress = silent
) -> list[Finding]:
    """Alter the rows that follow training, and those that follow validation."""
    findings: list[Finding] = []
    first = training.learnt(panel)
    for number, (part, end) in enumerate(zip(PARTS, training.ends, strict=True)):
        progress("audit training", number, len(PARTS), "parts")
        altered, predictions = _altered(training, panel, end)
        again = replace(training, predictions=predictions).learnt(altered)
        findings += _found(first[part].compared(again[part], part), part, ROWS_CHANGED, end)
    progress("audit training", len(PARTS), len(PARTS), "parts")
    return findings


def audit_records(
    audited: Audited,
    training: Training,
    progress: Progress = silent,
    *,
    leaky: Collection[str] = (),
) -> list[Finding]:
    """Alter and delete the records known after training, and those after validation.

    What a leaky feature, or leaky rows, explain follows from them.
    """
    findings: list[Finding] = []
    first = training.learnt(audited.panel)
    for number, (part, end) in enumerate(zip(PARTS, training.ends, strict=True)):
        progress("audit records of training", number, len(PARTS), "parts")
        future = audited.future(end, ALL_KINDS, sorted(audited.records.tables))
        again = training.learnt(audited.changed(end, _of_later_sessions(end, future)))
        differing = first[part].compared(again[part], part, leaky)
        findings += _found(differing, part, RECORDS, end, leaky)
    progress("audit records of training", len(PARTS), len(PARTS), "parts")
    return findings


def _of_later_sessions(end: datetime, change: Change) -> Change:
    """A change that leaves every version of the bars of sessions until a moment."""
    until = pl.col("event_time") <= end

    def confined(records: Tables) -> Tables:
        changed = change(records)
        parts = records.tables["bars"].filter(until), changed.tables["bars"].filter(~until)
        return replace(changed, tables={**changed.tables, "bars": pl.concat(parts)})

    return confined


def _found(
    differing: Iterator[tuple[str, Difference]],
    part: Part,
    change: str,
    end: datetime,
    leaky: Collection[str] = (),
) -> list[Finding]:
    return [
        Finding.of(
            replace(difference, name=f"{part} {difference.name}"),
            (change,),
            step,
            end,
            STEP_REMEDIES[step],
            _causes(step, difference, leaky),
        )
        for step, difference in differing
    ]


def _causes(step: str, difference: Difference, leaky: Collection[str]) -> tuple[str, ...]:
    """The leaky columns, or the rows, that explain a difference whole."""
    if ROWS in leaky:
        return (ROWS,)
    columns = {"features": (difference.name,), "scaler": difference.parts}.get(step, ())
    return columns if set(columns) <= set(leaky) else ()


def _altered(
    training: Training, panel: pl.DataFrame, end: datetime
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The panel and the predictions with other numbers, and fewer rows, after a date."""
    rng = np.random.default_rng(training.seed)
    predictions = training.predictions
    return _other_numbers(panel, end, rng), _other_numbers(predictions, end, rng)


def _other_numbers(frame: pl.DataFrame, end: datetime, rng: np.random.Generator) -> pl.DataFrame:
    later = frame.filter(pl.col("as_of") > end)
    later = later.filter(pl.Series(rng.random(later.height) >= DROPPED, dtype=pl.Boolean))
    columns = []
    for name in later.columns:
        if later[name].dtype.is_float():
            noise = pl.Series(rng.normal(0.0, 1.0, later.height))
            columns.append((pl.col(name).fill_null(0.0) * noise.exp() + noise).alias(name))
        elif name.startswith("label_known_at"):
            days = pl.Series(rng.integers(-60, 60, later.height)) * 86_400_000_000
            columns.append((pl.col(name) + days.cast(pl.Duration("us"))).alias(name))
    return pl.concat([frame.filter(pl.col("as_of") <= end), later.with_columns(columns)])
