"""A check that the installed model runs."""

import torch

from stocktrend.errors import ModelError
from stocktrend.model.dual_tower import create_model
from stocktrend.model.losses import DualTowerLoss


def verify_installation() -> str:
    """Run one small forward and backward pass of the default model and describe it.

    Returns:
        A few lines: parameter counts of the parts, output shapes, the loss.

    Raises:
        ModelError: an output or a gradient is not finite.
    """
    model = create_model("cpu")
    generator = torch.Generator().manual_seed(0)
    context = torch.randn(32, model.shape.context_dim, generator=generator)
    stock = torch.randn(32, model.shape.stock_dim, generator=generator)
    labels = {f"target_{h}d": torch.zeros(32) for h in model.horizons}
    outputs = model(context, stock)
    loss = DualTowerLoss(horizons=model.horizons)(outputs, labels)
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if not all(bool(t.isfinite().all()) for t in (*outputs.values(), *gradients)):
        raise ModelError(
            "the model's outputs and gradients must be finite, however they are not: "
            "reinstall torch"
        )
    parts = {
        name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()
    }
    lines = [f"stocktrend's dual-tower model works (torch {torch.__version__}).", "", "Parameters:"]
    lines += [f"  {name:<16}{count:>8,}" for name, count in parts.items()]
    lines += [f"  {'total':<16}{sum(parts.values()):>8,}", "", "Outputs of 32 rows:"]
    lines += [f"  {name:<20}{tuple(value.shape)}" for name, value in outputs.items()]
    return "\n".join([*lines, "", f"Loss of random inputs: {loss.item():.4f}"])
