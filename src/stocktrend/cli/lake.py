"""Commands that look after what is stored: the lake's past, and runs made again from it."""

from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stocktrend.cli import options, steps
from stocktrend.cli.app import COMMAND, FOUND, app
from stocktrend.cli.display import Display, ProgressDisplay
from stocktrend.errors import ConfigError, LakeError

if TYPE_CHECKING:
    from stocktrend.lake import Lake
    from stocktrend.lake.moments import State

lake_app = typer.Typer(rich_markup_mode=None)
app.add_typer(lake_app, name="lake")

Run = Annotated[
    str | None, typer.Option("--run", help="All tables as this run read them.", metavar="ID")
]


@lake_app.callback(invoke_without_command=True)
def lake(context: typer.Context) -> None:
    """List the lake's past, go back, let go of it; export it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _lake(root: Path) -> "Lake":
    import stocktrend as st
    from stocktrend.workflow.places import lake_folder

    held = st.Lake(lake_folder(root))
    if not held.exists:
        raise LakeError(
            f"The data root must hold a lake, however {root} has none. Run `stocktrend ingest "
            f"--data-root {root}`"
        )
    return held


@lake_app.command(**COMMAND)
def history(
    context: typer.Context,
    data_root: options.DataRoot = None,
    table: Annotated[str | None, typer.Option(help="This one only.", metavar="NAME")] = None,
    as_json: options.Json = False,
) -> None:
    """List all versions, and the runs made from them."""
    root = options.existing_root(context, data_root)
    display = Display(as_json)
    from stocktrend.lake import upkeep
    from stocktrend.workflow.origin import recorded_versions

    found = upkeep.history(_lake(root), recorded_versions(root))
    shown = [version for version in found if table in (None, version.table)]
    if not shown:
        names = ", ".join(sorted({version.table for version in found}))
        raise ConfigError(f"--table must be one of {names}, however: {table!r}. Take one of these")
    display.table(
        ("time, UTC", "table", "#version", "operation", "#rows", "#change", "runs"),
        [
            (
                f"{v.at:%Y-%m-%d %H:%M:%S}",
                v.table,
                v.version,
                v.operation,
                "gone" if v.rows is None else v.rows,
                v.change,
                ", ".join(v.runs),
            )
            for v in shown
        ],
    )
    display.finish({"data_root": root, "history": [asdict(version) for version in shown]})


@lake_app.command(**COMMAND)
def verify(
    context: typer.Context,
    data_root: options.DataRoot = None,
    as_json: options.Json = False,
) -> None:
    """Read every file of the newest versions, and name damaged ones."""
    root = options.existing_root(context, data_root)
    display = Display(as_json)
    from stocktrend.lake import restoring, upkeep

    held = _lake(root)
    found = upkeep.verify(held)
    display.table(
        ("table", "damaged"), [(table, "; ".join(wrong) or "no") for table, wrong in found.items()]
    )
    broken = [text for wrong in found.values() for text in wrong]
    if broken:
        raise LakeError(
            f"A lake must be whole, however {'; '.join(broken)}. {restoring.remedy(held)}"
        )
    display.finish({"data_root": root, "damaged": found})


@lake_app.command(**COMMAND)
def restore(
    context: typer.Context,
    data_root: options.DataRoot = None,
    run_id: Run = None,
    at: Annotated[
        str | None, typer.Option(help="All tables as they were then (UTC).", metavar="TIME")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="With --version: all tables, of then.", metavar="NAME")
    ] = None,
    version: Annotated[str | None, typer.Option(help="Of --table.", metavar="N")] = None,
    intact: Annotated[bool, typer.Option(help="The newest state that is whole.")] = False,
    as_json: options.Json = False,
) -> None:
    """Go back to a past state of all tables.

    It comes as new versions on top, so it can be undone. The next ingest reads again what came
    since, as far as its raw files are still there.
    """
    problems: list[str] = []
    moment = _moment(at, problems)
    number = options.parse_count(version, "--version", problems) if version is not None else None
    ways = [run_id is not None, at is not None, table is not None or version is not None, intact]
    if given := _not_one_state(sum(ways), table, version):
        problems.append(
            f"restore must be told one state to go back to, however {given}. Add --run ID, "
            "--at TIME, --table NAME --version N, or --intact; `stocktrend lake history` lists them"
        )
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    from stocktrend.lake import moments, restoring
    from stocktrend.workflow.origin import read_origin
    from stocktrend.workflow.run import find_run

    held = _lake(root) if not intact else _damaged_lake(root)
    state: State
    if run_id is not None:
        state = moments.state_with(held, read_origin(find_run(root, run_id))["lake_versions"])
    elif moment is not None:
        state = moments.state_at(held, moment)
    elif table is not None and number is not None:
        state = moments.state_of(held, table, number)
    else:
        state = restoring.newest_whole(held)
    done = restoring.restore(held, state)
    display.say(f"The lake is as it was at {state.at:%Y-%m-%d %H:%M:%S} UTC.")
    rows = [(name, "none" if old is None else old, new) for name, (old, new) in done.items()]
    if rows:
        display.table(("table", "#went back to version", "#now version"), rows)
        display.say("`stocktrend ingest` reads again what came since, from the raw files.")
    else:
        display.say("Nothing had changed since.")
    tables = {name: {"version": old, "now": new} for name, (old, new) in done.items()}
    display.finish({"data_root": root, "at": state.at, "restored": tables})


def _not_one_state(ways: int, table: str | None, version: str | None) -> str | None:
    if ways != 1:
        return "more than one was given" if ways else "none was given"
    if table is not None and version is None:
        return "--table was given without --version"
    if version is not None and table is None:
        return "--version was given without --table"
    return None


def _damaged_lake(root: Path) -> "Lake":
    import stocktrend as st
    from stocktrend.workflow.places import lake_folder

    return st.Lake(lake_folder(root))


@lake_app.command(**COMMAND)
def vacuum(
    context: typer.Context,
    data_root: options.DataRoot = None,
    older_than: Annotated[str, typer.Option(help="Days.", metavar="N")] = "30",
    forget_runs: Annotated[
        bool, typer.Option("--forget-runs", help="Also what runs were made from.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; else only say what.")] = False,
    as_json: options.Json = False,
) -> None:
    """Remove old versions, but those that runs need."""
    problems: list[str] = []
    days = options.parse_count(older_than, "--older-than", problems)
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    from stocktrend.lake import upkeep
    from stocktrend.workflow.origin import recorded_versions

    done = upkeep.vacuum(
        _lake(root),
        timedelta(days=min(days, timedelta.max.days)),
        () if forget_runs else recorded_versions(root).values(),
        now=steps.now(),
        dry_run=not yes,
    )
    display.table(
        ("table", "#files", "#bytes", "versions let go"),
        [
            (name, done.files[name], done.bytes[name], ", ".join(map(str, versions)) or "-")
            for name, versions in done.versions.items()
        ],
    )
    total = sum(done.bytes.values())
    display.say(f"{'Freed' if yes else 'Would free'} {total:,} bytes.")
    if not yes and total:
        display.say("Nothing was removed. Add --yes to do it: it cannot be undone.")
    document = {"files": done.files, "bytes": done.bytes, "versions": done.versions}
    display.finish({"data_root": root, "removed": yes, **document})


@lake_app.command(**COMMAND)
def export(
    context: typer.Context,
    data_root: options.DataRoot = None,
    out: Annotated[Path | None, typer.Option(help="A new or empty folder.")] = None,
    form: Annotated[
        str, typer.Option("--format", help="Of the files.", metavar="parquet|csv")
    ] = "parquet",
    as_of: Annotated[
        str | None, typer.Option(help="What was known by the end of this day (UTC).")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Write the records to files, one a table."""
    problems: list[str] = []
    day = options.parse_date(as_of, "--as-of", problems)
    if form not in ("parquet", "csv"):
        problems.append(f"--format must be parquet or csv, however: {form!r}. Choose one of them")
    if out is None:
        problems.append("--out is required. Name a new or empty folder: --out records")
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    from stocktrend.lake import upkeep

    moment = None if day is None else datetime.combine(day, time.max, UTC)
    place = out or Path()
    counts = upkeep.export(_lake(root), place, "csv" if form == "csv" else "parquet", moment)
    display.table(("table", "#records"), counts.items())
    left_out = [] if moment is None else ["quarantine"]
    if left_out:
        display.say("quarantine is left out: when its records were known is not known.")
    display.say(f"Wrote {place}")
    display.finish({"data_root": root, "out": place, "records": counts, "left_out": left_out})


@app.command(**COMMAND)
def rebuild(
    context: typer.Context,
    data_root: options.DataRoot = None,
    run_id: options.RunId = None,
    as_json: options.Json = False,
) -> None:
    """Make a run again from what it read, and compare; exit code 3 where it differs."""
    root = options.existing_root(context, data_root)
    display = Display(as_json)
    import stocktrend as st

    with ProgressDisplay() as progress:
        done = st.rebuild(root, run_id, progress=progress)
    rows = [(name, "yes") for name in done.equal] + [(name, "NO") for name in done.different]
    display.table(("file", "the same"), rows)
    if done.same:
        display.say(f"Run {done.run} came out the same, byte for byte.")
    else:
        display.say(f"Run {done.run} came out otherwise. What is not as it was then:")
        for reason in done.reasons or ("nothing that was recorded",):
            display.say(f"  {reason}")
    display.finish(done.to_dict())
    if not done.same:
        raise typer.Exit(FOUND)


def _moment(text: str | None, problems: list[str]) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problems.append(f"--at must be a time, however: {text!r}. Write it as 2026-11-23T17:30:00")
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
