"""A walk-forward study as a step: folds, contenders, calibration, judgement.

Each contender's raw scores are kept as soon as it has walked through all folds, and its members as
soon as they are trained, so a study that was stopped goes on where it was. What is made of the raw
scores is made anew each time: it is quick, and then nothing old can be mistaken for it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from stocktrend.atomic import write_parquet
from stocktrend.config import Settings, Split
from stocktrend.dataset.frames import Frame, require_columns
from stocktrend.evaluation.blend import Blend
from stocktrend.evaluation.contenders import CONTENDERS, Contender, contenders, displayed
from stocktrend.evaluation.folds import fold_panel, walk_forward_folds
from stocktrend.evaluation.outcomes import outcomes
from stocktrend.evaluation.results import MAIN
from stocktrend.features.own import Feature, model_inputs
from stocktrend.features.own_files import require_loaded
from stocktrend.progress import Progress, silent
from stocktrend.sources.sectors import read_sectors
from stocktrend.workflow.fit import alone, one_torch_thread
from stocktrend.workflow.material import Root, material_of
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
        same id and the same bytes, and one that was stopped goes on where it was.

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
    panel, root = material.panel, material.root
    chosen = material.settings.model_copy(update={"split": Split()})  # does not decide a study
    require_loaded(chosen, material.features)
    require_columns(panel, ["ticker", "as_of"], "walk_forward")
    inputs = model_inputs(material.features)
    preset_name, recipe = chosen.recipe_for(panel["ticker"].n_unique())
    entrants = contenders(recipe, _names(chosen), inputs=inputs, threads=chosen.threads)
    folds = walk_forward_folds(panel["as_of"], chosen.walk_forward)
    last = panel.select(pl.col("as_of").max().dt.strftime("%Y-%m-%d")).item()
    names = [contender.name for contender in entrants]
    digest = fingerprint(chosen, recipe, panel, inputs, names)
    name = f"{last}-{preset_name}-{digest}"
    folder = None if root is None else studies_folder(root) / name
    panels = tuple(fold_panel(panel, fold, chosen.horizons) for fold in folds)
    with one_torch_thread(), alone(folder, f"study {name}"):
        predictions = _walk(entrants, panels, chosen, folder, progress)
        tested = predictions.select("ticker", "as_of").unique()
        named = None if root is None or chosen.sectors is None else root / chosen.sectors
        sectors = None if named is None else read_sectors(named)
        known = outcomes(panel, chosen.horizons, sectors=sectors).join(
            tested, on=["ticker", "as_of"], how="semi", maintain_order="left"
        )
        study = Study(
            id=name,
            settings=chosen,
            preset=preset_name,
            recipe=recipe,
            folds=folds,
            predictions=predictions,
            outcomes=known,
            evaluation=judge_and_log(
                predictions,
                known,
                chosen,
                recipe,
                name=name,
                root=root,
                files=material.files,
                seed=chosen.seed,
                progress=progress,
            ),
            candidates={contender.name: contender.candidates for contender in entrants},
            versions=material.versions,
            files=material.files,
            universe=material.universe,
            folder=folder,
            panel=panel,
        )
        if folder is not None:
            save_study(study)
    return study


def _names(settings: Settings) -> tuple[str, ...]:
    """The model and the controls asked for, each once, in the order of all of them."""
    controls = settings.walk_forward.controls
    if controls is None:
        return CONTENDERS
    asked = {MAIN, *controls}
    return (*(name for name in CONTENDERS if name in asked), *sorted(asked - set(CONTENDERS)))


def _walk(
    entrants: Sequence[Contender],
    panels: Sequence[pl.DataFrame],
    settings: Settings,
    folder: Path | None,
    progress: Progress,
) -> pl.DataFrame:
    """The predictions of all contenders for the test rows of all folds."""
    said: dict[str, tuple[pl.DataFrame, ...]] = {}
    tables = []
    for done, contender in enumerate(entrants):
        progress("study", done, len(entrants), "contenders")
        raw = _raw(contender, said, panels, settings, folder, _of(contender.name, progress))
        said[contender.name] = raw
        tables += [
            displayed(contender, rows, panel, settings.horizons, coverage=settings.coverage)
            for rows, panel in zip(raw, panels, strict=True)
        ]
    progress("study", len(entrants), len(entrants), "contenders")
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
    panels: Sequence[pl.DataFrame],
    settings: Settings,
    folder: Path | None,
    progress: Progress,
) -> tuple[pl.DataFrame, ...]:
    """A contender's raw scores of each fold; those that are kept, where it has finished before.

    A blend is made of what its parts ``said``, where they went before it.
    """
    place = None if folder is None else folder / CONTENDERS_FOLDER / contender.name
    file = None if place is None else place.with_suffix(".parquet")
    kept = None if file is None else _kept(file)
    if kept is None:
        if isinstance(contender, Blend) and all(part.name in said for part in contender.parts):
            parts = [said[part.name] for part in contender.parts]
            scores = contender.of(parts, settings.horizons)
        else:
            scores = contender.scores(
                panels, settings.horizons, seed=settings.seed, folder=place, progress=progress
            )
        numbers = range(1, len(panels) + 1)
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
