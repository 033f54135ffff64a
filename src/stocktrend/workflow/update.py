"""The daily step: files and services into the lake, then features, scores and what changed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl
from polars.exceptions import PolarsError

from stocktrend.atomic import write_parquet
from stocktrend.config import Settings
from stocktrend.errors import StocktrendError
from stocktrend.ingestion import IngestReport, ingest
from stocktrend.lake import Lake
from stocktrend.live.services import FOLDER, PRICES, services
from stocktrend.live.status import read_status
from stocktrend.progress import Progress, silent
from stocktrend.settings import load_settings
from stocktrend.workflow.fetching import FetchReport, Notify, fetch_alone, time_of, updating
from stocktrend.workflow.places import lake_folder

SCORES: Final = "scores.parquet"
"""Under ``<data_root>/live``: the scores of the last update, to tell what changed since."""
LEAST_CHANGE: Final = 0.0005
"""A smaller one is not to be seen in three decimals; another number of threads makes some."""
FILES, SCORING = "files", "scores"
"""Steps beside the services, as they are named among the problems."""


@dataclass(frozen=True, repr=False)
class Update:
    """What an update did.

    Attributes:
        files: What was read of the raw files; None where that failed.
        services: What came of the services; None where the settings name none.
        run: Id of the run that scored.
        trained: The run was trained by this update.
        verdict: On the run, in a sentence.
        page: Its report; None where there is none.
        scores: The newest date's, as ``stocktrend.predict`` returns them, strongest first; empty
            where none could be given.
        age: Days from the close of the session that is scored to the update.
        untrained: Tickers of the settings that the run was not trained for, and so does not score.
        before: Of the last update: ``ticker, as_of, run`` and scores; empty where there was none.
        problems: Step or service -> what failed, and the remedy.
    """

    files: IngestReport | None = None
    services: FetchReport | None = None
    run: str | None = None
    trained: bool = False
    verdict: str = ""
    page: Path | None = None
    horizons: tuple[int, ...] = ()
    coverage: float = 0.0
    age: int = 0
    untrained: tuple[str, ...] = ()
    scores: pl.DataFrame = field(default_factory=pl.DataFrame)
    before: pl.DataFrame = field(default_factory=pl.DataFrame)
    problems: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        failed = ", ".join(self.problems) or "none"
        return f"Update(run={self.run!r}, {self.scores.height} scores, failed: {failed})"

    @property
    def nothing_done(self) -> bool:
        """Neither files nor a part of any service came, and there are no scores."""
        came = self.files is not None and bool(self.files.sources)
        return not came and not (self.services and self.services.done) and self.scores.is_empty()

    @property
    def comparable(self) -> bool:
        """There was an update before, of the same shortest horizon."""
        return bool(self.horizons) and f"score_{self.horizons[0]}d" in self.before.columns

    @property
    def changes(self) -> pl.DataFrame:
        """Scores of the shortest horizon beside those of the last update, the largest change first.

        Returns:
            ``ticker``, ``before``, ``score`` and ``change``; nulls where one has no score. Tickers
            without a change to be seen are left out. Empty where there was no update before, or it
            was of other horizons.
        """
        if self.scores.is_empty() or not self.comparable:
            return pl.DataFrame()
        name = f"score_{self.horizons[0]}d"
        both = self.scores.select("ticker", pl.col(name).alias("score")).join(
            self.before.select("ticker", pl.col(name).alias("before")),
            on="ticker",
            how="full",
            coalesce=True,
        )
        change = pl.col("score") - pl.col("before")
        return (
            both.select("ticker", "before", "score", change.alias("change"))
            .filter(pl.col("change").is_null() | (pl.col("change").abs() >= LEAST_CHANGE))
            .sort(pl.col("change").abs(), "ticker", descending=[True, False], nulls_last=True)
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "ingest": None if self.files is None else self.files.to_dict(),
            "services": None if self.services is None else self.services.to_dict(),
            "run": self.run,
            "trained": self.trained,
            "verdict": self.verdict,
            "report": None if self.page is None else str(self.page),
            "age": self.age,
            "untrained": list(self.untrained),
            "changes": self.changes.to_dicts(),
            "problems": dict(self.problems),
        }


def update(
    root: Path | str,
    *,
    settings: Settings | None = None,
    now: datetime | None = None,
    progress: Progress = silent,
    notify: Notify = lambda line: None,
) -> Update:
    """Bring a data root up to date and score its newest date.

    New files of ``raw/`` are read and all services asked; then the panel is built, and the newest
    run scores the newest session that most tickers have bars of. Without a run one is trained
    first. Tickers that no vendor has bars of are left out. What fails leaves the rest its way. Two
    updates at once: the second one waits. Stopped anywhere, the next one completes it.

    Args:
        root: The data root.
        settings: Default: those of the data root.
        now: The time: revisions are known from then on. Default: each from when it came.
        progress: Told how far it is, a step a service.
        notify: Told in a line that another program is waited for, or a service asked again.

    Returns:
        What came, what failed, the scores and what changed since the last update.

    Raises:
        ConfigError: the settings are wrong.
        LakeError: the lake is damaged or cannot be written.
    """
    folder, time = Path(root), time_of(now)
    chosen = settings or load_settings(folder, environ=os.environ).settings
    wanted = services(chosen)
    problems: dict[str, str] = {}
    files = fetched = None
    with updating(folder, notify):
        try:
            files = ingest(folder, chosen, retrieved_at=time(), progress=progress, wait=notify)
        except StocktrendError as error:
            problems[FILES] = str(error)
        if wanted:
            fetched = fetch_alone(folder, chosen, wanted, time, None, progress, notify)
            problems |= fetched.errors
        try:
            known = _without_lacking(folder, chosen)
            scored = _scored(folder, known, time(), progress, notify)
        except StocktrendError as error:
            problems[SCORING] = str(error)
            scored = {}
    return Update(files=files, services=fetched, problems=problems, **scored)


def _without_lacking(root: Path, settings: Settings) -> Settings:
    """The settings without tickers that the vendors lack and the lake has no bars of, either."""
    status = read_status(root / FOLDER).get(PRICES)
    if settings.tickers is None or status is None or not status.lacking:
        return settings
    lacking = set(status.lacking) - {*Lake(lake_folder(root)).spans("bars")["ticker"]}
    kept = tuple(ticker for ticker in settings.tickers if ticker not in lacking)
    # Where none is left, the error that names them all is the right one.
    return settings.model_copy(update={"tickers": kept}) if kept else settings


def _scored(
    root: Path, settings: Settings, now: datetime, progress: Progress, notify: Notify
) -> dict[str, Any]:
    """Panel, run, scores and those of the last update, which they replace on disk."""
    from stocktrend.workflow.material import stored_panel
    from stocktrend.workflow.page import report
    from stocktrend.workflow.places import runs_folder
    from stocktrend.workflow.prediction import predict
    from stocktrend.workflow.run import REPORT_FILE, finished_runs, load_run
    from stocktrend.workflow.steps import train

    stored_panel(root, settings, progress, wait=notify)
    trained = not finished_runs(root)
    if trained:
        report(train(root, settings=settings, progress=progress), created=now)
    run = load_run(root)
    page = runs_folder(root) / run.id / REPORT_FILE
    horizons = run.forecaster.horizons
    scores = predict(root, run_id=run.id, now=now, progress=progress)
    scores = scores.sort(f"score_{horizons[0]}d", descending=True)
    kept = scores.select(
        "ticker", "as_of", pl.lit(run.id).alias("run"), *(f"score_{h}d" for h in horizons)
    )
    file = root / FOLDER / SCORES
    before = _last_scores(file)
    if not kept.equals(before):
        write_parquet(file, kept)
    return {
        "run": run.id,
        "trained": trained,
        "verdict": "not evaluated" if run.evaluation is None else run.evaluation.headline,
        "page": page if page.is_file() else None,
        "horizons": horizons,
        "coverage": run.forecaster.intervals.coverage,
        "age": (now - scores["as_of"].item(0)).days,
        "untrained": tuple(
            ticker
            for ticker in settings.tickers or ()
            if run.settings.tickers is not None and ticker not in run.settings.tickers
        ),
        "scores": scores,
        "before": before,
    }


def _last_scores(file: Path) -> pl.DataFrame:
    """Empty where there are none, or the file is damaged: it is replaced in any case."""
    try:
        return pl.read_parquet(file)
    except (FileNotFoundError, PolarsError):
        return pl.DataFrame()
