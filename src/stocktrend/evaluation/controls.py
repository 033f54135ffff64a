"""What a model must beat to be worth its trouble, on the same rows.

``constant``: the mean target of the training rows. ``always_up``: a rise, always; it says nothing
about size, so only its direction is judged. ``momentum``: return of the last 252 bars without the
last 20 (Jegadeesh and Titman 1993). ``reversal``: minus the return of the last 20 bars (Jegadeesh
1990). Both are ranks within the date where dates have 5 rows or more; a stock without the history
is in the middle. ``ridge``: linear regression on the model's own inputs, fitted on training
rows, its penalty chosen on validation rows.

Momentum, reversal and a ridge on ranks are not in units of the target. They are mapped to them by
the line that calibrates the model, fitted on the same validation rows; the map is increasing, so it
moves MSE, MAE and direction and leaves every rank as it was.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl

from stocktrend.catalog import OURS, Inputs
from stocktrend.dataset.scaling import Scaler, rank_within
from stocktrend.evaluation.bootstrap import Floats
from stocktrend.evaluation.calibration import Calibrator
from stocktrend.evaluation.metrics import rankable
from stocktrend.evaluation.ridge import Ridge

CONTROLS = ("constant", "always_up", "momentum", "reversal", "ridge")
DIRECTION_ONLY = frozenset({"always_up"})
_KEYS = ("ticker", "as_of", "split")


def control_scores(
    panel: pl.DataFrame,
    horizons: Sequence[int],
    *,
    features: Literal["zscore", "rank"] = "zscore",
    target: Literal["tanh", "rank"] = "tanh",
    inputs: Inputs = OURS,
) -> pl.DataFrame:
    """Scores of every control for every row of the panel, in units of the target.

    Args:
        panel: From ``time_split``: ``ticker``, ``as_of``, ``split``, the 87 features and
            ``target_{h}d``, null where it is unknown or masked.
        horizons: Days.
        features: Inputs of the ridge: as the model's recipe has them.
        target: What the ridge is fitted to: the target, or its rank within the date.
        inputs: Columns that the ridge reads, as the model does; default: the 87.

    Returns:
        ``ticker``, ``as_of``, ``split`` and ``{control}_{h}d``, in the panel's order. Targets of
        test rows are not read.

    Raises:
        DataError: columns are missing, or there are no training rows.
    """
    signals = panel.select(
        *_KEYS,
        momentum=pl.col("stock_return_252d") - pl.col("stock_return_20d"),
        reversal=-pl.col("stock_return_20d"),
    ).with_columns(pl.col("momentum", "reversal").cast(pl.Float64).fill_nan(None))
    if rankable(panel["as_of"]):
        signals = signals.with_columns(rank_within("as_of", ["momentum", "reversal"]))
    signals = signals.with_columns(pl.col("momentum", "reversal").fill_null(0.0))
    train = panel.filter(pl.col("split") == "train")
    values = Scaler.fit(train, features, inputs).transform(panel).values
    out = panel.select(*_KEYS)
    for horizon in horizons:
        known = panel.select(*_KEYS, target=f"target_{horizon}d")
        past = known.filter(pl.col("split") == "train", pl.col("target").is_finite())["target"]
        ridge = Ridge.fit(values, _outcome(known, target), panel["split"])
        columns = {
            "constant": pl.repeat(past.mean() if len(past) else 0.0, len(panel), eager=True),
            "always_up": pl.repeat(1.0, len(panel), eager=True),
            "momentum": _mapped(signals["momentum"], known, horizon),
            "reversal": _mapped(signals["reversal"], known, horizon),
            "ridge": _mapped(pl.Series(ridge.predict(values)), known, horizon),
        }
        out = out.with_columns(
            values.alias(f"{name}_{horizon}d") for name, values in columns.items()
        )
    return out


def _outcome(known: pl.DataFrame, target: str) -> Floats:
    values = known.with_columns(pl.col("target").cast(pl.Float64).fill_nan(None))
    if target == "rank":
        values = values.with_columns(rank_within("as_of", ["target"]))
    return values["target"].fill_null(np.nan).to_numpy()


def _mapped(raw: pl.Series, known: pl.DataFrame, horizon: int) -> pl.Series:
    name = f"score_{horizon}d"
    rows = known.rename({"target": f"target_{horizon}d"}).with_columns(raw.alias(name))
    return Calibrator.fit(rows, (horizon,)).apply(rows)[name]
