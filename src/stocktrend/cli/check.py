"""``stocktrend check``: data quality per table, in the terminal, as JSON and as a page.

Exit code 3: corrupt records are still read. 0: none are, whatever warnings there were.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stocktrend.cli import options, steps
from stocktrend.cli.app import COMMAND, FOUND, app
from stocktrend.cli.display import Display, ProgressDisplay

if TYPE_CHECKING:
    from stocktrend.quality import Finding, QualityReport
    from stocktrend.quality.coverage import TableQuality
    from stocktrend.workflow.checking import Checked

MOST_ROWS = 12
MOST_SUBJECTS = 6
LONGEST = 90
SPARSE = 0.95
"""Share of its sessions below which a ticker is named."""


@app.command(**COMMAND)
def check(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    out: Annotated[
        Path | None, typer.Option(help="Page to write. Default: check/report.html.")
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Withhold corrupt spells from what is read.")
    ] = False,
    release: Annotated[
        str | None, typer.Option(help="Read withheld bars of these again.", metavar="A,B")
    ] = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Check the lake's data; exit code 3 where corrupt records are read."""
    asked = options.asked(context, data_root, config, {}, assign)
    display = Display(as_json)
    from stocktrend.workflow.checking import check_root

    with ProgressDisplay() as progress:
        done = check_root(
            asked.root,
            asked.settings,
            steps.now(),
            out=out,
            quarantine=quarantine,
            release=options.split_list(release) or (),
            progress=progress,
        )
    report = done.report
    for table in report.tables:
        _show_table(display, table, [f for f in report.findings if f.table == table.table])
    _show_quarantine(display, report)
    _show_end(display, done, quarantine=quarantine, release=release)
    display.finish(
        {
            "data_root": asked.root,
            **report.to_dict(),
            "withheld_now": done.withheld,
            "released_now": done.released,
            "page": done.page,
        }
    )
    if report.corrupt_records():
        raise typer.Exit(FOUND)


def _show_table(display: Display, table: "TableQuality", found: Sequence["Finding"]) -> None:
    display.heading(f"{table.table}: {_summary(table)}")
    if table.sources.height > 1:
        named = table.sources.select("source", "records").iter_rows()
        display.say("Sources: " + ", ".join(f"{name} {count:,}" for name, count in named))
    sparse = table.coverage.filter(table.coverage["share"] < SPARSE)
    if sparse.height:
        worst = sparse.select("subject", "share").head(MOST_SUBJECTS).iter_rows()
        display.say("Least covered: " + ", ".join(f"{name} {share:.1%}" for name, share in worst))
    told = [f for f in found if f.severity != "note"]
    _show_findings(display, told)
    notes: dict[str, list[Finding]] = {}
    for finding in found:
        if finding.severity == "note":
            notes.setdefault(finding.rule, []).append(finding)
    for name, group in notes.items():
        what = f"{sum(f.rows for f in group):,} of {_some([f.subject for f in group])}"
        if len(group) == 1:
            what = f"{what}: {group[0].detail[:LONGEST]}"
        display.say(f"Note, {_words(name)}, {what}")


def _summary(table: "TableQuality") -> str:
    if table.last_known is None:
        return "no records"
    what = {"policy": "kinds", "macro": "series"}.get(table.table, "tickers")
    parts = [
        f"{table.records:,} records of {table.coverage.height:,} {what}",
        f"known until {table.last_known:%Y-%m-%d} ({table.behind:,} days ago)",
    ]
    if table.share is not None:
        # Rounded down: what is not quite all does not read as all.
        parts.append(f"{math.floor(1e4 * table.share) / 100:.2f}% of sessions")
    counts = {"revised": table.revised, "refused": table.refused, "withheld": table.withheld}
    return ", ".join(parts + [f"{count:,} {name}" for name, count in counts.items() if count])


def _show_findings(display: Display, found: Sequence["Finding"]) -> None:
    """One row a rule and subject, the worst first; of the quarantine one a finding."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in found:
        reason = (finding.detail,) if finding.table == "quarantine" else ()
        groups.setdefault((finding.rule, finding.subject, *reason), []).append(finding)
    if not groups:
        return
    shown = list(groups.values())[:MOST_ROWS]
    display.table(
        ("severity", "rule", "subject", "first", "last", "#records", "what was seen"),
        [_row(group) for group in shown],
    )
    rest = [group[0].subject for group in list(groups.values())[MOST_ROWS:]]
    if rest:
        display.say(f"and {len(rest):,} more: {_some(rest)}")


def _row(group: Sequence["Finding"]) -> tuple[object, ...]:
    worst = max(group, key=lambda finding: finding.rows)
    firsts = [f.first for f in group if f.first]
    lasts = [f.last for f in group if f.last]
    spells = f"{len(group)} spells; " if len(group) > 1 else ""
    return (
        worst.severity,
        _words(worst.rule),
        worst.subject,
        min(firsts, default=None),
        max(lasts, default=None),
        sum(f.rows for f in group),
        spells + worst.detail[:LONGEST],
    )


def _show_quarantine(display: Display, report: "QualityReport") -> None:
    display.heading("Quarantine")
    if report.quarantine.is_empty():
        display.say("Nothing is in quarantine.")
        return
    _show_findings(display, [f for f in report.findings if f.table == "quarantine"])


def _show_end(display: Display, done: "Checked", *, quarantine: bool, release: str | None) -> None:
    report = done.report
    display.heading(
        ", ".join(_counted(report.count(name), name) for name in ("error", "warning", "note"))
    )
    if done.withheld:
        display.say(
            f"Withheld {_spells(done.withheld)}. To read a ticker's again: "
            f"`stocktrend check --release TICKER`"
        )
    elif quarantine:
        display.say("No spell is left to withhold.")
    if done.released:
        display.say(f"Released {_spells(done.released)} of {release}: read again from now on.")
    corrupt = report.corrupt()
    if corrupt.height:
        tickers = _some(corrupt["ticker"].to_list())
        display.say(f"Corrupt bars are read, of {tickers}. To leave them out, add --quarantine")
    display.say(f"Wrote {done.page}")


def _some(subjects: Sequence[str]) -> str:
    names = list(dict.fromkeys(subjects))
    more = f" and {len(names) - MOST_SUBJECTS} more" if len(names) > MOST_SUBJECTS else ""
    return ", ".join(names[:MOST_SUBJECTS]) + more


def _spells(count: int) -> str:
    return _counted(count, "spell")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _words(name: str) -> str:
    return name.replace("_", " ")
