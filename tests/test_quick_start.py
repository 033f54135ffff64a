"""The quick start says what the program does: its parts, defaults and quoted messages."""

import inspect
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

import stocktrend as st
from planted import planted_panel

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "DUAL_TOWER_QUICK_START.md").read_text(encoding="utf-8")


def test_it_has_seven_parts_in_order() -> None:
    assert re.findall(r"^## (\d)\. (.*)$", TEXT, re.MULTILINE) == [
        ("1", "Architecture overview"),
        ("2", "Five-minute start"),
        ("3", "Understanding predictions"),
        ("4", "Configuration options"),
        ("5", "Training tips"),
        ("6", "Troubleshooting"),
        ("7", "Common tasks"),
    ]


def test_the_five_issues_of_the_design_have_a_row_each() -> None:
    part = TEXT[TEXT.index("## 6.") : TEXT.index("## 7.")]
    rows = re.findall(r"^\| ([^|]*) \| [^|]+ \|$", part, re.MULTILINE)
    assert rows == [
        "Issue",
        "Model not converging",
        "Loss is NaN",
        "Overfitting",
        "High validation loss",
        "Slow training",
    ]


@pytest.mark.parametrize(
    "name", re.findall(r"^### `([A-Za-z_.]+)`$", TEXT, re.MULTILINE), ids=lambda name: name
)
def test_every_default_in_the_table_is_the_programs(name: str) -> None:
    function: Any = st
    for part in name.split("."):
        function = getattr(function, part)
    table = TEXT.split(f"### `{name}`\n")[1].split("\n### ")[0]
    written = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", table, re.MULTILINE))
    parameters = inspect.signature(function).parameters
    assert written
    for argument, value in written.items():
        assert eval(value) == parameters[argument].default, argument  # noqa: S307 (math.inf)


# Messages


def train_on_nan_inputs() -> None:
    batch = torch.full((8, 25), math.nan), torch.zeros(8, 62)
    labels = {f"target_{h}d": torch.zeros(8) for h in (7, 30)}
    loader = [(*batch, labels)]
    st.DualTowerTrainer(st.create_model("cpu"), checkpoint_dir=None).train(loader, loader)


def train_with_other_horizons() -> None:
    train, validation, _ = st.create_data_loaders(planted_panel())
    model = st.create_model("cpu", horizons=[5])
    st.DualTowerTrainer(model, checkpoint_dir=None).train(train, validation)


def one_stock_in_the_lake() -> None:
    folder = Path("lake_of_one/raw/prices")
    folder.mkdir(parents=True)
    st.simulate("simulated", tickers=1, start="2015-01-01", end="2015-06-30")
    file = next(Path("simulated/raw/prices").glob("*.csv"))
    file.rename(folder / "AAPL.csv")
    st.build_panel("lake_of_one", tickers=["aapl"])


CAUSES: dict[str, Callable[[], object]] = {
    "device='cuda'": lambda: st.create_model("cuda"),
    "The data root": lambda: st.build_panel("nowhere"),
    "the configuration": lambda: st.UnifiedTrainingDataProcessor({"root": "market"}),
    "tickers must": one_stock_in_the_lake,
    "scaling needs": lambda: st.create_data_loaders(planted_panel().drop("news_count")),
    "features must": lambda: st.create_data_loaders(
        planted_panel().with_columns(pl.lit(math.inf).alias("stock_close"))
    ),
    "training, validation": lambda: st.create_data_loaders(planted_panel(dates=2)),
    "outputs and labels": train_with_other_horizons,
    "context must": lambda: st.create_model("cpu")(torch.zeros(4, 62), torch.zeros(4, 25)),
    "batch norm": lambda: st.create_model("cpu")(torch.zeros(1, 25), torch.zeros(1, 62)),
    "the loss": train_on_nan_inputs,
    "market must": lambda: st.load_run("market"),
}
QUOTED = [
    (first or second).strip()
    for first, second in re.findall(
        r"^- (?:``(.+?)``|`([^`]+)`)(?: .*)?$", TEXT.split("### Messages\n")[1], re.MULTILINE
    )
]


@pytest.mark.parametrize("message", QUOTED, ids=[" ".join(m.split()[:2]) for m in QUOTED])
def test_every_message_quoted_is_the_one_raised(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cause = next(cause for start, cause in CAUSES.items() if message.startswith(start))
    with pytest.raises(st.StocktrendError) as raised:
        cause()
    assert str(raised.value) == message


def test_every_cause_is_quoted() -> None:
    assert len(QUOTED) == len(CAUSES)
