"""A walk-forward study as a step: folds, contenders, calibration, judgement.

Each contender's raw scores are kept as soon as it has walked through all folds, and its members as
soon as they are trained, so a study that was stopped goes on where it was. What is made of the raw
scores is made anew each time: it is quick, and then nothing old can be mistaken for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from stocktrend.atomic import write_parquet
from stocktrend.config import Settings, Split
from stocktrend.dataset.frames import Frame, require_columns
from stocktrend.evaluation.blend import Blend
from stocktrend.evaluation.contenders import CONTENDERS, Contender, contenders, displayed
from stocktrend.evaluation.folds import Fold, fold_panel, walk_forward_folds
from stocktrend.evaluation.outcomes import outcomes
from stocktrend.evaluation.results import MAIN
from stocktrend.features.own import Feature, model_inputs
from stocktrend.features.own_files import require_loaded
from stocktrend.progress import Progress, silent
from stocktrend.recipe import Recipe
from stocktrend.sources.sectors import read_sectors
from stocktrend.threads import one_torch_thread
from stocktrend.workflow.fit import alone
from stocktrend.workflow.material import Material, Root, material_of
from stocktrend.workflow.places import fingerprint, studies_folder
from stocktrend.workflow.study import CONTENDERS_FOLDER, Study, save_study
from stocktrend.workflow.trials import judge_and_log


def walk_forward(
    source: "Root | Frame",
    *,
    settings: Settings | None = None,
    preset: str | None = None,
    horizons: Sequence[int] | None = None,
    seed: int | None = None,
    members: int | None = None,
    controls: Sequence[str] | None = None,
    features: Sequence[Feature] = (),
    progress: Progress = silent,
) -> Study:
    """Judge the model and its controls on dates that none of them saw, retraining all the way.

    Args:
        source: A data root, or a panel (polars or pandas).
        settings: Default: the data root's, or the defaults; ``walk_forward`` says how to walk.
        preset: ``original``, ``cross_sectional`` or ``auto``.
        horizons: Days ahead; the panel must have their targets.
        seed: Of everything that is random.
        members: Of the dual tower's ensemble. Default: the recipe's.
        controls: Names of what the model is compared with. Default: the settings', else all.
        features: Own features of a panel alone, which the model is to read beside the 87.

    Returns:
        The study. Of a data root it is also kept in ``studies/<id>/``; the same inputs give the
        same id and, where the same was tried before, the same bytes. One that was stopped goes on
        where it was.

    Raises:
        ConfigError: the settings are wrong, or a control is unknown.
        DataError: the panel lacks columns, or dates for the walk.
        ModelError: another program makes the same study.
    """
    material = material_of(
        source,
        settings,
        features,
        progress,
        **{"recipe.members": members, "walk_forward.controls": controls},
        preset=preset,
        horizons=horizons,
        seed=seed,
    )
    plan = _plan(material)
    with one_torch_thread(), alone(plan.folder, f"study {plan.name}"):
        study = _judged(plan, material, _walk(plan, progress), progress)
        if study.folder is not None:
            save_study(study)
    return study


@dataclass(frozen=True)
class _Plan:
    """What a study is to do, and where it is kept.

    Attributes:
        name: Made of the last date, the preset and a digest of all that decides the study.
        panels: One a fold.
        sectors: As ``outcomes`` reads them.
    """

    name: str
    folder: Path | None
    settings: Settings
    preset: str
    recipe: Recipe
    entrants: tuple[Contender, ...]
    folds: tuple[Fold, ...]
    panels: tuple[pl.DataFrame, ...]
    sectors: pl.DataFrame | None


def _plan(material: Material) -> _Plan:
    """The folds and contenders of a panel; nothing is trained yet."""
    panel, root = material.panel, material.root
    settings = material.settings.model_copy(update={"split": Split()})  # does not decide a study
    require_loaded(settings, material.features)
    require_columns(panel, ["ticker", "as_of"], "walk_forward")
    inputs = model_inputs(material.features)
    preset, recipe = settings.recipe_for(panel["ticker"].n_unique())
    entrants = contenders(recipe, _names(settings), inputs=inputs, threads=settings.threads)
    folds = walk_forward_folds(panel["as_of"], settings.walk_forward)
    last = panel.select(pl.col("as_of").max().dt.strftime("%Y-%m-%d")).item()
    names = [contender.name for contender in entrants]
    name = f"{last}-{preset}-{fingerprint(settings, recipe, panel, inputs, names)}"
    return _Plan(
        name=name,
        folder=None if root is None else studies_folder(root) / name,
        settings=settings,
        preset=preset,
        recipe=recipe,
        entrants=entrants,
        folds=folds,
        panels=tuple(fold_panel(panel, fold, settings.horizons) for fold in folds),
        sectors=None
        if root is None or not settings.sectors
        else read_sectors(root / settings.sectors),
    )


def _judged(
    plan: _Plan, material: Material, predictions: pl.DataFrame, progress: Progress
) -> Study:
    """The study of these predictions."""
    settings = plan.settings
    tested = predictions.select("ticker", "as_of").unique()
    known = outcomes(material.panel, settings.horizons, sectors=plan.sectors).join(
        tested, on=["ticker", "as_of"], how="semi", maintain_order="left"
    )
    evaluation = judge_and_log(
        predictions,
        known,
        settings,
        plan.recipe,
        name=plan.name,
        root=material.root,
        files=material.files,
        seed=settings.seed,
        progress=progress,
    )
    return Study(
        id=plan.name,
        settings=settings,
        preset=plan.preset,
        recipe=plan.recipe,
        folds=plan.folds,
        predictions=predictions,
        outcomes=known,
        evaluation=evaluation,
        candidates={contender.name: contender.candidates for contender in plan.entrants},
        versions=material.versions,
        files=material.files,
        universe=material.universe,
        folder=plan.folder,
        panel=material.panel,
    )


def _names(settings: Settings) -> tuple[str, ...]:
    """The model and the controls asked for, each once, in the order of all of them."""
    controls = settings.walk_forward.controls
    if controls is None:
        return CONTENDERS
    asked = {MAIN, *controls}
    return (*(name for name in CONTENDERS if name in asked), *sorted(asked - set(CONTENDERS)))


def _walk(plan: _Plan, progress: Progress) -> pl.DataFrame:
    """The predictions of all contenders for the test rows of all folds."""
    said: dict[str, tuple[pl.DataFrame, ...]] = {}
    tables = []
    settings, count = plan.settings, len(plan.entrants)
    for done, contender in enumerate(plan.entrants):
        progress("study", done, count, "contenders")
        raw = _raw(contender, said, plan, _of(contender.name, progress))
        said[contender.name] = raw
        tables += [
            displayed(contender, rows, panel, settings.horizons, coverage=settings.coverage)
            for rows, panel in zip(raw, plan.panels, strict=True)
        ]
    progress("study", count, count, "contenders")
    keys = ["model", "fold", "ticker", "as_of"]
    predictions = pl.concat(tables, how="diagonal").select(*keys, pl.exclude(keys))
    return predictions.sort("model", "as_of", "ticker")


def _of(contender: str, progress: Progress) -> Progress:
    """Progress that tells whose steps they are."""

    def report(step: str, done: int, total: int | None, unit: str) -> None:
        name = contender if step == contender else f"{contender}: {step}"
        progress(name, done, total, unit)

    return report


def _raw(
    contender: Contender,
    said: Mapping[str, Sequence[pl.DataFrame]],
    plan: _Plan,
    progress: Progress,
) -> tuple[pl.DataFrame, ...]:
    """A contender's raw scores of each fold; those that are kept, where it has finished before.

    A blend is made of what its parts ``said``, where they went before it.
    """
    horizons = plan.settings.horizons
    place = None if plan.folder is None else plan.folder / CONTENDERS_FOLDER / contender.name
    file = None if place is None else place.with_suffix(".parquet")
    kept = None if file is None else _kept(file)
    if kept is None:
        if isinstance(contender, Blend) and all(part.name in said for part in contender.parts):
            parts = [said[part.name] for part in contender.parts]
            scores = contender.of(parts, horizons)
        else:
            scores = contender.scores(
                plan.panels, horizons, seed=plan.settings.seed, folder=place, progress=progress
            )
        numbers = range(1, len(plan.panels) + 1)
        kept = pl.concat(
            rows.with_columns(pl.lit(number, pl.Int32).alias("fold"))
            for number, rows in zip(numbers, scores, strict=True)
        )
        if file is not None:
            write_parquet(file, kept)
    return tuple(kept.partition_by("fold", maintain_order=True))


def _kept(file: Path) -> pl.DataFrame | None:
    """The file's content; None where it is missing or damaged."""
    try:
        return pl.read_parquet(file)
    except (FileNotFoundError, PolarsError):
        return None
