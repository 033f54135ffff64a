"""The dual-tower network: context and stock in, a score and a direction per horizon out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final, Literal, get_args

import torch
from torch import Tensor, nn

from stocktrend.errors import ModelError
from stocktrend.model.device import resolve_device
from stocktrend.model.towers import ContextTower, LinearHead, RelevanceHead, StockTower

Interaction = Literal["full", "product", "concat", "additive", "context", "stock", "mlp"]
"""What the heads read of both towers."""

INTERACTIONS: Final[tuple[str, ...]] = get_args(Interaction)


@dataclass(frozen=True)
class ModelShape:
    """Everything that decides the network's layers: enough to build it again.

    Attributes:
        context_dim, stock_dim: Features of context and stock.
        context_hidden_dims, stock_hidden_dims: Widths of a tower's blocks, from the input on.
        context_embedding_dim, stock_embedding_dim: Sizes of the embeddings; the stock's is
            projected to the context's.
        context_dropout, stock_dropout: Share of activations that a block drops in training.
        horizons: Days, one head each.
        interaction: What the heads read; see ``DualTowerRelevanceModel``.

    Raises:
        ModelError: a size, rate, horizon or interaction is out of range; all of them are named.

    >>> ModelShape(horizons=(5, 90)).stock_hidden_dims
    (256, 128, 64)
    """

    context_dim: int = 25
    stock_dim: int = 62
    context_hidden_dims: tuple[int, ...] = (128, 64, 32)
    stock_hidden_dims: tuple[int, ...] = (256, 128, 64)
    context_embedding_dim: int = 32
    stock_embedding_dim: int = 64
    context_dropout: float = 0.2
    stock_dropout: float = 0.3
    horizons: tuple[int, ...] = (7, 30)
    interaction: Interaction = "full"

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive, however: {value!r}"
            for name, value in asdict(self).items()
            if ("dim" in name or name == "horizons")
            and any(size < 1 for size in (value if isinstance(value, tuple) else (value,)))
        ]
        problems += [
            f"{name} must be in [0, 1), however: {rate!r}"
            for name, rate in asdict(self).items()
            if name.endswith("dropout") and not 0 <= rate < 1
        ]
        if not self.horizons or len(set(self.horizons)) != len(self.horizons):
            problems.append(f"horizons must be distinct days, however: {self.horizons!r}")
        if self.interaction not in INTERACTIONS:
            problems.append(
                f"interaction must be one of {', '.join(INTERACTIONS)}, "
                f"however: {self.interaction!r}"
            )
        if problems:
            raise ModelError("\n".join(problems))


class DualTowerRelevanceModel(nn.Module):
    """Two towers, their interaction, and one head per horizon.

    With ``c`` the context embedding and ``P s`` the stock embedding projected to its size, the
    heads read, by ``interaction``:

    - ``full``: ``(1 + c) * (1 + P s) - 1 = c + P s + c * P s``, both main effects and the product;
    - ``product``: ``c * P s``;
    - ``concat``: ``c`` and ``P s`` side by side;
    - ``additive``: ``c + P s``, by heads of one linear layer: deeper ones can make a product of a
      sum. The score is then tanh of a function of the context plus one of the stock;
    - ``context``: ``c`` alone, as first designed (stocks then differ only by their news);
    - ``stock``: ``P s`` alone;
    - ``mlp``: ``P s`` alone, of a stock tower that reads context and stock side by side.

    A tower that the heads do not read is held at unit scale by the loss, and does nothing else.

    The arguments are the fields of ``ModelShape``; a list does where it has a tuple.

    Raises:
        ModelError: a size, rate, horizon or interaction is out of range; all of them are named.

    >>> model = DualTowerRelevanceModel(horizons=(7, 30)).eval()
    >>> outputs = model(torch.zeros(4, 25), torch.zeros(4, 62))
    >>> sorted(name for name in outputs if name.endswith("7d"))
    ['logits_7d', 'neg_prob_7d', 'pos_prob_7d', 'score_7d']
    >>> outputs["score_30d"].shape, outputs["logits_30d"].shape
    (torch.Size([4]), torch.Size([4, 2]))
    """

    def __init__(
        self,
        context_dim: int = 25,
        stock_dim: int = 62,
        context_hidden_dims: Sequence[int] = (128, 64, 32),
        stock_hidden_dims: Sequence[int] = (256, 128, 64),
        context_embedding_dim: int = 32,
        stock_embedding_dim: int = 64,
        context_dropout: float = 0.2,
        stock_dropout: float = 0.3,
        horizons: Sequence[int] = (7, 30),
        interaction: Interaction = "full",
    ) -> None:
        super().__init__()
        self.shape = ModelShape(
            context_dim=context_dim,
            stock_dim=stock_dim,
            context_hidden_dims=tuple(context_hidden_dims),
            stock_hidden_dims=tuple(stock_hidden_dims),
            context_embedding_dim=context_embedding_dim,
            stock_embedding_dim=stock_embedding_dim,
            context_dropout=context_dropout,
            stock_dropout=stock_dropout,
            horizons=tuple(horizons),
            interaction=interaction,
        )
        self.context_tower = ContextTower(
            context_dim, context_hidden_dims, context_embedding_dim, context_dropout
        )
        read = stock_dim + (context_dim if interaction == "mlp" else 0)
        self.stock_tower = StockTower(read, stock_hidden_dims, stock_embedding_dim, stock_dropout)
        self.projection = nn.Linear(stock_embedding_dim, context_embedding_dim)
        # Unlike the layers that read rectified values, P reads signed ones: gain 1 keeps scale.
        nn.init.kaiming_normal_(self.projection.weight, nonlinearity="linear")
        nn.init.zeros_(self.projection.bias)
        joint_dim = context_embedding_dim * (2 if interaction == "concat" else 1)
        head = LinearHead if interaction == "additive" else RelevanceHead
        self.heads = nn.ModuleDict({f"{h}d": head(joint_dim) for h in horizons})

    @property
    def horizons(self) -> tuple[int, ...]:
        """The horizons in days, one head each."""
        return self.shape.horizons

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.projection.weight.device

    def forward(self, context: Tensor, stock: Tensor) -> dict[str, Tensor]:
        """Scores, probabilities and embeddings of a batch.

        Args:
            context: (B, context_dim), on any device: it is moved to the model's.
            stock: (B, stock_dim), likewise.

        Returns:
            For each horizon h: ``score_{h}d`` (B,) in [-1, 1]; ``logits_{h}d`` (B, 2), positive
            first; ``pos_prob_{h}d`` and ``neg_prob_{h}d`` (B,), their softmax. Also
            ``context_embedding`` (B, 32), ``stock_embedding`` (B, 64) and ``projected_stock``
            (B, 32), which is ``P s``.

        Raises:
            ModelError: a shape does not fit, or one single row in training mode.
        """
        c, s = self.extract_embeddings(context, stock)
        projected = self.projection(s)
        outputs = {"context_embedding": c, "stock_embedding": s, "projected_stock": projected}
        joint = self._interact(c, projected)
        for name, head in self.heads.items():
            score, logits = head(joint)
            positive, negative = logits.softmax(dim=1).unbind(dim=1)
            outputs[f"score_{name}"] = score
            outputs[f"logits_{name}"] = logits
            outputs[f"pos_prob_{name}"] = positive
            outputs[f"neg_prob_{name}"] = negative
        return outputs

    def extract_embeddings(self, context: Tensor, stock: Tensor) -> tuple[Tensor, Tensor]:
        """The two towers' embeddings: (B, context_embedding_dim), (B, stock_embedding_dim)."""
        self._check_shapes(context, stock)
        context, stock = context.to(self.device), stock.to(self.device)
        read = torch.cat((context, stock), dim=1) if self.shape.interaction == "mlp" else stock
        return self.context_tower(context), self.stock_tower(read)

    def _interact(self, c: Tensor, projected: Tensor) -> Tensor:
        interaction = self.shape.interaction
        if interaction == "full":
            return torch.addcmul(c + projected, c, projected)
        if interaction == "product":
            return c * projected
        if interaction == "concat":
            return torch.cat((c, projected), dim=1)
        if interaction == "additive":
            return c + projected
        return c if interaction == "context" else projected

    def _check_shapes(self, context: Tensor, stock: Tensor) -> None:
        fits = (
            context.dim() == stock.dim() == 2
            and context.shape[0] == stock.shape[0]
            and context.shape[1] == self.shape.context_dim
            and stock.shape[1] == self.shape.stock_dim
        )
        if not fits:
            raise ModelError(
                f"context must be (B, {self.shape.context_dim}) and stock "
                f"(B, {self.shape.stock_dim}) with the same B, however: {tuple(context.shape)} "
                f"and {tuple(stock.shape)}. A single row needs unsqueeze(0)"
            )
        if self.training and context.shape[0] == 1:
            raise ModelError(
                "batch norm needs at least two rows in training mode, however: 1. "
                "Call model.eval() to predict a single row; a loader whose last batch has one "
                "row needs drop_last=True, those of create_data_loaders never have one"
            )


_DRAWING: Final = Lock()
"""First weights come from torch's one generator: models that threads make wait for each other."""


def create_model(
    device: str | torch.device = "auto", *, seed: int = 0, **shape: Any
) -> DualTowerRelevanceModel:
    """A new model with reproducible first weights, on a device.

    Args:
        device: ``cpu``, ``cuda`` or ``auto`` (the GPU where there is one).
        seed: Of the first weights; torch's global generator is left as it was.
        shape: Arguments of ``DualTowerRelevanceModel``.

    Raises:
        ModelError: the device is not there, or the shape is out of range.

    >>> create_model(device="cpu", stock_hidden_dims=[64, 32]).horizons
    (7, 30)
    """
    where = resolve_device(device)
    with _DRAWING, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = DualTowerRelevanceModel(**shape)
    return model.to(where)
