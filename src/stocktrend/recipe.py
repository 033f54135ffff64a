"""How a panel becomes a model: one recipe of settings, and the two presets."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, lt=1)]


class Recipe(BaseModel):
    """How a panel becomes a model. The two presets are two recipes; every field can be set.

    ``min_steps`` fits a recipe of large panels to small ones: where ``epochs`` passes of
    ``batch_size`` rows make fewer optimizer steps, batches are halved, down to 64, and then
    epochs added. 0 takes both as they stand.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: Literal["zscore", "rank"] = "zscore"
    target: Literal["tanh", "rank"] = "tanh"
    calibrate: bool = False
    members: int = Field(1, ge=1)

    context_hidden_dims: tuple[int, ...] = (128, 64, 32)
    stock_hidden_dims: tuple[int, ...] = (256, 128, 64)
    context_embedding_dim: int = Field(32, ge=1)
    stock_embedding_dim: int = Field(64, ge=1)
    context_dropout: Share = 0.2
    stock_dropout: Share = 0.3
    interaction: Literal["full", "product", "concat", "additive", "context", "stock", "mlp"] = (
        "full"
    )

    optimizer: Literal["adam", "adamw"] = "adam"
    context_lr: float = Field(1e-3, gt=0)
    stock_lr: float = Field(5e-4, gt=0)
    head_lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(1e-5, ge=0)
    scheduler: Literal["cosine", "plateau", "none"] = "cosine"
    warmup_epochs: int = Field(5, ge=0)
    epochs: int = Field(100, ge=1)
    batch_size: int = Field(32, ge=2)
    min_steps: int = Field(0, ge=0)
    early_stopping_patience: int = Field(15, ge=1)
    min_delta: float = Field(1e-4, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    regression_weight: float = Field(1.0, ge=0)
    classification_weight: float = Field(0.5, ge=0)
    regularization_weight: float = Field(0.01, ge=0)


PRESETS: dict[str, Recipe] = {
    "original": Recipe(),
    "cross_sectional": Recipe(
        features="rank",
        target="rank",
        calibrate=True,
        members=32,
        context_dropout=0.1,
        stock_dropout=0.1,
        optimizer="adamw",
        context_lr=1e-3,
        stock_lr=1e-3,
        head_lr=1e-3,
        weight_decay=1e-3,
        scheduler="none",
        warmup_epochs=0,
        epochs=3,
        batch_size=512,
        min_steps=1000,
    ),
}
CROSS_SECTIONAL_FROM = 30
"""Universe size from which the preset ``auto`` means ``cross_sectional``."""
