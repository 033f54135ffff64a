"""Is a trained run on disk what its records give?"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from stocktrend.auditing.changes import cut
from stocktrend.auditing.comparing import KEY, ROWS, Difference, differences
from stocktrend.auditing.findings import Finding
from stocktrend.auditing.training import STEP_REMEDIES, Training, flat, scaler_fields
from stocktrend.config import Settings
from stocktrend.dataset.scaling import Scaler
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.lake import Tables
from stocktrend.progress import Progress, silent

DATES: Final = 2
STORED: Final = "made again"
ROUNDING: Final = 1e-5
"""Scores are of single precision, and depend in the last bits on the rows of a forward pass."""
SHRUNK: Final = 1e-3
"""Of a calibration's numbers, which follow from scores with such differences."""


@dataclass(frozen=True)
class Stored:
    """What a run keeps.

    Attributes:
        predictions: ``ticker, as_of, split``, the displayed columns and the masked targets.
        score: Panel rows of whole dates to raw scores.
        show: The same to displayed scores.
    """

    scaler: Scaler
    calibrator: Calibrator | None
    predictions: pl.DataFrame
    score: Callable[[pl.DataFrame], pl.DataFrame]
    show: Callable[[pl.DataFrame], pl.DataFrame]


def audit_stored(
    training: Training,
    stored: Stored,
    panel: pl.DataFrame,
    records: Tables,
    progress: Progress = silent,
    *,
    leaky: Collection[str] = (),
) -> list[Finding]:
    """Make the run's split, scaler, calibration and some test scores again.

    Args:
        training: How the run was made.
        stored: What it keeps.
        panel: All rows that it was made from.
        records: All records, of all tickers.
        leaky: Features, or ``rows``, that are known to change with later records.
    """
    horizons = training.settings.horizons
    whole = training.steps.split(panel, training.settings.split, horizons)
    names = ["split", *(f"target_{h}d" for h in horizons)]
    found = [("split", d) for d in differences(stored.predictions, whole, names)]
    end = training.ends[1]
    ticker, as_of = whole.sort("as_of", "ticker").select(KEY).row(-1)
    last = ticker, as_of
    scaler = training.steps.scaler(whole, training.recipe.features, training.inputs)
    pairs = scaler_fields(stored.scaler), scaler_fields(scaler)
    found += [("scaler", d) for d in _unlike("scaler", *pairs, last, 0.0)]
    if stored.calibrator is not None:
        again = training.steps.calibrator(_raw(stored, whole, horizons), horizons)
        fitted = stored.calibrator.to_dict(), again.to_dict()
        found += [("calibration", d) for d in _unlike("calibration", *fitted, last, SHRUNK)]
    findings = [_finding(step, difference, end) for step, difference in found]
    tested = whole.filter(pl.col("split") == "test")["as_of"].unique().sort()
    chosen = tested.sample(min(DATES, len(tested)), seed=training.seed).sort()
    for number, moment in enumerate(chosen):
        progress("audit stored scores", number, len(chosen), "dates")
        day: date = moment.date()
        known = cut(records, moment)
        asked = {"start": day, "end": day, "tickers": _known_tickers(training.settings, known)}
        rows = training.steps.panel(known, training.settings.model_copy(update=asked))
        shown = stored.show(rows)
        then = stored.predictions.filter(pl.col("as_of") == moment)
        columns = [name for name in shown.columns if name not in KEY]
        unlike = differences(then, shown, columns, rounding=ROUNDING)
        follows: tuple[str, ...] = ()
        causes = _causes_of_scores(training, leaky)
        if unlike and causes:
            # With the records of today the scores are those of the run: nobody changed them.
            today = stored.show(panel.filter(pl.col("as_of") == moment))
            if not differences(then, today, columns, rounding=ROUNDING):
                follows = causes
        findings += [_finding("scores", difference, moment, follows) for difference in unlike]
    progress("audit stored scores", len(chosen), len(chosen), "dates")
    return findings


def _known_tickers(settings: Settings, records: Tables) -> tuple[str, ...] | None:
    """The tickers that the settings name, without those that have no bar yet."""
    if settings.tickers is None:
        return None
    known = set(records.tables["bars"]["ticker"])
    return tuple(ticker for ticker in settings.tickers if ticker in known)


def _causes_of_scores(training: Training, leaky: Collection[str]) -> tuple[str, ...]:
    read = {ROWS, *training.inputs.names}
    return tuple(name for name in leaky if name in read)


def _raw(stored: Stored, whole: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """Raw scores of validation rows, beside the targets of training and validation rows."""
    raw = stored.score(whole.filter(pl.col("split") == "validation"))
    targets = [f"target_{h}d" for h in horizons]
    scores = [f"score_{h}d" for h in horizons]
    return whole.select(*KEY, "split", *targets).join(
        raw.select(*KEY, *scores), on=KEY, how="left", maintain_order="left"
    )


def _unlike(
    step: str,
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    last: tuple[str, datetime],
    tolerance: float,
) -> list[Difference]:
    after = dict(flat(second))
    changed = [
        (name, value, after.get(name))
        for name, value in flat(first)
        if not _close(value, after.get(name), tolerance)
    ]
    if not changed:
        return []
    name, old, new = changed[0]
    return [Difference(step, len(changed), *last, f"{name} = {old}", f"{name} = {new}")]


def _close(first: Any, second: Any, tolerance: float) -> bool:
    if first == second:
        return True
    if second is None:
        return False
    return math.isclose(first, second, rel_tol=tolerance, abs_tol=tolerance * 1e-3)


def _finding(
    step: str, difference: Difference, moment: object, follows: tuple[str, ...] = ()
) -> Finding:
    remedy = STEP_REMEDIES.get(step, "train the run again from these records")
    name = step if difference.name == step else f"{step} {difference.name}"
    named = Difference(**{**vars(difference), "name": name})
    return Finding.of(named, (STORED,), step, moment, remedy, follows)
