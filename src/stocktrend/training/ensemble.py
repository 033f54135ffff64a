"""Several models of one recipe that answer as one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from stocktrend.atomic import write_json
from stocktrend.catalog import Inputs
from stocktrend.dataset import Frame, Scaler, to_polars
from stocktrend.errors import DataError, ModelError
from stocktrend.model import DualTowerRelevanceModel, resolve_device
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.training.checkpoints import read_json
from stocktrend.training.member import BLOCK, load_member, member_plan, save_member
from stocktrend.training.standing import History

FORMAT: Final = 1
INDEX: Final = "ensemble.json"


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    """Trained members with the scaler that they share.

    Attributes:
        recipe: How the members were trained.
        horizons: Days.
        seed: Of the first member; the next ones have seed + 1, seed + 2, ...
        scaler: Fitted on the training rows.
        members: Models in eval mode.
        histories: Training history of each member.
    """

    recipe: Recipe
    horizons: tuple[int, ...]
    seed: int
    scaler: Scaler
    members: tuple[DualTowerRelevanceModel, ...]
    histories: tuple[History, ...]

    def __repr__(self) -> str:
        return (
            f"Ensemble(members={len(self.members)}, horizons={self.horizons}, seed={self.seed}, "
            f"features={self.recipe.features!r}, target={self.recipe.target!r})"
        )

    def predict(self, panel: Frame, *, progress: Progress = silent) -> pl.DataFrame:
        """Mean score and probabilities of the members, before calibration.

        With ``features="rank"`` ranks are taken within each ``as_of`` of the frame given: pass a
        date's whole universe and select tickers afterwards.

        Args:
            panel: Rows with ``ticker``, ``as_of`` and the features that the scaler was fitted on;
                labels are not read.

        Returns:
            ``ticker``, ``as_of``, then per horizon ``score_{h}d`` in [-1, 1], ``pos_prob_{h}d``,
            ``neg_prob_{h}d`` (sum 1): Float64, in the panel's order.

        Raises:
            DataError: columns are missing, or features infinite.
        """
        frame = to_polars(panel)
        names = [
            f"{kind}_{h}d" for h in self.horizons for kind in ("score", "pos_prob", "neg_prob")
        ]
        total = np.zeros((len(frame), len(names)))
        for outputs in self._each(frame, names, progress):
            total += outputs
        means = pl.DataFrame(total / len(self.members), schema=names)
        return frame.select("ticker", "as_of").hstack(means)

    def raw_scores(self, panel: Frame, *, progress: Progress = silent) -> pl.DataFrame:
        """Mean score of the members, and how far they disagree; arguments as in ``predict``.

        Returns:
            ``ticker``, ``as_of``, then ``raw_{h}d`` per horizon and, of two members or more,
            ``spread_{h}d``, their standard deviation (ddof 1).
        """
        frame = to_polars(panel)
        names = [f"score_{h}d" for h in self.horizons]
        scores = np.stack(list(self._each(frame, names, progress)))
        columns = {}
        for column, h in enumerate(self.horizons):
            columns[f"raw_{h}d"] = scores[..., column].mean(axis=0)
            if len(self.members) > 1:
                columns[f"spread_{h}d"] = scores[..., column].std(axis=0, ddof=1)
        return frame.select("ticker", "as_of").hstack(pl.DataFrame(columns))

    def _each(
        self, frame: pl.DataFrame, names: Sequence[str], progress: Progress
    ) -> Iterator[NDArray[np.float64]]:
        """(n, names) outputs of one member after the other."""
        missing = [name for name in ("ticker", "as_of") if name not in frame.columns]
        if missing:
            raise DataError(f"predict needs the columns {', '.join(missing)} of the panel")
        inputs = torch.from_numpy(self.scaler.transform(frame).values)
        for number, member in enumerate(self.members, start=1):
            yield _outputs(member, inputs, names, len(self.scaler.inputs.context))
            progress("predict", number * len(frame), len(self.members) * len(frame), "rows")

    def save(self, folder: str | Path) -> None:
        """Write two files a member, then ``ensemble.json``; each file appears whole."""
        folder = Path(folder)
        for number, member in enumerate(self.members):
            plan = member_plan(self.recipe, self.horizons, self.seed + number, self.scaler)
            save_member(folder, number, member, self.histories[number], plan)
        content = {
            "format": FORMAT,
            "recipe": self.recipe.model_dump(mode="json"),
            "horizons": list(self.horizons),
            "seed": self.seed,
            "members": len(self.members),
            "scaler": asdict(self.scaler),
        }
        write_json(folder / INDEX, content)

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu") -> Self:
        """Read a saved ensemble; on the same device it predicts the same bits.

        Raises:
            ModelError: files are missing, damaged or of another version.
        """
        folder = Path(folder)
        content = read_json(folder / INDEX)
        if content.get("format") != FORMAT:
            raise ModelError(
                f"{folder / INDEX} must have format {FORMAT}, however: {content.get('format')!r}. "
                f"Train again with this version"
            )
        where = resolve_device(device)
        members = [load_member(folder, number, where) for number in range(content["members"])]
        scaler = Scaler(**content["scaler"])
        for model, _ in members:
            _require_widths(model, scaler.inputs, folder)
        return cls(
            recipe=Recipe.model_validate(content["recipe"]),
            horizons=tuple(content["horizons"]),
            seed=content["seed"],
            scaler=scaler,
            members=tuple(model for model, _ in members),
            histories=tuple(history for _, history in members),
        )


def _require_widths(model: DualTowerRelevanceModel, inputs: Inputs, folder: Path) -> None:
    saved, read = (len(inputs.context), len(inputs.stock)), model.shape
    if saved != (read.context_dim, read.stock_dim):
        raise ModelError(
            f"a model's towers must read the features that {INDEX} names, {saved[0]} and "
            f"{saved[1]}, however its weights are for {read.context_dim} and {read.stock_dim}. "
            f"Remove {folder} and train again"
        )


def _outputs(
    member: DualTowerRelevanceModel, inputs: torch.Tensor, names: Sequence[str], context: int
) -> NDArray[np.float64]:
    """(n, 87) inputs, the first ``context`` of the context -> (n, names) of one member."""
    blocks = []
    with torch.inference_mode():
        for rows in torch.split(inputs, BLOCK):
            outputs = member(rows[:, :context], rows[:, context:])
            blocks.append(torch.stack([outputs[name] for name in names], dim=1).double().cpu())
    return torch.cat(blocks).numpy()
