"""Training speed in member-rows a second: members together, alone, and in a plain torch loop.

The plain loop is what one would write by hand for speed, one member after the other: the same
model, fused Adam with the same groups, the same gradient clipping, batches by index_select from
tensors in memory, and the same loss written out for labels that are all known (so without any
masking). Rounds alternate between the three, so that other work on the machine hits all; ratios are
medians of the rounds' ratios. Validation and the making of the data are left out.

    python benchmarks/training.py [--rows 40960] [--members 8] [--rounds 5] [--batches 32 512]
"""

import argparse
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from stocktrend.catalog import FEATURES
from stocktrend.dataset import BatchLoader, DualTowerDataset
from stocktrend.model import DualTowerLoss, DualTowerRelevanceModel, create_model
from stocktrend.threads import available_cores
from stocktrend.training import create_optimizer
from stocktrend.training.compiled import CompiledTraining

Speeds = dict[str, list[float]]


def dataset(rows: int) -> DualTowerDataset:
    """Random rows with known labels."""
    generator = np.random.default_rng(0)
    inputs = pl.DataFrame(generator.normal(size=(rows, len(FEATURES))), schema=list(FEATURES))
    labels = np.tanh(generator.normal(size=(rows, 2)) / 3)
    panel = inputs.hstack(pl.DataFrame(labels, schema=["target_7d", "target_30d"]))
    keys = pl.lit("T").alias("ticker"), pl.lit(0).alias("as_of")
    return DualTowerDataset(panel.with_columns(*keys))


def plain_loss(out: dict[str, Tensor], targets: dict[int, Tensor]) -> Tensor:
    """The same loss, one horizon after the other, without masks or checks."""
    c, s = out["context_embedding"], out["stock_embedding"]
    cosine = functional.cosine_similarity(c, out["projected_stock"], dim=-1)
    magnitude = (c.square().mean() - 1).square() + (s.square().mean() - 1).square()
    loss = 0.01 * (cosine.square().mean() + magnitude)
    for h, target in targets.items():
        positive = 0.5 + 0.5 * (target >= 0.1).float() - 0.5 * (target <= -0.1).float()
        truth = torch.stack([positive, 1 - positive], dim=1)
        loss = loss + functional.mse_loss(out[f"score_{h}d"], target)
        loss = loss + 0.5 * functional.cross_entropy(out[f"logits_{h}d"], truth)
    return loss


def plain_epoch(
    model: DualTowerRelevanceModel,
    optimizer: torch.optim.Optimizer,
    context: Tensor,
    stock: Tensor,
    targets: dict[int, Tensor],
    batch: int,
) -> None:
    """One pass over all rows in random order."""
    model.train()
    parameters = list(model.parameters())
    for rows in torch.randperm(len(context)).split(batch):
        optimizer.zero_grad()
        out = model(context.index_select(0, rows), stock.index_select(0, rows))
        chosen = {h: target.index_select(0, rows) for h, target in targets.items()}
        loss = plain_loss(out, chosen)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def measure(data: DualTowerDataset, batch: int, members: int, rounds: int) -> Speeds:
    """Speeds of each round; the first one, which warms up, is left out."""
    rows = len(data)
    context, stock, labels = data[torch.arange(rows)]
    context, stock = context.contiguous(), stock.contiguous()
    targets = {h: labels[f"target_{h}d"].contiguous() for h in (7, 30)}
    models = [create_model("cpu", seed=number) for number in range(members)]
    optimizers = [create_optimizer(model) for model in models]
    loaders = [BatchLoader(data, batch, shuffle=True, seed=number) for number in range(members)]
    trainings = [
        CompiledTraining(model, DualTowerLoss(), create_optimizer(model), 1.0, loader)
        for model, loader in zip(
            (create_model("cpu", seed=number) for number in range(members)), loaders, strict=True
        )
    ]
    found: Speeds = {"together": [], "alone": [], "plain": []}
    with ThreadPoolExecutor(available_cores()) as pool:
        for number in range(rounds + 1):
            times = [time.perf_counter()]
            list(pool.map(lambda training: training.train(number, 0), trainings))  # noqa: B023
            times.append(time.perf_counter())
            for training in trainings:
                training.train(number, 0)
            times.append(time.perf_counter())
            for model, optimizer in zip(models, optimizers, strict=True):
                plain_epoch(model, optimizer, context, stock, targets, batch)
            times.append(time.perf_counter())
            if number:
                for name, start, end in zip(found, times, times[1:], strict=False):
                    found[name].append(members * rows / (end - start))
    return found


def ratio(speeds: Speeds, name: str) -> float:
    """Median over the rounds of a speed's ratio to the plain loop's."""
    return statistics.median(a / b for a, b in zip(speeds[name], speeds["plain"], strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_960)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[32, 512])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = dataset(arguments.rows)
    print(
        f"torch {torch.__version__}, {available_cores()} cores, {arguments.members} members, "
        f"{arguments.rows:,} rows each; member-rows a second"
    )
    print(f"{'batch':>6}{'together':>12}{'alone':>12}{'plain loop':>12}{'ratios':>14}")
    for batch in arguments.batches:
        speeds = measure(data, batch, arguments.members, arguments.rounds)
        median = {name: statistics.median(values) for name, values in speeds.items()}
        ratios = f"{ratio(speeds, 'together'):.1f} and {ratio(speeds, 'alone'):.1f}"
        print(
            f"{batch:>6}{median['together']:>12,.0f}{median['alone']:>12,.0f}"
            f"{median['plain']:>12,.0f}{ratios:>14}",
            flush=True,
        )


if __name__ == "__main__":
    main()
