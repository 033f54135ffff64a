"""Scaling of the model's inputs, fitted on training rows only.

``zscore`` standardises every feature. ``rank`` turns stock and news features into their rank
within the date's universe, scaled to [-1, 1]; policy and macro features are the same for every
stock of a date, so their ranks would be constant: they are standardised in both. So are a user's
own features that never differ between the stocks of a training date; others are ranked.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stocktrend.catalog import MACRO_FEATURES, OURS, POLICY_FEATURES, Inputs
from stocktrend.dataset.frames import Frame, require_columns, to_polars
from stocktrend.errors import DataError, ModelError

Scaling = Literal["zscore", "rank"]
CLIP: Final = 10.0
"""Standardised values are held within this many standard deviations: one corrupt or extreme
value must not decide a batch's gradient."""

CLIP_BESIDE_RANKS: Final = 2.0
"""Those of policy and macro series beside ranks. They leave the range of the training years for
good, and what a network makes of that is chance."""


@dataclass(frozen=True)
class Scaled:
    """Scaled features.

    Attributes:
        values: (n, inputs) float32, finite, in the order of the scaler's inputs.
        filled: How many missing values became 0, of each feature that had any.
    """

    values: NDArray[np.float32]
    filled: dict[str, int]


@dataclass(frozen=True)
class Scaler:
    """How raw features become the network's inputs; fit it on training rows, keep it unchanged.

    A missing value becomes 0 after scaling: the mean, or the middle rank. A feature that is
    constant or absent in the training rows is 0 everywhere, for nothing was learnt about it.

    Attributes:
        kind: ``zscore`` or ``rank``.
        mean: Of each standardised feature over the training rows.
        std: Standard deviation (ddof 0) of the same; 0 where the feature is constant or absent.
        missing: Share of training rows without a value, of each input, in the model's order.
    """

    kind: Scaling
    mean: dict[str, float]
    std: dict[str, float]
    missing: dict[str, float]

    @property
    def inputs(self) -> Inputs:
        """The names of what is scaled, in the order of the columns of ``Scaled.values``."""
        return Inputs.of(self.missing)

    @classmethod
    def fit(cls, train: Frame, kind: Scaling = "zscore", inputs: Inputs = OURS) -> Self:
        """Learn the scales from training rows.

        Args:
            train: The training rows.
            kind: ``zscore`` or ``rank``.
            inputs: Which columns; default: the 87.

        Raises:
            DataError: a feature is missing or infinite, or there are no rows.
        """
        # In one piece: a sum over several is rounded otherwise, and how many there are depends on
        # how the frame was made.
        rows = _features(train, inputs.names).rechunk()
        if rows.is_empty():
            raise DataError("the scaler needs training rows, however: 0")
        names = _standardised(kind, inputs, to_polars(train))
        mean = rows.select(pl.col(names).mean().fill_null(0.0)).row(0, named=True)
        std = rows.select(pl.col(names).std(ddof=0).fill_null(0.0)).row(0, named=True)
        # A constant column's std is rounding noise, not zero: dividing by it would make noise of 1.
        tiny = {name: 1e-9 * max(abs(mean[name]), 1e-300) for name in names}
        std = {name: value if value > tiny[name] else 0.0 for name, value in std.items()}
        missing = rows.select(pl.all().null_count() / pl.len()).row(0, named=True)
        return cls(kind, mean, std, missing)

    def transform(self, frame: Frame) -> Scaled:
        """Scale any rows of a panel. Ranks are taken within each ``as_of`` of the frame given.

        Raises:
            DataError: a feature is missing or infinite, or (rank) there is no ``as_of``.
        """
        panel = to_polars(frame)
        names = self.inputs.names
        rows = _features(panel, names)
        filled = {k: int(n) for k, n in rows.null_count().row(0, named=True).items() if n}
        most = CLIP if self.kind == "zscore" else CLIP_BESIDE_RANKS
        scaled = [
            ((pl.col(name) - self.mean[name]) / self.std[name]).clip(-most, most)
            if self.std[name]
            else (pl.col(name) * 0.0)
            for name in self.mean
        ]
        ranked = [name for name in names if name not in self.mean]
        if ranked:
            require_columns(panel, ["as_of"], "rank scaling")
            rows = rows.with_columns(panel["as_of"])
            scaled += rank_within("as_of", ranked)
        result = rows.with_columns(scaled).select(pl.col(names).fill_null(0.0).cast(pl.Float32))
        return Scaled(result.to_numpy(order="c", writable=True), filled)

    def to_json(self) -> str:
        """Text that ``from_json`` turns into an equal scaler, bit for bit."""
        fields = {"kind": self.kind, "mean": self.mean, "std": self.std, "missing": self.missing}
        return json.dumps(fields, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a scaler back.

        Raises:
            ModelError: the text is not that of a scaler.
        """
        try:
            fields = json.loads(text)
            return cls(fields["kind"], fields["mean"], fields["std"], fields["missing"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ModelError(f"not a saved scaler: {error!r}. Train the model again") from error


def training_scaler(panel: pl.DataFrame, kind: Scaling = "zscore", inputs: Inputs = OURS) -> Scaler:
    """The scaler of a panel that has a ``split`` column: fitted on its training rows."""
    return Scaler.fit(panel.filter(pl.col("split") == "train"), kind, inputs)


def rank_within(group: str, names: Sequence[str]) -> list[pl.Expr]:
    """Each column's rank within a group, scaled to [-1, 1]; ties share their mean rank.

    ``2 * (rank - 1) / (n - 1) - 1`` over the group's n known values; 0 where n is 1.
    """
    expressions = []
    for name in names:
        rank = pl.col(name).rank("average").over(group)
        count = pl.col(name).count().over(group)
        scaled = 2 * (rank - 1) / (count - 1).cast(pl.Float64) - 1
        alone = pl.when(count > 1).then(scaled).when(pl.col(name).is_not_null()).then(0.0)
        expressions.append(alone.alias(name))
    return expressions


def _standardised(kind: Scaling, inputs: Inputs, train: pl.DataFrame) -> list[str]:
    if kind == "zscore":
        return list(inputs.names)
    return [*POLICY_FEATURES, *MACRO_FEATURES, *_of_the_date(train, inputs.own)]


def _of_the_date(train: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the names that have one value a date, if any."""
    if not names:
        return []
    require_columns(train, ["as_of"], "rank scaling")
    values = train.group_by("as_of").agg(pl.col(names).drop_nans().drop_nulls().n_unique())
    most = values.select(pl.col(names).max()).row(0, named=True)
    return [name for name in names if most[name] <= 1]


def _features(frame: Frame, names: Sequence[str]) -> pl.DataFrame:
    """The columns as Float64, NaN as null; an infinity is an error."""
    panel = to_polars(frame)
    require_columns(panel, names, "scaling")
    rows = panel.select(pl.col(names).cast(pl.Float64).fill_nan(None))
    infinite = [c.name for c in rows.select(pl.all().is_infinite().any()) if c.item()]
    if infinite:
        raise DataError(
            f"features must be finite or null, however these hold infinities: {', '.join(infinite)}"
        )
    return rows
