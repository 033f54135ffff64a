"""``stocktrend compare``: is one run or study better than another?"""

from typing import TYPE_CHECKING, Annotated

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, app
from stocktrend.cli.display import Display

if TYPE_CHECKING:
    from stocktrend.evaluation.bootstrap import Estimate
    from stocktrend.workflow.comparing import Compared


@app.command(**COMMAND)
def compare(
    context: typer.Context,
    one: Annotated[str, typer.Argument(help="Name under runs/ or studies/.", metavar="RUN")],
    other: Annotated[str, typer.Argument(help="Another one.", metavar="RUN")],
    data_root: options.DataRoot = None,
    seed: Annotated[str, typer.Option(help="Of the intervals.", metavar="N")] = "0",
    as_json: options.Json = False,
) -> None:
    """Compare two runs or studies on the test rows that both have, paired by date."""
    problems: list[str] = []
    number = options.parse_count(seed, "--seed", problems)
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    from stocktrend.workflow.comparing import compare as compare_two
    from stocktrend.workflow.comparing import load_tested

    found = compare_two(load_tested(root, one), load_tested(root, other), seed=number)
    show_compared(display, found)
    display.finish({"data_root": root, **found.to_dict()})


def show_compared(display: Display, found: "Compared") -> None:
    """Settings that differ, figures of both with their difference, and what that says."""
    from stocktrend.cli.steps import plain
    from stocktrend.evaluation.metrics import METRICS
    from stocktrend.evaluation.verdict import METRIC_WORDS

    display.heading(f"First: {found.one}   second: {found.other}")
    if found.settings:
        rows = [(name, plain(a), plain(b)) for name, (a, b) in found.settings.items()]
        display.table(("what differs", "first", "second"), rows)
    else:
        display.say("No setting differs.")
    display.table(
        ("horizon", "metric", "#first", "#second", "#first is better by", "#95%"),
        [
            (
                f"{horizon}d",
                METRIC_WORDS.get(metric, metric.replace("_", " ")),
                *(_figure(getattr(part, metric), metric) for part in (at.one, at.other)),
                _figure(getattr(at.difference, metric), metric),
                _interval(getattr(at.difference, metric), metric),
            )
            for horizon, at in found.horizons.items()
            for metric in METRICS
        ],
    )
    for line in (*str(found).splitlines(), *found.notes):
        display.say(line)


def _figure(estimate: "Estimate", metric: str) -> str:
    from stocktrend.evaluation.verdict import decimals

    return "-" if estimate.value is None else f"{estimate.value:.{decimals(metric)}f}"


def _interval(estimate: "Estimate", metric: str) -> str:
    from stocktrend.evaluation.verdict import interval

    return "-" if estimate.low is None else interval(estimate, metric)
