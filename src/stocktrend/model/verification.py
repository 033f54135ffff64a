"""A check that the installation works: imports, shapes, a backward pass."""

from collections.abc import Iterable
from importlib import import_module

import torch
from torch import Tensor

from stocktrend._version import __version__
from stocktrend.errors import ModelError
from stocktrend.model.dual_tower import DualTowerRelevanceModel, create_model
from stocktrend.model.losses import DualTowerLoss

ROWS = 32


def verify_installation(modules: Iterable[str] = ("stocktrend",)) -> str:
    """Import every public name, run the default model forward and backward, and say what was found.

    Args:
        modules: Whose public names to import.

    Returns:
        A few lines: what was imported, parameter counts, output shapes, the loss.

    Raises:
        ModelError: an import fails, a shape is wrong, or an output or a gradient is not finite.

    >>> print(verify_installation().splitlines()[-1])
    Everything works.
    """
    imports = _imports(modules)
    model = create_model("cpu")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        context = torch.randn(ROWS, model.shape.context_dim)
        stock = torch.randn(ROWS, model.shape.stock_dim)
        outputs = model(context, stock)
    _check_shapes(model, outputs)
    labels = {f"target_{h}d": torch.zeros(ROWS) for h in model.horizons}
    loss = DualTowerLoss(horizons=model.horizons)(outputs, labels)
    loss.backward()
    gradients = _check_gradients(model, outputs)
    lines = [f"stocktrend {__version__}, torch {torch.__version__}", "", *imports]
    lines += ["", f"Shapes: outputs of {ROWS} rows are as designed:"]
    lines += [f"  {name:<20}{tuple(value.shape)}" for name, value in outputs.items()]
    lines += ["", f"Backward pass: {gradients} parameters, all with finite gradients:"]
    parts = {
        name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()
    }
    lines += [f"  {name:<20}{count:>8,}" for name, count in parts.items()]
    return "\n".join(
        [*lines, f"  loss of random rows {loss.item():>8.4f}", "", "Everything works."]
    )


def _imports(modules: Iterable[str]) -> list[str]:
    """Import all that a user may ask for; one line a module."""
    lines = ["Imports, with the names of each:"]
    try:
        for module in modules:
            found = import_module(module)
            for name in found.__all__:
                getattr(found, name)
            lines.append(f"  {module:<40}{len(found.__all__):>3}")
    except ImportError as error:
        raise ModelError(
            f"every module must import, however: {error}. Install again: "
            "pip install -c constraints.txt -e ."
        ) from error
    return lines


def _check_shapes(model: DualTowerRelevanceModel, outputs: dict[str, Tensor]) -> None:
    shape = model.shape
    expected: dict[str, tuple[int, ...]] = {
        "context_embedding": (ROWS, shape.context_embedding_dim),
        "stock_embedding": (ROWS, shape.stock_embedding_dim),
        "projected_stock": (ROWS, shape.context_embedding_dim),
    }
    for h in model.horizons:
        expected |= {f"{kind}_{h}d": (ROWS,) for kind in ("score", "pos_prob", "neg_prob")}
        expected[f"logits_{h}d"] = (ROWS, 2)
    found = {name: tuple(value.shape) for name, value in outputs.items()}
    if found != expected:
        raise ModelError(
            f"the model's outputs must have the shapes {expected}, however: {found}. "
            "Install stocktrend again"
        )


def _check_gradients(model: DualTowerRelevanceModel, outputs: dict[str, Tensor]) -> str:
    """How many parameters the backward pass reached."""
    values = [*outputs.values(), *(p.grad for p in model.parameters())]
    if not all(value is not None and bool(value.isfinite().all()) for value in values):
        raise ModelError(
            "the model's outputs and gradients must be finite, however they are not: "
            "install torch again"
        )
    return f"{sum(p.numel() for p in model.parameters()):,}"
