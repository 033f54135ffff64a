"""The two towers and the head that reads them."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn


class _Tower(nn.Module):
    """Blocks of dense + batch norm + ReLU + dropout, then a linear layer to the embedding.

    Batch norm is that of Ioffe and Szegedy (2015), dropout that of Srivastava et al. (2014). The
    last layer has no ReLU, so that embeddings are signed.
    """

    def __init__(
        self, input_dim: int, hidden_dims: Sequence[int], embedding_dim: int, dropout: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = input_dim
        for hidden in hidden_dims:
            layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = hidden
        layers.append(nn.Linear(width, embedding_dim))
        self.layers = nn.Sequential(*layers)
        initialize(self)

    def forward(self, features: Tensor) -> Tensor:
        """(B, input_dim) -> (B, embedding_dim)."""
        embedding: Tensor = self.layers(features)
        return embedding


class ContextTower(_Tower):
    """Encodes news, policy and macro features: (B, 25) -> (B, 32).

    Args:
        input_dim: Number of features.
        hidden_dims: Widths of the blocks, from the input on.
        embedding_dim: Size of the embedding.
        dropout: Share of activations that a block drops in training.

    >>> import torch
    >>> ContextTower()(torch.zeros(4, 25)).shape
    torch.Size([4, 32])
    """

    def __init__(
        self,
        input_dim: int = 25,
        hidden_dims: Sequence[int] = (128, 64, 32),
        embedding_dim: int = 32,
        dropout: float = 0.2,
    ) -> None:
        super().__init__(input_dim, hidden_dims, embedding_dim, dropout)


class StockTower(_Tower):
    """Encodes the price and volume features of one stock: (B, 62) -> (B, 64).

    Args:
        input_dim: And the others: as in ``ContextTower``.

    >>> import torch
    >>> StockTower()(torch.zeros(4, 62)).shape
    torch.Size([4, 64])
    """

    def __init__(
        self,
        input_dim: int = 62,
        hidden_dims: Sequence[int] = (256, 128, 64),
        embedding_dim: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__(input_dim, hidden_dims, embedding_dim, dropout)


class HeadOutput(NamedTuple):
    """What one head says: ``score`` (B,) in [-1, 1], ``logits`` (B, 2) of up and down."""

    score: Tensor
    logits: Tensor


class RelevanceHead(nn.Module):
    """Score and direction for one horizon: 32 -> 16 (batch norm, ReLU) -> 8 (ReLU) -> 3.

    The first output goes through tanh and is the score; the other two are the logits of a
    positive and of a negative outcome.

    Args:
        input_dim: Size of what the head reads; twice the embedding's for ``concat``.

    >>> import torch
    >>> score, logits = RelevanceHead()(torch.zeros(4, 32))
    >>> score.shape, logits.shape
    (torch.Size([4]), torch.Size([4, 2]))
    """

    def __init__(self, input_dim: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_dim, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Linear(16, 8),
            nn.ReLU(),
            nn.Linear(8, 3),
        )
        initialize(self)

    def forward(self, joint: Tensor) -> HeadOutput:
        """(B, input_dim) -> score (B,), logits (B, 2)."""
        raw: Tensor = self.layers(joint)
        return HeadOutput(raw[:, 0].tanh(), raw[:, 1:])


class LinearHead(RelevanceHead):
    """A head of one layer, 32 -> 3: what is added up before it stays a sum.

    >>> sum(parameter.numel() for parameter in LinearHead().parameters())
    99
    """

    def __init__(self, input_dim: int = 32) -> None:
        super().__init__(input_dim)
        self.layers = nn.Sequential(nn.Linear(input_dim, 3))
        initialize(self)


def initialize(module: nn.Module) -> None:
    """Kaiming-normal weights (He et al., 2015) and zero biases for every linear layer."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
