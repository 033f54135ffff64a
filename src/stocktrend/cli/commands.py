"""The commands. Each reads its options, calls the door once a step and shows what came of it."""

from pathlib import Path
from typing import Annotated

import typer

from stocktrend.cli import live, options, steps
from stocktrend.cli.app import COMMAND, app
from stocktrend.cli.display import Display, ProgressDisplay


@app.command(**COMMAND)
def simulate(
    context: typer.Context,
    data_root: Annotated[Path | None, typer.Option(help="A new or empty folder.")] = None,
    market: Annotated[
        str,
        typer.Option(help="How much there is to find.", metavar="strong|realistic|planted|none"),
    ] = "realistic",
    tickers: Annotated[str, typer.Option(help="Number of companies.", metavar="N")] = "40",
    start: Annotated[str, typer.Option(help="First day.", metavar="DATE")] = "2014-01-01",
    end: Annotated[str, typer.Option(help="Last day.", metavar="DATE")] = "2019-12-31",
    seed: Annotated[str, typer.Option(help="Same seed, same files.", metavar="N")] = "0",
    as_json: options.Json = False,
) -> None:
    """Write raw files of a simulated market, and its truth."""
    problems = options.unknown_options(context)
    if data_root is None:
        problems.append("--data-root is required. Name a new or empty folder: --data-root market")
    display = Display(as_json)
    order = steps.order(market, tickers, start, end, seed, problems)
    display.finish(steps.simulate(display, data_root or Path(), order, problems))


@app.command(**COMMAND)
def ingest(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    source: Annotated[
        list[str] | None,
        typer.Option(help="Ask this service instead: its name or kind.", metavar="NAME"),
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="With --source: ask from this day on.", metavar="DATE")
    ] = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Read raw files that the lake has not seen, or ask a service."""
    problems: list[str] = []
    day = options.parse_date(since, "--since", problems)
    if since is not None and not source:
        problems.append("--since must come with --source, however: alone. Add --source NAME")
    asked = options.asked(
        context, data_root, config, {}, assign, raw_needed=not source, problems=problems
    )
    display = Display(as_json)
    if source:
        live.ingest_services(display, asked, source, day)
        return
    report = steps.ingest(display, asked, steps.now())
    from stocktrend.cli.results import show_quarantine

    show_quarantine(display, report)
    display.finish({"data_root": asked.root, "ingest": report.to_dict()})


@app.command(**COMMAND)
def build(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    start: options.Start = None,
    end: options.End = None,
    tickers: options.Tickers = None,
    frequency: options.Frequency = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Ingest, then compute the panel: 87 features, your own, targets.

    Its options hold for this panel alone: train and run make theirs from the settings. To train
    on the same, add --set tickers=A,B to train, or write the values into stocktrend.yaml.
    """
    overrides = {"start": start, "end": end, "tickers": tickers, "frequency": frequency}
    asked = options.asked(context, data_root, config, overrides, assign, raw_needed=True)
    display = Display(as_json)
    report = steps.ingest(display, asked, steps.now())
    from stocktrend.cli.results import (
        panel_summary,
        show_panel,
        show_panel_alone,
        show_quarantine,
    )
    from stocktrend.features.own_files import load_features
    from stocktrend.lake import Lake
    from stocktrend.universe import Universe, survivorship
    from stocktrend.workflow.material import stored_panel
    from stocktrend.workflow.places import lake_folder, panel_file

    with ProgressDisplay() as progress:
        panel = stored_panel(asked.root, asked.settings, progress)
    show_quarantine(display, report)
    place = panel_file(asked.root, asked.settings)
    own = [own.name for own in load_features(asked.settings, asked.root)]
    universe = Universe.of(Lake(lake_folder(asked.root)), panel, asked.settings.tickers)
    show_panel(display, panel, place, own, universe)
    for warning in survivorship(universe):
        if warning not in report.warnings:  # ingest has said those
            display.say(f"Warning: {warning}")
    show_panel_alone(display, asked.settings, [k for k, v in overrides.items() if v is not None])
    document = {
        "panel": place,
        **panel_summary(panel, own),
        "universe": None if universe is None else universe.to_dict(),
        "warnings": survivorship(universe),
    }
    display.finish({"data_root": asked.root, "ingest": report.to_dict(), "build": document})


@app.command(**COMMAND)
def train(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Train on the lake's panel and judge on test dates."""
    overrides = {"preset": preset, "seed": seed}
    asked = options.asked(context, data_root, config, overrides, assign)
    display = Display(as_json)
    display.finish({"folder": (run := steps.train(display, asked)).folder, **run.to_dict()})


@app.command(**COMMAND)
def predict(
    context: typer.Context,
    data_root: options.DataRoot = None,
    as_of: Annotated[
        str | None, typer.Option(help="A session. Default: the newest.", metavar="DATE")
    ] = None,
    tickers: options.Tickers = None,
    run_id: options.RunId = None,
    out: Annotated[
        Path | None, typer.Option(help="Also write scores and features to .parquet or .csv.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Score one date from the records known then."""
    problems: list[str] = []
    day = options.parse_date(as_of, "--as-of", problems)
    options.check_table(out, problems)
    chosen = options.split_list(tickers)
    if chosen == []:
        problems.append("tickers must name one or more, however: none. Leave --tickers out for all")
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    import stocktrend as st
    from stocktrend.cli.results import score_records, show_scores

    run = st.load_run(root, run_id)
    with ProgressDisplay() as progress:
        scores = st.predict(
            root,
            as_of=day,
            tickers=chosen,
            run_id=run.id,
            progress=progress,
        )
    horizons = run.settings.horizons
    ranked = scores.sort(f"score_{horizons[0]}d", descending=True)
    display.heading(f"Scores of {scores['as_of'][0]:%Y-%m-%d} by run {run.id}")
    show_scores(display, ranked, horizons, run.forecaster.intervals.coverage)
    if out is not None:
        options.write_table(out, scores)
        display.say(f"Wrote {out}")
    display.finish({"run": run.id, "scores": score_records(ranked)})


@app.command(**COMMAND)
def report(
    context: typer.Context,
    data_root: options.DataRoot = None,
    run_id: options.RunId = None,
    study_id: Annotated[
        str | None,
        typer.Option(
            "--study", help="Of a walk-forward study instead.", metavar=f"ID|{options.NEWEST}"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Default: report.html in the folder of the run or study.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Write the HTML report of a trained run, or of a walk-forward study."""
    problems: list[str] = []
    if run_id is not None and study_id is not None:
        problems.append("a report is of a run or of a study, however: --run and --study. Leave one")
    root = options.existing_root(context, data_root, problems)
    display = Display(as_json)
    import stocktrend as st

    with ProgressDisplay() as progress:
        found: st.Run | st.Study
        if study_id is not None:
            found = st.load_study(root, None if study_id == options.NEWEST else study_id)
        else:
            found = st.evaluate(st.load_run(root, run_id), progress=progress)
    page = st.report(found, out)
    display.say(f"Wrote {page}")
    display.finish({"report": page})


@app.command(**COMMAND)
def run(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    start: options.Start = None,
    end: options.End = None,
    tickers: options.Tickers = None,
    frequency: options.Frequency = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """All steps, from raw files to scores and a report.

    What an earlier, stopped run finished is taken over.
    """
    overrides = {
        "preset": preset,
        "seed": seed,
        "start": start,
        "end": end,
        "tickers": tickers,
        "frequency": frequency,
    }
    asked = options.asked(context, data_root, config, overrides, assign, raw_needed=True)
    display = Display(as_json)
    display.finish(steps.run(display, asked))


@app.command(**COMMAND)
def demo(
    context: typer.Context,
    market: Annotated[
        str,
        typer.Option(
            help="Simulated, with much, little or nothing to find; or a sample of real prices.",
            metavar="|".join(steps.DEMO_MARKETS),
        ),
    ] = "strong",
    data_root: Annotated[
        Path | None, typer.Option(help="Where to make it. Default: market, or sample.")
    ] = None,
    seed: Annotated[str, typer.Option(help="Seed of market and model.", metavar="N")] = "1",
    as_json: options.Json = False,
) -> None:
    """Run all steps on a simulated market, or on a sample of real prices."""
    problems = options.unknown_options(context)
    display = Display(as_json)
    root = data_root or Path(steps.SAMPLE if market == steps.SAMPLE else "market")
    made = steps.make_demo(display, market, root, seed, problems)
    context.args.clear()
    asked = options.asked(context, root, None, {"seed": seed}, raw_needed=True)
    done = steps.run(display, asked)
    if market == steps.SAMPLE:
        display.say(steps.SAMPLE_CAVEAT)
    display.finish({**made, **done})


@app.command(**COMMAND)
def config(
    context: typer.Context,
    data_root: options.DataRoot = None,
    config: options.ConfigFile = None,
    preset: options.Preset = None,
    seed: options.Seed = None,
    assign: options.Set = None,
    as_json: options.Json = False,
) -> None:
    """Print every setting and where its value came from."""
    asked = options.asked(context, data_root, config, {"preset": preset, "seed": seed}, assign)
    display = Display(as_json)
    rows = asked.effective.rows()
    display.table(("setting", "value", "from"), [(k, steps.plain(v), o) for k, v, o in rows])
    document = {key: {"value": value, "from": origin} for key, value, origin in rows}
    file = asked.effective.file
    display.finish({"data_root": asked.root, "file": file, "settings": document})
