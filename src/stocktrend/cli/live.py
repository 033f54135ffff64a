"""Commands of the live sources: bring a data root up to date, and what feeds it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, INCOMPLETE, app
from stocktrend.cli.display import Display, ProgressDisplay, counted, visible
from stocktrend.errors import SourceError

if TYPE_CHECKING:
    from stocktrend.workflow.fetching import FetchReport
    from stocktrend.workflow.update import Update

COUNTS = ("read", "new", "revised", "unchanged", "duplicate", "quarantined")
MOST_CHANGES = 8
LONGEST_WEEKEND = 4
"""Days without a session at most, but for a few in a century."""
LACKING = (
    "This is told once and is no failure. They are asked for at each update, until you take them "
    "out of the settings; `stocktrend sources` lists them."
)


@app.command(**COMMAND)
def update(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Ask all services, read new files, score, and tell what changed.

    Exit code 0: all is done. 1: a source failed, the others are in and the scores are given.
    2: nothing could be done. May run from cron, two at a time, and be killed at any moment.
    """
    asked = options.asked(context, data_root, config, {}, assign)
    display = Display(as_json)
    from stocktrend.workflow.update import update as bring_up_to_date

    with ProgressDisplay() as progress:
        done = bring_up_to_date(
            asked.root,
            settings=asked.settings,
            progress=progress,
            notify=tell,
        )
    if done.nothing_done and done.problems:
        raise SourceError("\n".join(_problems(done.problems)))
    show_update(display, done)
    from stocktrend.cli.results import score_records

    scores = [] if done.scores.is_empty() else score_records(done.scores)
    display.finish({"data_root": asked.root, **done.to_dict(), "scores": scores})
    if done.problems:
        raise typer.Exit(INCOMPLETE)


def ingest_services(
    display: Display, asked: options.Asked, names: Sequence[str], since: date | None
) -> None:
    """``stocktrend ingest --source``: ask services, from a day on where one is given."""
    from stocktrend.workflow.fetching import fetch

    with ProgressDisplay() as progress:
        report = fetch(
            asked.root,
            sources=names,
            since=since,
            settings=asked.settings,
            progress=progress,
            notify=tell,
        )
    if report.errors and not report.done:
        raise SourceError("\n".join(_problems(report.errors)))
    show_fetched(display, report)
    show_problems(display, report.errors)
    display.finish({"data_root": asked.root, "services": report.to_dict()})
    if report.errors:
        raise typer.Exit(INCOMPLETE)


@app.command(**COMMAND)
def sources(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """List what feeds the lake: freshness, errors, rows, terms of use."""
    asked = options.asked(context, data_root, config, {}, assign)
    display = Display(as_json)
    from stocktrend.workflow.sources import feeding

    found = feeding(asked.root, asked.settings)
    display.table(
        ("source", "kind", "table", "#rows", "known until", "last success", "last error"),
        [
            (
                one.name,
                one.kind,
                one.table,
                one.rows,
                _minute(one.newest),
                _minute(one.last_success),
                _minute(one.last_failure) if one.last_error else None,
            )
            for one in found
        ],
    )
    for one in found:
        if one.last_error:
            display.say(f"{one.name}: {one.last_error}")
    lacking = sorted({ticker for one in found for ticker in one.lacking})
    if lacking:
        display.say(f"Without bars when they were last asked for: {', '.join(lacking)}")
    terms = [(one.name, one.terms) for one in found if one.terms]
    if terms:
        display.heading("Terms of use, in short; the services' own pages decide")
        display.table(("source", "terms"), terms)
    else:
        display.say("No services are named in the settings. See docs/live.md, or `stocktrend init`")
    display.finish({"data_root": asked.root, "sources": [asdict(one) for one in found]})


def tell(line: str) -> None:
    """A line about what is going on, beside the progress."""
    sys.stderr.write(f"{visible(line)}\n")
    sys.stderr.flush()


def show_update(display: Display, done: "Update") -> None:
    """What came, what failed, the strongest scores and what changed."""
    from stocktrend.cli.results import show_ingested, show_scores, strongest

    if done.files is not None and any(source.files_read for source in done.files.sources):
        show_ingested(display, done.files)
    elif done.files is not None:
        for warning in done.files.warnings:
            display.say(f"Warning: {warning}")
    if done.services is not None:
        show_fetched(display, done.services)
    show_problems(display, done.problems)
    if done.scores.is_empty():
        return
    day = done.scores["as_of"][0]
    made = "trained now" if done.trained else "the newest"
    display.heading(f"Strongest scores of {day:%Y-%m-%d} by run {done.run}, {made}")
    show_scores(display, strongest(done.scores), done.horizons, done.coverage)
    if done.age > LONGEST_WEEKEND:
        display.say(
            f"Warning: these scores are {done.age} days old, as most tickers have no newer bars. "
            f"`stocktrend sources` tells what is late"
        )
    if done.untrained:
        display.say(
            f"Not scored, as run {done.run} was trained without: {', '.join(done.untrained)}. Run "
            f"`stocktrend train`, and the next update scores them"
        )
    show_changes(display, done)
    display.say(f"Verdict on this run, on dates that it never saw: {done.verdict}")
    if done.page is not None:
        display.say(f"Report: {done.page}")


def show_changes(display: Display, done: "Update") -> None:
    if done.before.is_empty():
        display.say("This is the first update: the next one tells what changed since.")
        return
    if not done.comparable:
        display.say("The last update had other horizons: the next one tells what changed since.")
        return
    before, run = done.before["as_of"][0], done.before["run"][0]
    other = "" if run == done.run else f" by run {run}"
    since = f"since the last update (scores of {before:%Y-%m-%d}{other})"
    changes = done.changes
    if changes.is_empty():
        display.say(f"No score has changed {since}.")
        return
    display.heading(
        f"{counted(changes.height, 'scores')} changed {since}, at {done.horizons[0]} days"
    )
    changed = changes.drop_nulls().head(MOST_CHANGES)
    if not changed.is_empty():
        display.table(("ticker", "#before", "#now", "#change"), changed.iter_rows())
    for said, column in (("New", "before"), ("No longer scored", "score")):
        some = changes.filter(changes[column].is_null())["ticker"].sort().to_list()
        if some:
            display.say(f"{said}: {', '.join(some)}")


def show_fetched(display: Display, report: "FetchReport") -> None:
    """The fate of every row of each service, and what was handled on the way."""
    display.heading("services to lake")
    display.table(
        ("source", "table", "#parts", "#complete", *(f"#{name}" for name in COUNTS)),
        [
            (s.name, s.table, s.parts, s.done, *(getattr(s.counts, name) for name in COUNTS))
            for s in report.sources
        ],
    )
    handled = [
        (s.name, note, count) for s in report.sources for note, count in s.counts.notes.items()
    ]
    if handled:
        display.table(("source", "handled", "#records"), handled)
    for name, why in report.gaps.items():
        display.say(f"{name}: {why}")
    if report.lacking:
        display.heading(f"Without bars: {', '.join(report.lacking)}")
        for why in report.lacking.values():
            display.say(why)
        display.say(LACKING)


def show_problems(display: Display, problems: Mapping[str, str]) -> None:
    """Each failure with its remedy."""
    if not problems:
        return
    display.heading(f"Not complete: {', '.join(problems)}")
    for line in _problems(problems):
        display.say(line)


def _problems(problems: Mapping[str, str]) -> list[str]:
    return [f"{name}: {' '.join(text.splitlines())}" for name, text in problems.items()]


def _minute(moment: datetime | str | None) -> str | None:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M}"
