"""The design document says what the program is: layers, defaults, schedule, features, names."""

import inspect
import math
import re
import runpy
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from pkgutil import resolve_name

import pytest
import torch
from scipy import integrate, optimize
from torch import nn

import stocktrend as st
import stocktrend.workflow.forecast as forecast_files
import stocktrend.workflow.origin as origin_files
import stocktrend.workflow.run as run_files
from stocktrend.catalog import FEATURE_GROUPS
from stocktrend.model import DualTowerRelevanceModel, create_model
from stocktrend.recipe import PRESETS
from stocktrend.sources.market.response import setting_of
from stocktrend.training import create_optimizer, create_scheduler

ROOT = Path(__file__).parents[1]
DESIGN = (ROOT / "DUAL_TOWER_MODEL_DESIGN.md").read_text()
FEATURES_PAGE = (ROOT / "docs" / "features.md").read_text()
TITLES = [
    "Problem",
    "Detailed architecture",
    "Data and labels",
    "Multi-task loss functions",
    "Optimization strategy",
    "Training",
    "Inference and interpretation",
    "Extending the system",
    "Expected outcomes and performance targets",
    "Technical choices",
    "Integration",
    "References",
]
SECTIONS = dict(
    zip(TITLES, re.split(r"^## \d+\. .*$", DESIGN, flags=re.MULTILINE)[1:], strict=True)
)

Row = list[str]


def table(text: str, *header: str) -> list[Row]:
    """The cells of the rows below a header."""
    line = rf"^\| {re.escape(' | '.join(header))} \|\n\|[-|]+\|\n((?:\|.*\|\n)+)"
    found = re.findall(line, text, re.MULTILINE)
    assert len(found) == 1, header
    return [row[2:-2].split(" | ") for row in found[0].splitlines()]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def count(text: str) -> int:
    """5,280 or "5,280 each"."""
    return int(text.split()[0].replace(",", ""))


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Random contexts and stocks of three rows."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 25, generator=generator), torch.randn(3, 62, generator=generator)


@pytest.fixture(scope="module")
def model() -> DualTowerRelevanceModel:
    return create_model("cpu")


def test_the_twelve_sections_have_their_titles_and_numbers() -> None:
    found = re.findall(r"^## (\d+)\. (.*)$", DESIGN, re.MULTILINE)
    assert found == [(str(number), title) for number, title in enumerate(TITLES, start=1)]


def test_every_layer_has_the_shapes_and_parameters_of_the_table(
    model: DualTowerRelevanceModel,
) -> None:
    seen: dict[str, list[str]] = {}

    def note(name: str) -> Callable[..., None]:
        def hook(layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
            shapes = [f"(B, {tensor.shape[1]})" for tensor in (inputs[0], output)]
            size = sum(p.numel() for p in layer.parameters())
            seen[name] = [type(layer).__name__, *shapes, f"{size:,}"]

        return hook

    with_parameters = {n: m for n, m in model.named_modules() if [*m.parameters(recurse=False)]}
    hooks = [m.register_forward_hook(note(name)) for name, m in with_parameters.items()]
    model(*inputs())
    for hook in hooks:
        hook.remove()
    rows = table(DESIGN, "module", "kind", "reads", "gives", "parameters")
    written = {
        name: [*cells[:-1], cells[-1].removesuffix(" each")]
        for names, *cells in rows
        for name in spans(names)
    }
    assert written == seen


def test_the_totals_are_those_of_the_parts(model: DualTowerRelevanceModel) -> None:
    *parts, (whole, total) = table(DESIGN, "part", "parameters")
    written = {name: count(size) for names, size in parts for name in spans(names)}
    for name, size in written.items():
        part = attrgetter(name)(model) if "heads" not in name else model.heads[name[6:]]
        assert sum(p.numel() for p in part.parameters()) == size, name
    assert whole == "whole model"
    assert count(total) == sum(written.values()) == sum(p.numel() for p in model.parameters())
    assert f"{sum(b.numel() for b in model.buffers()):,} values that are counted" in DESIGN
    wide = sum(p.numel() for p in create_model("cpu", interaction="concat").parameters())
    assert f"{wide - count(total):,} parameters more" in DESIGN
    share = written["stock_tower"] / count(total)
    assert f"The stock tower has {share:.0%} of the parameters" in " ".join(DESIGN.split())


def test_a_forward_pass_returns_the_tensors_of_the_table(model: DualTowerRelevanceModel) -> None:
    written = {}
    for names, shapes, _ in table(DESIGN, "output", "shape", "what"):
        each = re.findall(r"\(B,[^)]*\)", shapes)
        templates = spans(names)
        for name, shape in zip(templates, each * (len(templates) // len(each)), strict=True):
            written |= {name.replace("{h}", str(h)): shape for h in model.horizons}
    outputs = model(*inputs())
    assert {n: str(tuple(v.shape)).replace("(3", "(B") for n, v in outputs.items()} == written


def test_every_default_is_the_programs() -> None:
    rows = re.findall(r"`([\w.]+)\((\w+)=\)` \| ([^ |]+) \|", DESIGN)
    assert len(rows) == 16
    for name, argument, written in rows:
        default = inspect.signature(attrgetter(name)(st)).parameters[argument].default
        assert default == float(written), (name, argument)


def test_the_groups_of_the_optimizer_have_the_written_sizes(
    model: DualTowerRelevanceModel,
) -> None:
    rows = table(DESIGN, "group", "parameters", "argument", "default")
    groups = create_optimizer(model).param_groups
    assert [(spans(name)[0], count(size)) for name, size, *_ in rows] == [
        (group["name"], sum(p.numel() for p in group["params"])) for group in groups
    ]


GROUPS = ("context", "stock", "head")


def test_the_learning_rates_of_the_table_are_those_of_the_schedule(
    model: DualTowerRelevanceModel,
) -> None:
    optimizer = create_optimizer(model)
    scheduler = create_scheduler(optimizer)
    written = {int(row[0]): row[1:] for row in table(DESIGN, "epoch", "share", *GROUPS)}
    assert {1, 5, 6, 100} <= written.keys()
    for epoch in range(1, 101):
        rates = [group["lr"] for group in optimizer.param_groups]
        if epoch in written:
            share = rates[0] / 1e-3
            assert written[epoch] == [f"{share:.4f}", *(f"{rate:.3e}" for rate in rates)]
        optimizer.step()
        scheduler.step()


def test_the_constants_have_the_written_values() -> None:
    rows = table(DESIGN, "constant", "value", "what")
    assert len(rows) >= 6
    for name, value, _ in rows:
        assert resolve_name(spans(name)[0]) == float(value), name


def test_the_paragraph_of_the_presets_has_the_numbers_of_the_recipe() -> None:
    text = " ".join(SECTIONS["Training"].split())
    recipe = PRESETS["cross_sectional"]
    assert (recipe.features, recipe.target, recipe.optimizer) == ("rank", "rank", "adamw")
    assert (recipe.scheduler, recipe.warmup_epochs, recipe.calibrate) == ("none", 0, True)
    assert recipe.context_dropout == recipe.stock_dropout
    assert recipe.context_lr == recipe.stock_lr == recipe.head_lr == recipe.weight_decay == 1e-3
    for phrase in (
        f"{recipe.members} members of dropout {recipe.stock_dropout:g}",
        "by AdamW at 1e-3 with a weight decay of 1e-3, without schedule or warm-up",
        f"for {recipe.epochs} epochs at batch size {recipe.batch_size}",
        f"{recipe.min_steps:,} steps",
    ):
        assert phrase in text


def test_the_groups_of_features_have_the_written_sizes() -> None:
    rows = table(DESIGN, "group", "number", "what")
    assert {group: int(number) for group, number, _ in rows} == {
        group: len(names) for group, names in FEATURE_GROUPS.items()
    }


def expectation(function: Callable[[float], float]) -> float:
    """Of an even function of a standard normal variable."""
    half = integrate.quad(lambda z: function(z) * math.exp(-z * z / 2), 0, 12)[0]
    return float(2 * half / math.sqrt(2 * math.pi))


def target_variance(sd: float) -> float:
    return expectation(lambda z: math.tanh(10 * sd * z) ** 2)


def test_the_table_of_variances_is_that_of_normal_returns() -> None:
    rows = re.findall(r"^\| (\d)% \| (.*) \|$", SECTIONS["Technical choices"], re.MULTILINE)
    assert len(rows) == 5
    for percent, cells in rows:
        sd = int(percent) / 100
        v, mae = target_variance(sd), expectation(lambda z, sd=sd: abs(math.tanh(10 * sd * z)))
        expected = (v, v, mae, v * (1 - 0.75**2), v * (1 - 0.70**2))
        assert cells.split(" | ") == [f"{value:.3f}" for value in expected]


def test_the_arithmetic_of_the_targets_holds() -> None:
    text = " ".join(SECTIONS["Technical choices"].split())

    def widest(variance: float) -> float:
        return float(optimize.brentq(lambda sd: target_variance(sd) - variance, 1e-3, 0.5))

    def mse_of_mae(mae: float) -> float:
        return mae**2 * math.pi / 2

    def accuracy(rho: float) -> float:
        return 0.5 + math.asin(rho) / math.pi

    month = widest(mse_of_mae(0.20) / (1 - 0.70**2))
    for phrase in (
        f"0.75² = {0.75**2:.0%} of the variance, 0.70 at most {0.7**2:.0%}",
        f"90% would need a correlation of {math.sqrt(0.9):.2f}",
        f"Up to a standard deviation of {widest(0.1):.1%} always",
        f"{accuracy(0.75):.0%} and {accuracy(0.70):.0%} at correlations of 0.75 and 0.70",
        f"need {math.sin(math.pi * 0.20):.2f} and {math.sin(math.pi * 0.15):.2f}",
        f"MAE < 0.15 means MSE < {mse_of_mae(0.15):.3f}",
        f"up to a standard deviation of {widest(mse_of_mae(0.15) / (1 - 0.75**2)):.1%} in 7 days",
        f"up to {month:.1%} in 30 days, which is {month * math.sqrt(365 / 30):.0%} a year",
    ):
        assert phrase in text, phrase
    v = target_variance(0.04)
    assert (
        f"sd = 4%: v = {v:.2f}, and a score of +0.10 stands for +{0.1 / (10 * (1 - v)):.1%}"
        in (SECTIONS["Inference and interpretation"])
    )
    assert f"a correlation of about {math.sqrt(0.004):.2f}" in DESIGN
    assert f"a correlation of 0.06 is a direction accuracy of {accuracy(0.06):.0%}" in " ".join(
        DESIGN.split()
    )


def test_the_targets_are_those_that_the_benchmark_prints() -> None:
    file = ROOT / "benchmarks" / "strong_market.py"
    targets = runpy.run_path(str(file), run_name="benchmark")["TARGETS"]
    row = re.search(r"^\| target \| (.*) \|$", DESIGN, re.MULTILINE)
    assert row
    expected = []
    for aim in (targets[7], targets[30]):
        expected += [f"< {aim.mse:.2f}", f"< {aim.mae:.2f}"]
        expected += [f"> {aim.correlation:.2f}", f"> {aim.direction:.0%}"]
    assert row[1].split(" | ") == expected
    assert setting_of("strong").noise == setting_of("realistic").noise / 20


def test_the_tree_of_a_run_names_its_files() -> None:
    tree = set(re.findall(r"[\w.]+", SECTIONS["Integration"].split("```")[1]))
    constants = vars(run_files) | vars(origin_files) | vars(forecast_files)
    files = {value for name, value in constants.items() if name.endswith(("_FILE", "_FOLDER"))}
    assert len(files) >= 7
    assert files <= tree


def test_the_modules_of_the_original_design_have_the_written_names() -> None:
    rows = table(DESIGN, "module", "names")
    assert len(rows) == 5
    for module, names in rows:
        assert sorted(spans(names)) == sorted(resolve_name(spans(module)[0]).__all__)


def cited(text: str) -> set[tuple[str, str]]:
    """First author's last word and year of "Gu, Kelly and Xiu (2020)" or "Wilder 1978"."""
    name = r"[A-Z][\wé]+(?: de Prado)?"
    others = rf"(?:(?:, {name})* and {name}| et al\.)?"
    return set(re.findall(rf"({name}){others} \(?((?:19|20)\d\d)\b", " ".join(text.split())))


def test_every_citation_has_its_reference_and_every_reference_is_cited() -> None:
    body, _, references = DESIGN.partition("## 12. References")
    listed = re.findall(r"^- ([\w ]+), .*?\((\d{4})\)\. ", references, re.MULTILINE)
    assert len(listed) == references.count("\n- ")
    assert listed == sorted(listed, key=lambda entry: entry[0].replace("ó", "o").replace("ü", "u"))
    surnames = {(name.removeprefix("López "), year) for name, year in listed}
    found = {(name.removeprefix("López "), year) for name, year in cited(body)}
    assert found == surnames
    assert cited(FEATURES_PAGE) <= found
