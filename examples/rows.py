"""All rows of a loader at once, and what a model says of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import torch
from torch import Tensor

from stocktrend.errors import DataError
from stocktrend.model import DualTowerRelevanceModel

BLOCK = 4096
"""Rows of one forward pass."""

Batch = tuple[Tensor, Tensor, dict[str, Tensor]]


@dataclass(frozen=True)
class Rows:
    """The rows of a loader.

    Attributes:
        context: (n, 25), scaled.
        stock: (n, 62), scaled.
        labels: ``target_{h}d`` (n,), NaN where not known.
        keys: ``ticker`` and ``as_of`` of each row; numbers in place of tickers where the loader
            does not know them or shuffles.
    """

    context: Tensor
    stock: Tensor
    labels: dict[str, Tensor]
    keys: pl.DataFrame

    def __len__(self) -> int:
        return len(self.context)


def rows_of(loader: Iterable[Batch]) -> Rows:
    """Read a loader once, from its first row to its last.

    Raises:
        DataError: it has none.
    """
    batches = list(loader)
    if not batches:
        raise DataError("the loader must have rows, however: 0")
    context = torch.cat([batch[0] for batch in batches])
    stock = torch.cat([batch[1] for batch in batches])
    labels = {name: torch.cat([batch[2][name] for batch in batches]) for name in batches[0][2]}
    return Rows(context, stock, labels, _keys(loader, context))


def _keys(loader: Iterable[Batch], context: Tensor) -> pl.DataFrame:
    dataset = getattr(loader, "dataset", None)
    known = getattr(dataset, "keys", None)
    # A loader that shuffles gives rows in an order that the data set's names do not follow.
    if isinstance(known, pl.DataFrame) and len(known) == len(context):
        ordered, _, _ = dataset[torch.arange(len(context))]
        if torch.equal(ordered, context):
            return known
    numbers = [f"row {number}" for number in range(len(context))]
    return pl.DataFrame({"ticker": numbers, "as_of": [None] * len(numbers)})


def outputs_of(model: DualTowerRelevanceModel, context: Tensor, stock: Tensor) -> dict[str, Tensor]:
    """The model's outputs for any number of rows, on the CPU; the model is left in eval mode."""
    model.eval()
    with torch.inference_mode():
        blocks = [
            {name: value.cpu() for name, value in model(*block).items()}
            for block in _blocks(context, stock)
        ]
    return {name: torch.cat([block[name] for block in blocks]) for name in blocks[0]}


def _blocks(context: Tensor, stock: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(torch.split(context, BLOCK), torch.split(stock, BLOCK), strict=True)


def predict(model: DualTowerRelevanceModel, rows: Rows) -> pl.DataFrame:
    """One line a row, as in the ``predictions`` of a run.

    Returns:
        ``ticker, as_of`` and, per horizon, ``score_{h}d`` in [-1, 1], ``pos_prob_{h}d``,
        ``neg_prob_{h}d`` (they sum to 1) and ``target_{h}d`` (null where it is not known).
    """
    outputs = outputs_of(model, rows.context, rows.stock)
    columns = {}
    for h in model.horizons:
        for name in (f"score_{h}d", f"pos_prob_{h}d", f"neg_prob_{h}d"):
            columns[name] = outputs[name].double().numpy()
        columns[f"target_{h}d"] = rows.labels[f"target_{h}d"].double().numpy()
    return rows.keys.hstack(pl.DataFrame(columns)).with_columns(
        pl.col("^target_.*$").fill_nan(None)
    )


def describe(predictions: pl.DataFrame, horizons: Sequence[int]) -> pl.DataFrame:
    """Statistics of each output: ``above middle`` is the share above 0, for probabilities 0.5."""
    lines = []
    for name in (f"{kind}_{h}d" for h in horizons for kind in ("score", "pos_prob", "neg_prob")):
        values = predictions[name]
        middle = 0.0 if name.startswith("score") else 0.5
        figures = {
            kind: getattr(values, kind)() for kind in ("mean", "std", "min", "median", "max")
        }
        lines.append({"output": name, **figures, "above middle": (values > middle).mean()})
    return pl.DataFrame(lines)
