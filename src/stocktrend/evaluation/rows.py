"""The rows on which all contenders are judged, as arrays in the order of the dates.

A row counts for a horizon where its target is known and every contender has a score: figures of
different contenders are then of the same rows, and their differences are paired.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from stocktrend.dataset.frames import require_columns
from stocktrend.errors import DataError
from stocktrend.evaluation.bootstrap import Floats

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_KEYS = ("as_of", "ticker")


@dataclass(frozen=True)
class Said:
    """What one contender said of each row: arrays (rows,), NaN where it said nothing.

    Attributes:
        raw: Orders the stocks of a date.
        score: The expected target.
        rise: Probability of the positive side.
        low, high: Bounds of an interval for the target.
    """

    raw: Floats
    score: Floats
    rise: Floats
    low: Floats
    high: Floats

    @classmethod
    def of_scores(cls, score: Floats) -> "Said":
        """A contender that gives a score and nothing else."""
        nothing = np.full(len(score), np.nan)
        return cls(score, score, nothing, nothing, nothing)

    def at(self, rows: "Mask | Ints") -> "Said":
        """The same for some of the rows."""
        return Said(*(getattr(self, name)[rows] for name in self.__annotations__))


@dataclass(frozen=True)
class Dates:
    """Rows that lie together by date, in the order of the dates.

    Attributes:
        of_row: (rows,) index of each row's date, ascending.
        count: Number of dates, those without a row here among them.
    """

    of_row: Ints
    count: int

    def sums(self, columns: Floats) -> Floats:
        """Columns (rows, k), summed over the rows of each date: (dates, k)."""
        sums = np.zeros((self.count, columns.shape[1]))
        if len(columns):
            starts = np.flatnonzero(np.diff(self.of_row, prepend=-1))
            sums[self.of_row[starts]] = np.add.reduceat(columns, starts, axis=0)
        return sums

    def rows(self) -> Floats:
        """(dates,) how many rows each has."""
        return np.bincount(self.of_row, minlength=self.count).astype(np.float64)

    def ranks(self, values: Floats) -> Floats:
        """(rows,) average rank within the date, from 1."""
        return self._over(values, pl.col("value").rank())

    def medians(self, values: Floats) -> Floats:
        """(rows,) median of the row's date."""
        return self._over(values, pl.col("value").median())

    def centred(self, values: Floats) -> Floats:
        """(rows,) less the mean of the date; exactly 0 on dates that do not vary."""
        value = pl.col("value")
        varies = value.max() > value.min()
        return self._over(values, pl.when(varies).then(value - value.mean()).otherwise(0.0))

    def _over(self, values: Floats, expression: pl.Expr) -> Floats:
        frame = pl.DataFrame({"date": self.of_row, "value": values})
        return frame.select(expression.over("date").cast(pl.Float64)).to_series().to_numpy()


@dataclass(frozen=True)
class Sample:
    """One horizon's judged rows.

    Attributes:
        rows: ``as_of``, ``ticker``, ``date`` (index of the date) and the columns of the outcomes,
            by date and ticker.
        said: By contender, on these rows.
    """

    rows: pl.DataFrame
    said: Mapping[str, Said]

    def floats(self, name: str) -> Floats:
        """A column of the outcomes; NaN where it is null or absent."""
        return _floats(self.rows, name, len(self.rows))

    @property
    def dates(self) -> Dates:
        of_row = self.rows["date"].cast(pl.Int64).to_numpy()
        return Dates(of_row, int(of_row[-1]) + 1 if len(of_row) else 0)


@dataclass(frozen=True)
class Tables:
    """Predictions of all contenders beside the outcomes, matched once for all horizons."""

    outcomes: pl.DataFrame
    predictions: Mapping[str, pl.DataFrame]

    @classmethod
    def match(
        cls, predictions: pl.DataFrame, outcomes: pl.DataFrame, horizons: Sequence[int]
    ) -> "Tables":
        """Match the rows of both by ``ticker`` and ``as_of``.

        Raises:
            DataError: columns are missing, rows occur twice, or none is in both.
        """
        scores = [f"score_{h}d" for h in horizons]
        require_columns(predictions, ["model", *_KEYS, *scores], "evaluation")
        require_columns(outcomes, [*_KEYS, *(f"target_{h}d" for h in horizons)], "evaluation")
        outcomes = outcomes.sort(_KEYS).with_row_index("row")
        matched = predictions.join(outcomes.select("row", *_KEYS), on=_KEYS, how="inner")
        _require_once(outcomes, _KEYS, "outcomes")
        _require_once(matched, ("model", "row"), "predictions")
        parts = matched.partition_by("model", as_dict=True, maintain_order=True)
        by_model = {str(name): part for (name,), part in parts.items()}
        strange = sorted(set(predictions["model"].unique()) - by_model.keys())
        if strange or not by_model:
            raise DataError(
                f"predictions must hold rows of the panel, however: {', '.join(strange) or 'they'} "
                "and it have no ticker and as_of in common. Pass the predictions that were made "
                "from this panel"
            )
        return cls(outcomes, by_model)

    def sample(self, horizon: int) -> Sample:
        """The rows with a known target and a score of every contender."""
        said = {name: self._said(part, horizon) for name, part in self.predictions.items()}
        usable = _floats(self.outcomes, f"target_{horizon}d", len(self.outcomes))
        judged = np.isfinite(usable)
        for one in said.values():
            judged &= np.isfinite(one.score) & np.isfinite(one.raw)
        rows = self.outcomes.drop("row").filter(pl.Series(judged))
        rows = rows.with_columns((pl.col("as_of").rank("dense") - 1).alias("date"))
        return Sample(rows, {name: one.at(judged) for name, one in said.items()})

    def _said(self, part: pl.DataFrame, horizon: int) -> Said:
        count, place = len(self.outcomes), part["row"].to_numpy()
        names = {"raw": "raw", "rise": "pos_prob", "low": "low", "high": "high"}
        columns = {
            name: _floats(part, f"{column}_{horizon}d", count, place)
            for name, column in (names | {"score": "score"}).items()
        }
        if not np.isfinite(columns["raw"]).any():
            columns["raw"] = columns["score"]
        return Said(**columns)


def _floats(
    frame: pl.DataFrame, name: str, count: int, place: npt.NDArray[np.uint32] | None = None
) -> Floats:
    """A column as (count,) floats at its places; NaN elsewhere and where it is null or absent."""
    values = np.full(count, np.nan)
    if name in frame.columns:
        column = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        values[slice(None) if place is None else place] = column
    return values


def _require_once(frame: pl.DataFrame, keys: Sequence[str], what: str) -> None:
    repeated = len(frame) - frame.select(keys).n_unique()
    if repeated:
        raise DataError(
            f"{what} must hold a ticker and as_of once (of each model), however: {repeated} rows "
            "repeat another. Keep one of each"
        )
