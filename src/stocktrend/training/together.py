"""Ensembles trained together: every member of every window is a job of one pool of threads.

A member trains in compiled loops that hold no lock of the interpreter, on its own rows, with its
own dropout, clipping, schedule and early stopping. So members are independent: each comes out bit
for bit as if it were trained alone, however many threads there are and whatever is trained beside.
"""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Final

import polars as pl
import torch

from stocktrend.catalog import OURS, Inputs
from stocktrend.dataset import DualTowerDataModule, Frame, time_split, to_polars
from stocktrend.model import DualTowerRelevanceModel, resolve_device
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.threads import available_cores, one_blas_thread, one_torch_thread
from stocktrend.training.ensemble import Ensemble
from stocktrend.training.member import (
    load_member,
    member_is_saved,
    member_plan,
    save_member,
    schedule_of,
    train_member,
    unfinished,
)
from stocktrend.training.standing import History

Trained = tuple[DualTowerRelevanceModel, History]
Job = Future[Trained]

AHEAD: Final = 2
"""Windows whose rows are in memory at a time: one that trains and the next."""


def train_ensemble(
    panel: Frame,
    recipe: Recipe,
    *,
    horizons: Sequence[int] = (7, 30),
    seed: int = 0,
    device: str | torch.device = "cpu",
    inputs: Inputs = OURS,
    folder: Path | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> Ensemble:
    """Train the recipe's members, with the seeds seed, seed + 1, ...

    Args:
        panel: Panel with ``split`` and masked labels, from ``time_split``; without ``split`` it is
            split 70/15/15 by date.
        recipe: One of ``config.PRESETS`` or your own.
        horizons: Days.
        seed: Same seed and machine give the same weights, bit for bit.
        device: ``cpu``, ``cuda`` or ``auto``.
        inputs: Columns of the panel that the towers read; default: the 87.
        folder: Keeps each member as soon as it is trained, and the state of those in training
            after each epoch: a training with the same arguments that was stopped goes on from
            there, to the same weights.
        threads: Members trained at a time; default: as many as there are cores. No result depends
            on it.
        progress: Called after each epoch; the unit is rows.

    Raises:
        DataError: columns are missing, or a part has no known labels.
        ModelError: the device is not there, the loss is no longer finite, or the folder holds
            members of another recipe, seed, horizons or data.
    """
    folders = None if folder is None else [folder]
    [ensemble] = train_ensembles(
        [panel],
        recipe,
        horizons=horizons,
        seed=seed,
        device=device,
        inputs=inputs,
        folders=folders,
        threads=threads,
        progress=progress,
    )
    return ensemble


def train_ensembles(
    panels: Sequence[Frame],
    recipe: Recipe,
    *,
    horizons: Sequence[int] = (7, 30),
    seed: int = 0,
    device: str | torch.device = "cpu",
    inputs: Inputs = OURS,
    folders: Sequence[Path] | None = None,
    threads: int | None = None,
    progress: Progress = silent,
) -> tuple[Ensemble, ...]:
    """Train one ensemble for each panel, all members of all panels as one computation.

    Args:
        panels: As for ``train_ensemble``: one for each window of a walk-forward.
        folders: One for each panel.
        recipe, horizons, seed, device, inputs, threads, progress, and what is raised: as for
            ``train_ensemble``; every panel's members have the same seeds.
    """
    where = resolve_device(device)
    frames = [_split(panel, horizons) for panel in panels]
    shared = _Progress(progress, [_steps(frame, recipe, horizons) for frame in frames], recipe)
    done: list[tuple[DualTowerDataModule, list[Job]]] = []
    ensembles: list[Ensemble] = []

    def collect() -> None:
        data, jobs = done.pop(0)
        ended, _ = wait(jobs, return_when=FIRST_EXCEPTION)
        for job in jobs:
            if job in ended:
                job.result()  # raises, so that others do not train on to their end
        found = [job.result() for job in jobs]
        models, histories = [m for m, _ in found], [h for _, h in found]
        ensembles.append(
            Ensemble(recipe, tuple(horizons), seed, data.scaler, tuple(models), tuple(histories))
        )

    with _workers(threads if where.type == "cpu" else 1, shared.stop) as pool:
        for number, frame in enumerate(frames):
            data = DualTowerDataModule(
                frame,
                recipe.batch_size,
                horizons=horizons,
                features=recipe.features,
                target=recipe.target,
                inputs=inputs,
            )
            folder = None if folders is None else folders[number]
            common = (data, recipe, tuple(horizons), seed, where, folder)
            jobs = [
                pool.submit(_member, *common, member, shared.of(number, member))
                for member in range(recipe.members)
            ]
            done.append((data, jobs))
            if len(done) == AHEAD:
                collect()
        while done:
            collect()
    return tuple(ensembles)


@contextmanager
def _workers(threads: int | None, stop: Event) -> Iterator[ThreadPoolExecutor]:
    """A pool whose members end with their current epoch where an error or Ctrl-C comes."""
    pool = ThreadPoolExecutor(threads or available_cores())
    with one_torch_thread(), one_blas_thread(), pool:
        try:
            yield pool
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _member(
    data: DualTowerDataModule,
    recipe: Recipe,
    horizons: tuple[int, ...],
    seed: int,
    device: torch.device,
    folder: Path | None,
    number: int,
    progress: "_Share",
) -> Trained:
    """Train one member, or take it from its folder, where it is left."""
    own = seed + number
    if folder is None:
        return train_member(data, recipe, horizons, own, device, progress)
    plan, state = member_plan(recipe, horizons, own, data.scaler), unfinished(folder, number)
    if member_is_saved(folder, number):
        model, history = load_member(folder, number, device, plan)
        progress.skip()
    else:
        model, history = train_member(data, recipe, horizons, own, device, progress, state)
        save_member(folder, number, model, history, plan)
    if state.exists():
        shutil.rmtree(state)
    return model, history


def _split(panel: Frame, horizons: Sequence[int]) -> pl.DataFrame:
    frame = to_polars(panel)
    return frame if "split" in frame.columns else time_split(frame, None, horizons)


def _steps(frame: pl.DataFrame, recipe: Recipe, horizons: Sequence[int]) -> int:
    """Rows that a member of this panel passes through, without early stopping."""
    labels = [pl.col(f"target_{h}d") for h in horizons if f"target_{h}d" in frame.columns]
    known = pl.any_horizontal([label.is_not_null() for label in labels]) if labels else pl.lit(True)
    rows = frame.select((known & (pl.col("split") == "train")).sum()).item()
    return int(rows * schedule_of(recipe, rows)[1])


class _StoppedError(Exception):
    """Another member failed, or the program is to end."""


@dataclass
class _Progress:
    """The members' progress added up, and the sign to stop."""

    report: Progress
    rows: Sequence[int]
    recipe: Recipe
    stop: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    done: dict[tuple[int, int], float] = field(default_factory=dict)

    def of(self, panel: int, member: int) -> "_Share":
        """The progress of one member."""
        return _Share(self, (panel, member))


@dataclass(frozen=True)
class _Share:
    """One member's progress, told as rows of all."""

    whole: _Progress
    place: tuple[int, int]

    def skip(self) -> None:
        """The member was there already."""
        with self.whole.lock:
            self.whole.done[self.place] = self.whole.rows[self.place[0]]

    def __call__(self, step: str, done: int, total: int | None, unit: str) -> None:
        whole = self.whole
        if whole.stop.is_set():
            raise _StoppedError
        with whole.lock:
            whole.done[self.place] = whole.rows[self.place[0]] * (done / total if total else 1.0)
            every = whole.recipe.members * sum(whole.rows)
            whole.report(step, round(sum(whole.done.values())), every, unit)
