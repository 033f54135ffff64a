"""The documents say what the program does: settings, commands and options they name exist."""

import pkgutil
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import stocktrend.config as config
from stocktrend.catalog import FEATURE_GROUPS, FEATURES
from stocktrend.cli.program import execute
from stocktrend.provenance import parse_text, plain
from stocktrend.settings import load_settings
from stocktrend.targets import label_columns, outcome_columns

ROOT = Path(__file__).parents[1]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "EXPERIMENTS.md",
    ROOT / "DUAL_TOWER_QUICK_START.md",
    ROOT / "DUAL_TOWER_MODEL_DESIGN.md",
    ROOT / "docs" / "configuration.md",
    ROOT / "docs" / "features.md",
    ROOT / "docs" / "audit.md",
]


@pytest.mark.parametrize("number", range(CONFIGURATION.count("```yaml")))
def test_every_example_of_the_configuration_is_valid(number: int, tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", CONFIGURATION, re.DOTALL)[number]
    (tmp_path / "stocktrend.yaml").write_text(example)
    effective = load_settings(tmp_path, check_files=False)
    assert "stocktrend.yaml" in " ".join(effective.origins.values())


def test_every_setting_is_documented() -> None:
    models = [
        found
        for found in vars(config).values()
        if isinstance(found, type) and issubclass(found, BaseModel)
    ]
    names = {name for model in models for name in model.model_fields}
    named = set(re.findall(r"[a-z_]+", CONFIGURATION))
    assert names - named == set()


def test_every_preset_value_in_the_table_is_the_programs() -> None:
    part = CONFIGURATION.split("### recipe\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \|", part, re.MULTILINE)
    compared = []
    for cell, original, cross_sectional in rows:
        names = re.findall(r"`(\w+)`", cell)
        for preset, written in (("original", original), ("cross_sectional", cross_sectional)):
            values = values_of(original if written == "same" else written, len(names))
            recipe = config.Recipe.model_validate(dict(zip(names, values, strict=True)))
            for name in names:
                assert getattr(recipe, name) == getattr(config.PRESETS[preset], name), name
        compared += names
    assert set(compared) == set(config.Recipe.model_fields)


def values_of(cell: str, count: int) -> list[object]:
    """The values of a cell of the table, as many as it has names: "0.2, 0.3" or "1e-3 each"."""
    if cell.endswith(" each"):
        cell = ", ".join([cell.removesuffix(" each")] * count)
    written = cell.split(", ") if count > 1 else [cell]
    return [plain(parse_text(value, "table")[0]) for value in written]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_and_option_that_is_named_exists(
    document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.findall(r"```\n(.*?)```|`([^`\n]+)`", document.read_text(), re.DOTALL)
    for line in "\n".join(block + span for block, span in code).splitlines():
        # scripts/demo hands its options to `stocktrend demo`.
        found = re.match(
            r"(?:(?:\.venv/bin/)?stocktrend |scripts/(?=demo))([a-z]+)((?: .*)?)$", line
        )
        if found:
            assert execute([found[1], "--help"]) == 0, line
            known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
            assert set(re.findall(r"(?<!\S)--[a-z-]+", found[2].split("#")[0])) <= known, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", document.read_text()):
        page = document.parent / target if target else document
        assert page.exists(), target
        assert not anchor or anchor in anchors(page), anchor


def anchors(page: Path) -> set[str]:
    """Where links into a page lead: its headings in small letters, dashes for spaces."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_and_file_of_the_program_that_is_named_exists(document: Path) -> None:
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for span in re.findall(r"`([^`\n]+)`", prose):
        if dotted := re.fullmatch(r"((?:stocktrend|data_pipeline)(?:\.\w+)+)(?:\(.*\))?", span):
            assert dotted[1] == "stocktrend.yaml" or pkgutil.resolve_name(dotted[1]) is not None
        for path in re.findall(
            r"(?<![\w/])(?:src|tests|benchmarks|scripts|examples)/[\w./]*", span
        ):
            assert (ROOT / path).exists(), span


def test_the_page_of_features_defines_each_column_once_in_the_panels_order() -> None:
    page = (ROOT / "docs" / "features.md").read_text()
    names: list[str] = []
    for cell in re.findall(r"^\| (`[^|]+) \|", page, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", cell)
        stem = first.rpartition("_")[0]
        names += [first, *(stem + o if o.startswith("_") else o for o in others)]
    assert names == [*FEATURES, *dict.fromkeys((*label_columns(7), *outcome_columns(7)))]
    titles = re.findall(r"^### (\w+) \((\d+)\)$", page, re.MULTILINE)
    assert [(title.lower(), int(number)) for title, number in titles] == [
        (group, len(members)) for group, members in FEATURE_GROUPS.items()
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_no_figure_is_left_to_be_measured(document: Path) -> None:
    assert "TO BE MEASURED" not in document.read_text()
