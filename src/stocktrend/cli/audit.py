"""``stocktrend audit``: does anything known later change what came before?"""

from typing import TYPE_CHECKING, Annotated

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, FOUND, app
from stocktrend.cli.display import Display, ProgressDisplay

if TYPE_CHECKING:
    from stocktrend.auditing import AuditReport


@app.command(**COMMAND)
def audit(
    context: typer.Context,
    data_root: options.DataRoot = None,
    run_id: options.RunId = None,
    samples: Annotated[
        str, typer.Option(help="Pairs of a ticker and a date, at least.", metavar="N")
    ] = "200",
    seed: Annotated[str, typer.Option(help="Of the sample and the changes.", metavar="N")] = "0",
    as_json: options.Json = False,
) -> None:
    """Look for records used before they were known; exit code 3 where there are.

    Alters, deletes and invents what becomes known after sampled dates, and rescales prices as
    later splits and dividends do. Features, split, scaling, calibration and scores from before
    must stay as they are.
    """
    problems: list[str] = []
    count = options.parse_count(samples, "--samples", problems)
    number = options.parse_count(seed, "--seed", problems)
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    import stocktrend as st

    with ProgressDisplay() as progress:
        found = st.audit(root, run_id, samples=count, seed=number, progress=progress)
    show_audit(display, found)
    display.finish({"data_root": root, **found.to_dict()})
    if not found.clean:
        raise typer.Exit(FOUND)


def show_audit(display: Display, found: "AuditReport") -> None:
    """What was judged, changed and compared, and what differed."""
    display.heading(found.headline)
    display.table(
        ("what was changed", "#compared", "unit", "#findings"),
        [(check.name, check.tested, check.unit, check.findings) for check in found.checks],
    )
    for line in (found.judged, *found.lines):
        display.say(line)
