"""A trained model as it is used: the ensemble, its calibration, and the intervals around scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from stocktrend.atomic import write_json
from stocktrend.catalog import Inputs
from stocktrend.errors import ModelError
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.evaluation.conformal import VOLATILITIES, Intervals
from stocktrend.training.checkpoints import read_json
from stocktrend.training.ensemble import Ensemble

CALIBRATION_FILE = "calibration.json"


def score_columns(horizons: Sequence[int]) -> list[str]:
    """Names of the predicted columns: score, probabilities, interval and call of each horizon.

    >>> score_columns([7])
    ['score_7d', 'pos_prob_7d', 'neg_prob_7d', 'low_7d', 'high_7d', 'call_7d']
    """
    kinds = ("score", "pos_prob", "neg_prob", "low", "high", "call")
    return [f"{kind}_{h}d" for h in horizons for kind in kinds]


@dataclass(frozen=True)
class Forecaster:
    """From panel rows to displayed scores, probabilities and intervals.

    ``calibrator`` is None for a recipe that displays the model's own outputs.
    """

    ensemble: Ensemble
    calibrator: Calibrator | None
    intervals: Intervals

    @property
    def horizons(self) -> tuple[int, ...]:
        """Days ahead, in the order of the columns."""
        return self.ensemble.horizons

    @property
    def inputs(self) -> Inputs:
        """The columns of the panel that it reads."""
        return self.ensemble.scaler.inputs

    def predict(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Score panel rows.

        Args:
            rows: Panel rows. With rank features a row's score depends on the other rows of its
                date, so hand over whole dates and select tickers afterwards.

        Returns:
            ``ticker, as_of`` and, per horizon, ``score_{h}d`` in [-1, 1], ``pos_prob_{h}d``,
            ``neg_prob_{h}d``, bounds of the target ``low_{h}d`` and ``high_{h}d``, and
            ``call_{h}d`` ("up", "down", "no call"), in the order of ``rows``. The bounds of a date
            rest on outcomes that were known by then, of those that the training saw.
        """
        raw = self.ensemble.predict(rows)
        shown = raw if self.calibrator is None else self.calibrator.apply(raw)
        bounded = self.intervals.apply(shown.hstack(rows.select(VOLATILITIES)))
        return bounded.select("ticker", "as_of", *score_columns(self.horizons))

    def save(self, folder: Path) -> None:
        """Write safetensors and JSON; the calibration last, as the sign that all is there."""
        self.ensemble.save(folder)
        horizons = None if self.calibrator is None else self.calibrator.to_dict()
        content = {"horizons": horizons, "intervals": self.intervals.to_dict()}
        write_json(folder / CALIBRATION_FILE, content)

    @classmethod
    def load(cls, folder: Path) -> "Forecaster":
        """Read what ``save`` wrote.

        Raises:
            ModelError: the folder holds no complete model.
        """
        file = folder / CALIBRATION_FILE
        if not file.is_file():
            raise ModelError(
                f"a model folder must hold {CALIBRATION_FILE}, however {folder} does not: the "
                "training was stopped before its end. Run `stocktrend train` again; it goes on "
                "with the members that are missing"
            )
        content = read_json(file)
        if "intervals" not in content:
            raise ModelError(
                f"{file} must hold the intervals of its scores, however it does not: the run is of "
                "an older stocktrend. Run `stocktrend train` again"
            )
        lines = content["horizons"]
        calibrator = None if lines is None else Calibrator.from_dict(lines)
        return cls(Ensemble.load(folder), calibrator, Intervals.from_dict(content["intervals"]))
