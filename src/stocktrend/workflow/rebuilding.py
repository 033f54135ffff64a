"""A run made once more, from the table versions that it recorded, and compared byte for byte."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from stocktrend.evaluation.results import HorizonEvaluation
from stocktrend.features.own_files import load_features
from stocktrend.features.text import load_scorer
from stocktrend.lake import Lake
from stocktrend.panel import build_panel
from stocktrend.progress import Progress, silent
from stocktrend.universe import Universe
from stocktrend.workflow.fit import fit
from stocktrend.workflow.origin import CONFIG_FILE, read_origin
from stocktrend.workflow.places import lake_folder, libraries, program_digest, runs_folder
from stocktrend.workflow.run import (
    METRICS_FILE,
    MODEL_FOLDER,
    PREDICTIONS_FILE,
    changed_files,
    find_run,
    load_run,
)
from stocktrend.workflow.steps import evaluate
from stocktrend.workflow.trials import lend_trials

COMPARED: Final = (f"{MODEL_FOLDER}/**/*", PREDICTIONS_FILE, METRICS_FILE, CONFIG_FILE)


@dataclass(frozen=True)
class Rebuilt:
    """What became of building a run again.

    Attributes:
        run: Its id.
        equal: Files that are the same byte for byte, relative to the run's folder.
        different: Those that are not, or that only one of the two has.
        reasons: What is not as it was when the run was made, and may explain them.
    """

    run: str
    equal: tuple[str, ...]
    different: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every file is the same."""
        return not self.different

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"same": self.same, **asdict(self)}


def rebuild(root: Path | str, run_id: str | None = None, *, progress: Progress = silent) -> Rebuilt:
    """Build a run's panel from the lake as it was then, train it anew elsewhere, and compare.

    Nothing of the data root is written, but for what a model says of texts it has not read yet.

    Args:
        root: The data root.
        run_id: Which run; default: the newest.
        progress: Told how far it is.

    Returns:
        Which files of the run came out the same, byte for byte.

    Raises:
        LakeError: a version that the run recorded is damaged, or was removed by a vacuum.
        ConfigError: no such run.
    """
    folder = find_run(Path(root), run_id)
    run, place = load_run(root, folder.name), lake_folder(Path(root))
    then, own = Lake(place, versions=run.versions), load_features(run.settings, root)
    scorer = load_scorer(run.settings, root)
    panel = build_panel(then, run.settings, features=own, scorer=scorer, progress=progress)
    with TemporaryDirectory(prefix="stocktrend_rebuild_") as elsewhere:
        again = fit(
            panel,
            run.settings,
            root=Path(elsewhere),
            versions=run.versions,
            features=own,
            files=run.files,
            universe=Universe.of(then, panel, run.settings.tickers),
            run_id=run.id,
            progress=progress,
        )
        if run.evaluation is not None:
            counted = [name for h in run.evaluation.horizons.values() for name in _counted(h)]
            lend_trials(Path(root), counted, Path(elsewhere))
            evaluate(again, progress=progress)
        before, after = _contents(folder), _contents(runs_folder(Path(elsewhere)) / run.id)
    names = sorted(before.keys() | after.keys())
    equal = tuple(name for name in names if before.get(name) == after.get(name))
    return Rebuilt(
        run=run.id,
        equal=equal,
        different=tuple(name for name in names if name not in equal),
        reasons=(
            *_changed(read_origin(folder), Lake(place).ids()),
            *(f"{name}: changed since the run" for name in changed_files(run, root)),
        ),
    )


def _counted(found: HorizonEvaluation) -> tuple[str, ...]:
    """Names of all that the judgement was corrected for."""
    return () if found.tried is None else found.tried.trials


def _contents(folder: Path) -> dict[str, bytes]:
    files = [file for pattern in COMPARED for file in folder.glob(pattern) if file.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _changed(origin: Mapping[str, Any], ids: Mapping[str, str]) -> list[str]:
    """What is otherwise now than the run's folder tells."""
    if "program" not in origin:
        return ["the run is of a stocktrend that did not record its program and libraries"]
    reasons = []
    if origin["program"] != program_digest():
        reasons.append("the program: the run was made by other sources of stocktrend")
    now = libraries()
    reasons += [
        f"{name}: the run was made with {then}, this is {now.get(name, 'not installed')}"
        for name, then in origin["libraries"].items()
        if now.get(name) != then
    ]
    reasons += [
        f"lake table {name}: it was made anew since the run"
        for name, then in origin["lake_tables"].items()
        if ids.get(name) != then
    ]
    return reasons
