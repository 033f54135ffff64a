"""What the program does with options, errors and help."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stocktrend.cli.display import Display
from stocktrend.cli.program import execute

HEAVY = ("torch", "polars", "numba", "pandas", "pyarrow", "sklearn", "plotly")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a refused command: exit code 2, nothing on stdout, no traceback."""
    assert execute(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "Traceback" not in output.err
    return output.err


def test_the_command_line_is_imported_without_data_and_model_libraries() -> None:
    script = (
        f"import sys, stocktrend.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--help"]) == 0
    text = capsys.readouterr().out
    named = set(re.findall(r"^  ([a-z]+) ", text, re.MULTILINE))
    steps = {"simulate", "ingest", "build", "train", "evaluate", "predict", "report"}
    assert named == steps | {
        "run",
        "demo",
        "config",
        "check",
        "lake",
        "rebuild",
        "audit",
        "compare",
        "init",
        "update",
        "sources",
    }


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("Usage: stocktrend")
    assert output.err == ""


def test_an_unexpected_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("stocktrend.cli.options.existing_root", fail)
    with pytest.raises(ZeroDivisionError):
        execute(["report"])


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    from stocktrend import __version__

    assert execute(["--version"]) == 0
    assert capsys.readouterr().out == f"stocktrend {__version__}\n"


def test_everything_that_is_wrong_with_a_command_comes_in_one_message(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "stocktrend.yaml").write_text("sead: 1\nrecipe: {members: none}\n")
    message = refused(
        capsys,
        *("run", "--data-root", str(tmp_path), "--preset", "best", "--sed", "4"),
        *("--start", "yesterday", "--set", "recipe.epochs"),
    )
    assert "6 problems" in message
    for part in (
        "--sed is not an option of `run`. Did you mean --seed?",
        "--set must be KEY=VALUE, however: 'recipe.epochs'",
        "sead is not a setting (stocktrend.yaml:1). Did you mean `seed`?",
        "recipe.members must be a valid integer, however: 'none' (stocktrend.yaml:2)",
        "preset must be 'auto', 'original' or 'cross_sectional', however: 'best' (argument)",
        "start must be a valid date",
    ):
        assert part in message


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, "rum")
    assert "No such command 'rum'. Did you mean 'run'? See `stocktrend --help`" in message


def test_an_option_without_its_value_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "requires an argument" in refused(capsys, "run", "--seed")


@pytest.mark.parametrize("command", ["ingest", "build", "train", "run", "config", "evaluate"])
def test_a_data_root_that_is_missing_is_refused(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = refused(capsys, command, "--data-root", str(tmp_path / "gone"))
    assert "--data-root must be an existing folder" in message
    assert "stocktrend simulate --data-root" in message


@pytest.mark.parametrize("command", ["ingest", "build", "run"])
def test_an_empty_data_root_is_refused_with_what_to_put_there(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = refused(capsys, command, "--data-root", str(tmp_path))
    assert "must hold prices" in message
    assert str(tmp_path / "raw" / "prices") in message


@pytest.mark.parametrize("command", ["evaluate --run newest", "predict", "report"])
def test_a_data_root_without_a_run_is_refused(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = refused(capsys, *command.split(), "--data-root", str(tmp_path))
    assert "must hold a trained run" in message
    assert "stocktrend run" in message


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_training_without_a_lake_is_refused(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "stocktrend ingest" in refused(capsys, command, "--data-root", str(tmp_path))


def test_no_data_root_is_needed_beside_the_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "--data-root must name a folder" in refused(capsys, "config")
    (tmp_path / "stocktrend.yaml").write_text("seed: 5\n")
    assert execute(["config"]) == 0


def test_a_configuration_file_names_its_folder_as_data_root(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("seed: 5\n")
    assert execute(["config", "--config", str(file), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["settings"]["seed"] == {"value": 5, "from": "mine.yaml:1"}
    assert document["data_root"] == str(tmp_path)


def test_config_prints_where_each_value_came_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stocktrend.yaml").write_text("frequency: daily\npreset: original\n")
    monkeypatch.setenv("STOCKTREND_RECIPE__EPOCHS", "5")
    assert execute(["config", "--data-root", str(tmp_path), "--seed", "9"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["frequency", "daily", "stocktrend.yaml:1"] in lines
    assert ["seed", "9", "argument"] in lines
    assert ["recipe.epochs", "5", "environment", "STOCKTREND_RECIPE__EPOCHS"] in lines
    assert ["recipe.batch_size", "32", "preset", "original"] in lines
    assert ["recipe.min_delta", "0.0001", "preset", "original"] in lines
    assert ["exchange", "XNYS", "default"] in lines


def test_errors_for_machines_are_json_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert execute(["config", "--data-root", str(tmp_path), "--seed", "x", "--json"]) == 2
    output = capsys.readouterr()
    (problem,) = json.loads(output.out)["error"]
    assert problem.startswith("seed must be a valid integer, however: 'x'")
    assert problem in output.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--market", "wild"], "'wild'"),
        (["--tickers", "many"], "--tickers must be a whole number, however: 'many'"),
        (["--start", "2014"], "--start must be a date, however: '2014'"),
        (["--tickers", "0"], "0"),
    ],
)
def test_a_wrong_order_for_a_market_is_refused(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert part in refused(capsys, "simulate", "--data-root", str(tmp_path / "m"), *arguments)
    assert not (tmp_path / "m").exists()


def test_a_place_that_cannot_be_written_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    message = refused(capsys, "simulate", "--data-root", str(tmp_path / "file" / "below"))
    assert str(tmp_path / "file") in message


def test_names_of_files_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = tmp_path / "raw" / "prices"
    prices.mkdir(parents=True)
    (prices / "clear\x1b[2Jscreen.csv").write_text("Date,Open\n2016-06-27,1\n")
    assert execute(["ingest", "--data-root", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    assert "clear\\x1b[2Jscreen.csv must have the columns" in shown.err


def test_what_files_hold_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display(as_json=False)
    display.say("say \x1b[2J")
    display.heading("heading \x9b2J")
    display.table(("column",), [("cell \x07\x00",)])
    shown = capsys.readouterr().out
    assert not set("\x1b\x9b\x07\x00") & set(shown)
    for text in ("say \\x1b[2J", "heading \\x9b2J", "cell \\x07\\x00"):
        assert text in shown
