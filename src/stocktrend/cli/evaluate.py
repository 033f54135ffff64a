"""``stocktrend evaluate``: does the model beat simple controls on dates that it never saw?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stocktrend.cli import options
from stocktrend.cli.app import COMMAND, app
from stocktrend.cli.display import Display, ProgressDisplay

if TYPE_CHECKING:
    from stocktrend.workflow.study import Study


@app.command(**COMMAND)
def evaluate(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    window: Annotated[
        str | None,
        typer.Option(help="What is trained on before each test.", metavar="expanding|5y|..."),
    ] = None,
    every: Annotated[
        str | None, typer.Option(help="Length of a test period.", metavar="1y|6mo|90d|...")
    ] = None,
    first_test: Annotated[
        str | None, typer.Option(help="First day of the tests.", metavar="DATE")
    ] = None,
    embargo: Annotated[
        str | None, typer.Option(help="Days left free between the parts.", metavar="DAYS")
    ] = None,
    members: Annotated[
        str | None, typer.Option(help="Of the model's ensemble.", metavar="N")
    ] = None,
    controls: Annotated[
        str | None, typer.Option(help="These only, separated by commas.", metavar="A,B")
    ] = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    assign: options.Set = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write all predictions to .parquet or .csv.")
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(
            "--run", help="Judge this trained run instead.", metavar=f"ID|{options.NEWEST}"
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Train and test through the years, beside controls, and say whether there is skill.

    Each period is tested by models that were trained on what came before it. What an earlier,
    stopped call finished is taken over.
    """
    display = Display(as_json)
    problems: list[str] = []
    walk = {"window": window, "every": every, "first_test": first_test, "embargo": embargo}
    overrides: dict[str, Any] = {f"walk_forward.{name}": value for name, value in walk.items()}
    overrides["walk_forward.controls"] = options.split_list(controls)
    if members is not None:
        overrides["recipe.members"] = options.parse_count(members, "--members", problems)
    overrides |= {"preset": preset, "seed": seed}
    if run_id is not None:
        overrides |= {"config": config, "set": assign or None, "out": out}
        given = [name.split(".")[-1] for name, value in overrides.items() if value is not None]
        _judge_run(context, data_root, run_id, given, display)
        return
    options.check_table(out, problems)
    asked = options.asked(context, data_root, config, overrides, assign, problems=problems)
    _walk(asked, out, display)


def _walk(asked: options.Asked, out: Path | None, display: Display) -> None:
    """Walk forward through a data root, and show what came of it."""
    import stocktrend as st
    from stocktrend.cli.results import show_evaluation, show_verdict

    with ProgressDisplay() as progress:
        study = st.walk_forward(asked.root, settings=asked.settings, progress=progress)
    show_folds(display, study)
    show_evaluation(display, study)
    show_verdict(display, study)
    page = st.report(study)
    display.say(f"Wrote {page}")
    if out is not None:
        options.write_table(out, study.predictions)
        display.say(f"Wrote {out}")
    display.finish({"folder": study.folder, "report": page, **study.to_dict()})


def _judge_run(
    context: typer.Context,
    data_root: Path | None,
    run_id: str,
    given: list[str],
    display: Display,
) -> None:
    """Judge a trained run on its test dates again."""
    problems = []
    if given:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        problems.append(
            f"--run judges a trained run as it is, however these are of a walk-forward: {named}. "
            "Leave them or --run out"
        )
    root = options.existing_root(context, data_root, problems)
    import stocktrend as st
    from stocktrend.cli.results import show_evaluation, show_verdict

    with ProgressDisplay() as progress:
        loaded = st.load_run(root, None if run_id == options.NEWEST else run_id)
        run = st.evaluate(loaded, progress=progress)
    show_evaluation(display, run)
    show_verdict(display, run)
    page = st.report(run)
    display.say(f"Wrote {run.folder}/metrics.json")
    display.say(f"Wrote {page}")
    display.finish({"folder": run.folder, "report": page, **run.to_dict()})


def show_folds(display: Display, study: "Study") -> None:
    """The dates of each step of the walk, and what was chosen there."""
    display.heading("evaluate: each period tested after a training on what came before it")
    display.table(
        ("#fold", "training", "validation", "test"),
        [(fold.number, fold.train, fold.validation, fold.test) for fold in study.folds],
    )
    chose = [f"{name} among {count}" for name, count in study.candidates.items() if count > 1]
    if chose:
        display.say(f"Settings chosen on validation dates: {', '.join(chose)}.")
