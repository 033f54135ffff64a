"""How much a trained model needs each group of context features.

Permutation importance (Breiman 2001, section 10): give every row the group's values of another
date, keep all else, and see how much worse the predictions get. Values move between dates and not
between stocks, because policy and macro features are the same for all stocks of a date.
"""

import torch
from torch import Tensor

from examples.rows import Rows, outputs_of
from stocktrend.catalog import CONTEXT_FEATURES, FEATURE_GROUPS, POLICY_FEATURES
from stocktrend.errors import DataError
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel
from stocktrend.training.metrics import correlation

CONTEXT_GROUPS = ("news", "policy", "macro")
FIRST_OF_DATE = CONTEXT_FEATURES.index(POLICY_FEATURES[0])
"""From this feature on, the context is that of the date and not of the stock."""

Importance = dict[str, float]


def group_importance(
    model: DualTowerRelevanceModel, rows: Rows, repeats: int = 10, seed: int = 0
) -> dict[str, dict[str, object]]:
    """Importance of news, policy and macro, and of each of their features.

    Args:
        repeats: Permutations of the dates; figures are means over them.
        seed: Of the permutations; all groups and features meet the same ones.

    Returns:
        For each group: ``loss``, by how much the loss rises (regression and direction of all
        horizons with the default weights; 0 or less: the model gains nothing from the group);
        ``loss_std``, its standard deviation over the permutations; ``correlation_{h}d``, by how
        much the correlation of score and target falls; ``features``, the same figures for each
        feature of the group alone.

    Raises:
        DataError: the rows are all of one date.
    """
    donors = [_donors(rows, seed + number) for number in range(repeats)]
    base = _figures(model, rows, rows.context)

    def importance(names: tuple[str, ...]) -> Importance:
        places = [CONTEXT_FEATURES.index(name) for name in names]
        changes: dict[str, list[float]] = {name: [] for name in base}
        for donor in donors:
            context = rows.context.clone()
            context[:, places] = rows.context[donor][:, places]
            for name, value in _figures(model, rows, context).items():
                worse = value - base[name] if name == "loss" else base[name] - value
                changes[name].append(worse)
        losses = torch.tensor(changes.pop("loss"))
        falls = {name: sum(values) / len(values) for name, values in changes.items()}
        spread = float(losses.std(correction=0))
        return {"loss": float(losses.mean()), "loss_std": spread, **falls}

    return {
        group: {
            **importance(FEATURE_GROUPS[group]),
            "features": {name: importance((name,)) for name in FEATURE_GROUPS[group]},
        }
        for group in CONTEXT_GROUPS
    }


def _figures(model: DualTowerRelevanceModel, rows: Rows, context: Tensor) -> dict[str, float]:
    """Loss of the predictions alone, and the correlation of each horizon."""
    outputs = outputs_of(model, context, rows.stock)
    loss = DualTowerLoss(regularization_weight=0.0, horizons=model.horizons)
    figures = {"loss": float(loss(outputs, rows.labels))}
    for h in model.horizons:
        target = rows.labels[f"target_{h}d"]
        known = ~target.isnan()
        score = outputs[f"score_{h}d"][known].double()
        figures[f"correlation_{h}d"] = correlation(score, target[known].double())
    return figures


def _donors(rows: Rows, seed: int) -> Tensor:
    """(n,) positions: for each row, a random row of the date that takes its date's place."""
    generator = torch.Generator().manual_seed(seed)
    date, counts = _dates(rows)
    if len(counts) < 2:
        raise DataError(
            "importance moves values between dates, however all rows are of one date: "
            "use a loader with more dates"
        )
    by_date = date.argsort(stable=True)
    starts = counts.cumsum(0) - counts
    other = torch.randperm(len(counts), generator=generator)[date]
    chosen = (torch.rand(len(date), generator=generator) * counts[other]).long()
    return by_date[starts[other] + chosen]


def _dates(rows: Rows) -> tuple[Tensor, Tensor]:
    """(n,) number of each row's date, and the rows of each date."""
    as_of = rows.keys["as_of"]
    if as_of.null_count() == 0:
        numbers = torch.from_numpy(as_of.rank("dense").cast(int).to_numpy(writable=True)) - 1
        return numbers, numbers.bincount()
    shared = rows.context[:, FIRST_OF_DATE : len(CONTEXT_FEATURES)]
    _, numbers, counts = torch.unique(shared, dim=0, return_inverse=True, return_counts=True)
    return numbers, counts
