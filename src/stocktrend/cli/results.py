"""What each step says when it is done: what it read, wrote and quarantined, what it found."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from stocktrend.cli.display import Display

if TYPE_CHECKING:
    import polars as pl

    from stocktrend.config import Settings
    from stocktrend.evaluation.bootstrap import Estimate
    from stocktrend.ingestion import IngestReport
    from stocktrend.sources.market import SimulatedMarket
    from stocktrend.sources.sample import SampleMarket
    from stocktrend.universe import Universe
    from stocktrend.workflow.run import Run
    from stocktrend.workflow.study import Study

STRONGEST = 5
COUNTS = ("read", "new", "revised", "unchanged", "duplicate", "quarantined")


def show_simulated(display: Display, market: "SimulatedMarket") -> None:
    """Files written and what the truth itself would score."""
    order = market.order
    display.heading(
        f"simulate: {order.market} market, {order.tickers} tickers, "
        f"{order.start} to {order.end}, seed {order.seed}"
    )
    kinds = market.files
    display.table(
        ("wrote", "#files", "#records"),
        [(f"raw/{kind}", kinds[kind], market.rows[kind]) for kind in kinds],
    )
    display.heading(
        "Scores of the truth itself over all its dates, which no model can beat for long"
    )
    display.table(
        ("horizon", "#rows", "#correlation", "#rank IC"),
        [
            (f"{horizon}d", oracle.rows, oracle.correlation, oracle.rank_ic)
            for horizon, oracle in market.oracle.items()
        ],
    )
    display.say(f"Data root: {market.root}")


def show_sample(display: Display, market: "SampleMarket") -> None:
    """Files written, and what they hold of each ticker."""
    versions = " and ".join(f"{name} {version}" for name, version in market.versions.items())
    display.heading(f"sample: {len(market.stocks)} real stocks, from {versions}")
    display.table(
        ("ticker", "#bars", "from", "to"),
        [(s.ticker, s.bars, s.first, s.last) for s in market.stocks],
    )
    display.table(
        ("wrote", "#files", "#records"),
        [(f"raw/{kind}", market.files[kind], market.rows[kind]) for kind in market.files],
    )
    display.say(
        f"It has no news and no texts of statements; of the macro series, core consumer prices "
        f"alone. Origins and licences: {market.root}/stocktrend.yaml"
    )
    display.say(f"Data root: {market.root}")


def show_ingested(display: Display, report: "IngestReport", lake: object = None) -> None:
    """Counts of each source, which add up to what was read, and what was handled on the way."""
    display.heading("ingest: raw files to lake")
    display.table(
        ("table", "source", "#files", "#opened", *(f"#{name}" for name in COUNTS)),
        [
            (s.table, s.source, s.files, s.files_read, *(getattr(s, name) for name in COUNTS))
            for s in report.sources
        ],
    )
    handled = [(s.source, note, count) for s in report.sources for note, count in s.notes.items()]
    if handled:
        display.table(("source", "handled", "#records"), handled)
    for warning in report.warnings:
        display.say(f"Warning: {warning}")
    if lake is not None:
        display.say(f"Wrote {lake}")


def show_quarantine(display: Display, report: "IngestReport") -> None:
    """Why records were set aside."""
    display.heading("Quarantine")
    reasons = [
        (s.table, s.source, reason, count)
        for s in report.sources
        for reason, count in s.reasons.items()
    ]
    if reasons:
        display.table(("table", "source", "quarantined because", "#records"), reasons)
    else:
        display.say("Nothing was quarantined.")


def show_freshness(display: Display, report: "IngestReport", scores_of: date | None) -> None:
    """Until when each group of data is known, beside the date of the newest scores."""
    display.heading("Freshness")
    columns = ("data", "known from", "known until", "#gap to the scores, days")
    display.table(columns, freshness(report, scores_of))


def freshness(
    report: "IngestReport", scores_of: date | None
) -> list[tuple[str, str, str, int | str | None]]:
    """Per table, read or not: first and last ``known_at``, days from the last to the scores."""
    from stocktrend.schema import TABLES

    rows: list[tuple[str, str, str, int | str | None]] = []
    for table in TABLES:
        if table == "universe":  # one that has not changed for long is not stale
            continue
        parts = [source for source in report.sources if source.table == table]
        first = min((s.first_known for s in parts if s.first_known), default=None)
        last = max((s.last_known for s in parts if s.last_known), default=None)
        gap: int | str | None = None
        if last is not None and scores_of is not None:
            days = (scores_of - datetime.fromisoformat(last).date()).days
            gap = days if days > 0 else "none"
        rows.append((table, _minute(first), _minute(last), gap))
    return rows


def show_panel(
    display: Display,
    panel: "pl.DataFrame",
    place: object,
    own: Sequence[str],
    universe: "Universe | None",
) -> None:
    """Size, span and coverage of a panel with ``own`` features of the user's and its universe."""
    summary = panel_summary(panel, own)
    display.heading("build: lake to panel")
    display.say(
        f"{summary['rows']:,} rows of {summary['tickers']:,} tickers on {summary['dates']:,} "
        f"dates, {summary['first']} to {summary['last']}"
    )
    if universe is not None:
        display.say(universe.sentence)
    display.table(
        ("features", "#columns", "#share of values known"),
        [(name, c["columns"], c["known"]) for name, c in summary["coverage"].items()],
    )
    display.say(f"Wrote {place}")


def show_panel_alone(display: Display, settings: "Settings", chosen: Sequence[str]) -> None:
    """That a panel of ``chosen`` options is not the one that train and run will take."""
    if not chosen:
        return
    values = {name: getattr(settings, name) for name in chosen}
    given = " ".join(
        f"--set {name}={','.join(value) if isinstance(value, tuple) else value}"
        for name, value in values.items()
    )
    display.say(
        f"Note: train and run build their panel from the settings, not from the options of build "
        f"({', '.join(chosen)}). To train on this one: `stocktrend train {given}`, or write the "
        "values into stocktrend.yaml"
    )


def panel_summary(panel: "pl.DataFrame", own: Sequence[str]) -> dict[str, Any]:
    """Rows, tickers, dates and, per group of features, the share of values that are not null."""
    from stocktrend.catalog import feature_groups

    dates = panel["as_of"]
    coverage = {
        group: {
            "columns": len(names),
            "known": 1
            - sum(panel[name].null_count() for name in names) / (panel.height * len(names)),
        }
        for group, names in feature_groups(own).items()
    }
    return {
        "rows": panel.height,
        "tickers": panel["ticker"].n_unique(),
        "dates": dates.n_unique(),
        "first": dates.dt.date().min(),
        "last": dates.dt.date().max(),
        "coverage": coverage,
    }


def show_trained(display: Display, run: "Run") -> None:
    """Preset and rows of each split."""
    display.heading("train: panel to model")
    histories = run.forecaster.ensemble.histories
    members = "1 member" if len(histories) == 1 else f"{len(histories)} members"
    epochs = max(len(history["train_loss"]) for history in histories)
    display.say(
        f"Preset {run.preset}, {members}, {epochs} epochs at most, seed {run.settings.seed}"
    )
    counts = run.predictions.group_by("split").len()
    rows = dict(zip(counts["split"], counts["len"], strict=True))
    display.say(", ".join(f"{rows.get(s, 0):,} {s} rows" for s in ("train", "validation", "test")))
    if run.folder is not None:
        display.say(f"Wrote {run.folder}")


def show_evaluation(display: Display, run: "Run | Study") -> None:
    """The model beside the controls on the same rows, then the verdict."""
    if run.evaluation is None:
        return
    display.heading("evaluate: model and controls on the same test rows")
    names = ("correlation", "direction_accuracy", "f1", "mse", "mae")
    rows = [
        (
            f"{horizon}d",
            who,
            figures.rank_ic.value,
            _interval(figures.rank_ic),
            *(getattr(figures, name).value for name in names),
        )
        for horizon, found in run.evaluation.horizons.items()
        for who, figures in {"model": found.model, **found.controls}.items()
    ]
    labels = ("#rank IC", "#95%", "#correlation", "#direction", "#F1", "#MSE", "#MAE")
    display.table(("horizon", "who", *labels), rows)


def show_verdict(display: Display, run: "Run | Study") -> None:
    """Skill against the controls in plain words."""
    if run.evaluation is None:
        return
    display.heading("Verdict")
    display.say(run.evaluation.headline)
    for found in run.evaluation.horizons.values():
        display.say(found.verdict)
    for warning in run.warnings:
        display.say(f"Warning: {warning}")


def show_strongest(display: Display, run: "Run") -> None:
    """The newest date's strongest scores, positive and negative."""
    latest = run.latest()
    if latest.is_empty():
        return
    from stocktrend.evaluation.verdict import in_days

    day = latest["as_of"][0]
    display.heading(f"Strongest scores of {day:%Y-%m-%d}, by {in_days(run.settings.horizons[0])}")
    coverage = run.forecaster.intervals.coverage
    show_scores(display, strongest(latest), run.settings.horizons, coverage)


def strongest(scores: "pl.DataFrame") -> "pl.DataFrame":
    """The first and the last of sorted scores, all where they are few."""
    if scores.height <= 2 * STRONGEST:
        return scores
    return scores.head(STRONGEST).vstack(scores.tail(STRONGEST))


def show_scores(
    display: Display, scores: "pl.DataFrame", horizons: tuple[int, ...], coverage: float
) -> None:
    """A ticker a row: score, probability of a rise, interval and call of each horizon."""
    titles = [
        title
        for h in horizons
        for title in (f"#score {h}d", f"#P(up) {h}d", f"#{coverage:.0%} {h}d", f"call {h}d")
    ]
    rows = []
    for row in scores.iter_rows(named=True):
        cells = [row["ticker"]]
        for h in horizons:
            low, high = row[f"low_{h}d"], row[f"high_{h}d"]
            interval = None if low is None else f"{low:+.2f} to {high:+.2f}"
            cells += [row[f"{name}_{h}d"] for name in ("score", "pos_prob")]
            cells += [interval, row[f"call_{h}d"]]
        rows.append(cells)
    display.table(("ticker", *titles), rows)


def score_records(scores: "pl.DataFrame") -> list[dict[str, Any]]:
    """Scores, probabilities, intervals and calls as JSON objects, one a ticker."""
    kinds = ("score_", "pos_", "neg_", "low_", "high_", "call_")
    wanted = [
        name
        for name in scores.columns
        if name in ("ticker", "as_of", "close") or name.startswith(kinds)
    ]
    return scores.select(wanted).to_dicts()


def _interval(estimate: "Estimate") -> str:
    if estimate.low is None or estimate.high is None:
        return "-"
    return f"{estimate.low:.3f} .. {estimate.high:.3f}"


def _minute(moment: str | None) -> str:
    return "-" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"
