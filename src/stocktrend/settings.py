"""The effective settings of a data root: what every value is and where it came from.

Strongest first: arguments, environment (``STOCKTREND_RECIPE__EPOCHS=5``), the YAML file, the
preset's recipe, defaults. All problems of all of them are collected into one ``ConfigError``.
"""

import glob
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stocktrend.config import Settings, feature_parts
from stocktrend.errors import ConfigError
from stocktrend.provenance import (
    Given,
    Tree,
    find,
    merge,
    origin,
    plain,
    read_arguments,
    read_environment,
    read_yaml,
)
from stocktrend.recipe import CROSS_SECTIONAL_FROM, PRESETS, Recipe
from stocktrend.settings_problems import explain

FILE_NAME = "stocktrend.yaml"
Checked = TypeVar("Checked", bound=BaseModel)
_GROUPS = ("sources", "text", "recipe", "split", "walk_forward")
_LISTS = ("tickers", "horizons", "features", "checks")


@dataclass(frozen=True)
class Effective:
    """Settings and the origin of each: ``{"seed": "argument", "recipe.epochs": "default", ...}``.

    ``file`` is the YAML file that was read, if any.
    """

    settings: Settings
    origins: dict[str, str]
    file: Path | None = None
    _given: dict[str, Tree] = field(default_factory=dict, repr=False)

    def rows(self, tickers: int | None = None) -> list[tuple[str, Any, str]]:
        """Each setting's name, value and origin, the recipe written out.

        Args:
            tickers: Size of the universe. Without it, and with the preset ``auto``, a field in
                which the presets differ shows both values.
        """
        rows = [
            (name, value, self.origins[name])
            for name, value in leaves(self.settings.model_dump(mode="json"))
            if not name.startswith("recipe")
        ]
        return rows + list(self._recipe_rows(tickers))

    def _recipe_rows(self, tickers: int | None) -> Iterator[tuple[str, Any, str]]:
        settings = self.settings
        known = settings.preset != "auto" or tickers is not None
        preset, recipe = settings.recipe_for(tickers or 0)
        other = settings.recipe_for(tickers if tickers is not None else CROSS_SECTIONAL_FROM)[1]
        for name, value in recipe.model_dump(mode="json").items():
            key = f"recipe.{name}"
            twin = other.model_dump(mode="json")[name]
            if key in self.origins:
                yield key, value, self.origins[key]
            elif known or twin == value:
                yield key, value, f"preset {preset}" if known else "default"
            else:
                both = f"{value}; {twin} from {CROSS_SECTIONAL_FROM} tickers"
                yield key, both, "preset auto"


def load_settings(
    root: Path | str,
    *,
    file: Path | str | None = None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    check_files: bool = True,
) -> Effective:
    """Read, merge and check every setting of a data root.

    Args:
        root: Data root; paths of sources are relative to it.
        file: YAML file; ``<root>/stocktrend.yaml`` where it is null, if that exists.
        overrides: Arguments, by name (``recipe.epochs`` names a nested one); null is not given.
        environ: Environment variables, usually ``os.environ``.
        check_files: Also ask that the configured source files exist.

    Returns:
        The settings with the origin of each.

    Raises:
        ConfigError: with every problem found.
    """
    root = Path(root)
    named = root / FILE_NAME if file is None else Path(file)
    given, problems = ({}, []) if file is None and not named.exists() else read_yaml(named)
    variables, wrong = read_environment(environ or {})
    problems += wrong
    given = _tidy(merge(merge(given, variables), read_arguments(overrides or {})))
    settings, wrong = _validated(given)
    problems += wrong
    if check_files:
        problems += missing_files(given, root)
    if settings is None or problems:
        raise ConfigError(problems)
    origins = {name: _origin(given, name) for name, _ in leaves(settings.model_dump(mode="json"))}
    return Effective(settings, origins, named if named.exists() else None, given)


def with_arguments(settings: Settings, arguments: Mapping[str, Any]) -> Settings:
    """Settings with some replaced by arguments, checked; null is not given.

    Raises:
        ConfigError: with every problem found.
    """
    nested = {
        "recipe": settings.recipe,
        "walk_forward": settings.walk_forward.model_dump(),
        "text": settings.text.model_dump(),
    }
    given = merge(read_arguments(nested), read_arguments(arguments))
    changed, problems = _checked(Settings, settings.model_dump() | plain(given), given, ())
    problems += _recipe_problems(plain(given["recipe"]), given)
    if changed is None or problems:
        raise ConfigError(problems)
    return changed


def _tidy(given: dict[str, Tree]) -> dict[str, Tree]:
    """An empty section counts as not given; a single ticker or horizon as a list of one."""
    tidy = merge({}, given)
    for key, value in given.items():
        if key in _GROUPS and isinstance(value, Given) and value.value is None:
            del tidy[key]
            continue
        alone = isinstance(value, Given) and isinstance(value.value, str | int)
        tidy[key] = [value] if key in _LISTS and alone else value
    return tidy


def _validated(given: dict[str, Tree]) -> tuple[Settings | None, list[str]]:
    settings, problems = _checked(Settings, plain(given), given, ())
    recipe = given.get("recipe", {})
    if isinstance(recipe, dict):
        problems += _recipe_problems(plain(recipe), given)
    exchange = plain(given.get("exchange", Given("XNYS", "default")))
    if isinstance(exchange, str) and exchange != "XNYS":
        problems += _exchange_problem(exchange, origin(given["exchange"]))
    return (None if problems else settings), problems


def _recipe_problems(overrides: dict[str, Any], given: Tree) -> list[str]:
    # The presets have the same fields, so any of them shows what is wrong with the overrides.
    complete = PRESETS["original"].model_dump() | overrides
    return _checked(Recipe, complete, given, ("recipe",))[1]


def _checked(
    model: type[Checked], values: Any, given: Tree, prefix: tuple[str, ...]
) -> tuple[Checked | None, list[str]]:
    try:
        return model.model_validate(values), []
    except ValidationError as error:
        return None, [explain(item, given, prefix) for item in error.errors(include_url=False)]


def _exchange_problem(exchange: str, where: str) -> list[str]:
    import exchange_calendars

    names = exchange_calendars.get_calendar_names()
    if exchange in names:
        return []
    close = get_close_matches(exchange.upper(), names, 1)
    remedy = f"Did you mean {close[0]}?" if close else "Use XNYS for New York, XLON for London"
    return [
        f"exchange must be a market identifier code that exchange_calendars knows, "
        f"however: {exchange!r} ({where}). {remedy}"
    ]


def missing_files(given: dict[str, Tree], root: Path) -> list[str]:
    """One problem for each configured source, calendar or file of one's own that is not there."""
    named = [
        (name, value)
        for name, value in _given_leaves(given.get("sources", {}), "sources")
        if name.endswith(".path")
    ]
    for name, value in _given_leaves(given.get("features", []), "features"):
        entry = value.value
        with suppress(ValueError):  # an entry that is none is a problem of its own
            named.append((name, Given(feature_parts(str(entry))[0], value.origin)))
    named += _given_leaves(given.get("checks", []), "checks")
    text = _given_leaves(given.get("text", {}), "text")
    named += [(name, value) for name, value in text if name == "text.model"]
    return [
        problem
        for name, value in named
        if isinstance(value.value, str)
        for problem in _missing_file(name, value, root)
    ]


def _given_leaves(tree: Tree, name: str) -> Iterator[tuple[str, Given]]:
    if isinstance(tree, Given):
        yield name, tree
        return
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inner:
        yield from _given_leaves(value, f"{name}.{key}")


def _missing_file(name: str, given: Given, root: Path) -> list[str]:
    pattern = root / str(given.value)
    if glob.glob(str(pattern), recursive=True):  # noqa: PTH207 (the pattern may be absolute)
        return []
    nearby = [path.name for path in pattern.parent.glob("*")] if pattern.parent.is_dir() else []
    close = get_close_matches(pattern.name, nearby, 1)
    remedy = (
        f"Did you mean {close[0]!r}?"
        if close
        else f"Paths are relative to the data root {root}: put the file there or mend the path"
    )
    found = f"{given.value!r} matches none ({given.origin})"
    return [f"{name} must match a file, however: {found}. {remedy}"]


def leaves(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value of nested settings with its dotted name; a list of plain values is one value."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list | tuple) and any(isinstance(item, dict) for item in values):
        for number, value in enumerate(values):
            yield from leaves(value, f"{name}.{number}")
    else:
        yield name, values


def _origin(given: Tree, name: str) -> str:
    path = tuple(int(part) if part.isdigit() else part for part in name.split("."))
    tree = find(given, path)
    return "default" if tree is None else origin(tree)
