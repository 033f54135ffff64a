"""Training speed at batch 32, one model: the trainer against a plain tensor loop.

The plain loop is what one would write by hand for speed: the same model, fused Adam with the same
groups, the same gradient clipping, batches by index_select from tensors in memory, and the same
loss written out for labels that are all known (so without any masking). Both start from the same
weights and see the same rows. Rounds alternate between the two, so that other work on the machine
hits both; the ratio is the median of the rounds' ratios.

    python benchmarks/training.py [--rows 16000] [--rounds 7] [--threads 1 2]
"""

import argparse
import statistics
import time

import numpy as np
import polars as pl
import torch
from torch import Tensor
from torch.nn import functional

from stocktrend.catalog import FEATURES
from stocktrend.dataset import BatchLoader, DualTowerDataset
from stocktrend.model import DualTowerRelevanceModel, create_model
from stocktrend.training import DualTowerTrainer, create_optimizer

BATCH = 32


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
) -> None:
    """One pass over all rows in random order."""
    model.train()
    parameters = list(model.parameters())
    for rows in torch.randperm(len(context)).split(BATCH):
        optimizer.zero_grad()
        out = model(context.index_select(0, rows), stock.index_select(0, rows))
        chosen = {h: target.index_select(0, rows) for h, target in targets.items()}
        loss = plain_loss(out, chosen)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def measure(rows: int, rounds: int, threads: int) -> tuple[float, float, float]:
    """Median rows a second of ours and of the plain loop, and the median ratio."""
    torch.set_num_threads(threads)
    data = dataset(rows)
    loader = BatchLoader(data, BATCH, shuffle=True)
    trainer = DualTowerTrainer(create_model("cpu"), checkpoint_dir=None)
    model = create_model("cpu")
    optimizer = create_optimizer(model)
    context, stock, labels = data[torch.arange(rows)]
    context, stock = context.contiguous(), stock.contiguous()
    targets = {h: labels[f"target_{h}d"].contiguous() for h in (7, 30)}

    ours, plain = [], []
    for number in range(rounds + 1):
        start = time.perf_counter()
        trainer._train_epoch(loader, number, seed=0)
        middle = time.perf_counter()
        plain_epoch(model, optimizer, context, stock, targets)
        end = time.perf_counter()
        if number:  # the first round warms up
            ours.append(rows / (middle - start))
            plain.append(rows / (end - middle))
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    return statistics.median(ours), statistics.median(plain), statistics.median(ratios)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    print(f"torch {torch.__version__}, batch {BATCH}, {arguments.rows:,} rows a round")
    print(f"{'threads':>7}  {'stocktrend rows/s':>17}  {'plain loop rows/s':>17}  {'ratio':>5}")
    for threads in arguments.threads:
        ours, plain, ratio = measure(arguments.rows, arguments.rounds, threads)
        print(f"{threads:>7}  {ours:>17,.0f}  {plain:>17,.0f}  {ratio:>5.2f}")


if __name__ == "__main__":
    main()
