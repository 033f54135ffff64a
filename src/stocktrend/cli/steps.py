"""Steps that several commands take: each calls the door once and shows what came of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stocktrend.cli import options
from stocktrend.cli.display import Display, ProgressDisplay
from stocktrend.errors import ConfigError

if TYPE_CHECKING:
    from stocktrend.ingestion import IngestReport
    from stocktrend.workflow.run import Run

SAMPLE = "sample"
DEMO_MARKETS = ("strong", "realistic", "planted", "none", SAMPLE)
SAMPLE_CAVEAT = (
    "These five stocks were picked long afterwards, among companies that did well, and are too few "
    "to rank: this run shows the steps on real prices, not what to expect of others."
)


def order(
    market: str, tickers: str, start: str, end: str, seed: str, problems: list[str]
) -> dict[str, Any]:
    """Arguments of the simulation from their text."""
    return {
        "market": market,
        "tickers": options.parse_count(tickers, "--tickers", problems),
        "start": options.parse_date(start, "--start", problems),
        "end": options.parse_date(end, "--end", problems),
        "seed": options.parse_count(seed, "--seed", problems),
    }


def simulate(
    display: Display, root: Path, chosen: dict[str, Any], problems: list[str]
) -> dict[str, Any]:
    """Raw files of a market; the JSON document of the step."""
    if problems:
        raise ConfigError(problems)
    import stocktrend as st
    from stocktrend.cli.results import show_simulated

    with ProgressDisplay() as progress:
        made = st.simulate(root, **chosen, progress=progress)
    show_simulated(display, made)
    display.say(f"Next: stocktrend run --data-root {root}")
    return {"data_root": root, **made.to_dict()}


def make_demo(
    display: Display, market: str, root: Path, seed: str, problems: list[str]
) -> dict[str, Any]:
    """Raw files for the demo, simulated or the packaged sample; the JSON document of the step."""
    if market not in DEMO_MARKETS:
        problems.append(
            f"--market must be one of {', '.join(DEMO_MARKETS)}, however: {market!r}. "
            f"Leave it out for strong"
        )
    chosen = order(market, "40", "2014-01-01", "2019-12-31", seed, problems)
    if market != SAMPLE:
        return {"simulate": simulate(display, root, chosen, problems)}
    if problems:
        raise ConfigError(problems)
    import stocktrend as st
    from stocktrend.cli.results import show_sample

    with ProgressDisplay() as progress:
        made = st.sample(root, progress=progress)
    show_sample(display, made)
    return {"sample": {"data_root": root, **made.to_dict()}}


def ingest(display: Display, asked: options.Asked, moment: datetime) -> "IngestReport":
    """Raw files to lake."""
    import stocktrend as st
    from stocktrend.cli.results import show_ingested
    from stocktrend.workflow.places import lake_folder

    with ProgressDisplay() as progress:
        report = st.ingest(
            asked.root, settings=asked.settings, retrieved_at=moment, progress=progress
        )
    show_ingested(display, report, lake_folder(asked.root))
    return report


def train(display: Display, asked: options.Asked) -> "Run":
    """The lake's panel to an evaluated model."""
    import stocktrend as st
    from stocktrend.cli.results import show_evaluation, show_trained, show_verdict

    with ProgressDisplay() as progress:
        run = st.train(asked.root, settings=asked.settings, progress=progress)
    show_trained(display, run)
    show_evaluation(display, run)
    show_verdict(display, run)
    return run


def run(display: Display, asked: options.Asked) -> dict[str, Any]:
    """All steps, then what a person wants to know first; the JSON document of it all."""
    import stocktrend as st
    from stocktrend.cli import results
    from stocktrend.workflow.places import panel_file

    moment = now()
    ingested = ingest(display, asked, moment)
    with ProgressDisplay() as progress:
        trained = st.train(asked.root, settings=asked.settings, progress=progress)
    place = panel_file(asked.root, asked.settings)
    own = trained.forecaster.inputs.own
    results.show_panel(display, trained.panel, place, own, trained.universe)
    results.show_trained(display, trained)
    results.show_evaluation(display, trained)
    page = st.report(trained, created=moment)
    latest = trained.latest()
    scores_of = None if latest.is_empty() else latest["as_of"][0].date()
    results.show_freshness(display, ingested, scores_of)
    results.show_quarantine(display, ingested)
    results.show_verdict(display, trained)
    results.show_strongest(display, trained)
    display.say(f"Report: {page}")
    return {
        "data_root": asked.root,
        "ingest": ingested.to_dict(),
        "build": results.panel_summary(trained.panel, trained.forecaster.inputs.own),
        **trained.to_dict(),
        "latest": results.score_records(latest),
        "folder": trained.folder,
        "report": page,
    }


def now() -> datetime:
    """The one place of the program that reads the clock for what it stores."""
    return datetime.now(UTC)


def plain(value: object) -> str:
    """A setting as YAML would have it, numbers in full."""
    if isinstance(value, list):
        return "[" + ", ".join(str(item) for item in value) + "]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
