"""What is wrong with a setting, in words: the rule, the value, where it stands, the remedy."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from stocktrend.config import Settings
from stocktrend.provenance import Given, Tree, find, key_origin
from stocktrend.recipe import Recipe

Path: TypeAlias = tuple[str | int, ...]
_LISTS = ("tuple_type", "list_type")
_GROUPS = ("model_type", "model_attributes_type", "dict_type")


def explain(error: ErrorDetails, given: Tree, prefix: tuple[str, ...] = ()) -> str:
    """One sentence for one error of pydantic.

    Args:
        error: From ``ValidationError.errors()``.
        given: The tree that was validated, for the origin of the value.
        prefix: Where the validated model sits in the tree.
    """
    path = _path((*prefix, *error["loc"]), given)
    name = ".".join(str(part) for part in path) or "the configuration"
    place = key_origin(given, path)
    where = "" if place == "default" else f" ({place})"
    known = _known(path, given)
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    if kind == "extra_forbidden":
        return f"{name} is not a setting{where}. {_instead(path, known)}"
    if kind in ("missing", "union_tag_not_found"):
        name = f"{name}.{_discriminator(context)}" if context else name
        return f"{name} is required, however: it is missing. {_add(path, kind, given)}"
    if kind in ("literal_error", "union_tag_invalid"):
        found = context.get("tag", error["input"])
        allowed = str(context.get("expected") or context.get("expected_tags"))
        key = f"{name}.{_discriminator(context)}" if "tag" in context else name
        close = get_close_matches(str(found), _quoted(allowed), 1)
        remedy = f"Did you mean {close[0]!r}?" if close else "Use one of these"
        return f"{key} must be {allowed}, however: {found!r}{where}. {remedy}"
    if kind == "value_error":
        return f"{error['msg'].removeprefix('Value error, ')}{where}"
    rule = _rule(path, error, given)
    return f"{name} must {rule}, however: {error['input']!r}{where}. {_change(path, kind, given)}"


def _discriminator(context: Mapping[str, Any]) -> str:
    """The name of the key that tells kinds apart; pydantic writes a function's with brackets."""
    return str(context["discriminator"]).strip("'").removesuffix("()")


def _rule(path: Path, error: ErrorDetails, given: Tree) -> str:
    """What a value must be; pydantic's words where they are those of a person."""
    kind = error["type"]
    if kind.startswith("date_"):
        return "be a valid date"
    if kind.startswith("time_"):
        return "be a time of day"
    if kind in _LISTS:
        needed = _needed(path, given)
        return f"be a list of sources, each with its {needed}" if needed else "be a list"
    if kind in _GROUPS:
        return "be a group of settings"
    return error["msg"].removeprefix("Input should ").split(", unable")[0].split(", got")[0]


def _needed(path: Path, given: Tree) -> str:
    """What each source of a list must name; empty for other lists."""
    models = [model for model in _models(path, given) if "path" in model.model_fields]
    if not models:
        return ""
    return "path" if len(models) == 1 else "kind and path"


def _path(location: Iterable[str | int], given: Tree) -> Path:
    """A pydantic location without the tags of its unions, which are no keys of the file."""
    parts = tuple(location)
    path: Path = ()
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if find(given, (*path, part)) is not None or (last and _is_field(path, part, given)):
            path = (*path, part)
    return path


def _is_field(path: Path, part: str | int, given: Tree) -> bool:
    return any(part in model.model_fields for model in _models(path, given))


def _models(path: Path, given: Tree) -> list[type[BaseModel]]:
    """The models that may stand at a path; several where its kind or rule is not told."""
    if path and path[0] == "recipe":
        return [Recipe] if len(path) == 1 else []
    models: list[type[BaseModel]] = [Settings]
    for number, part in enumerate(path):
        if isinstance(part, str):
            fields = [m.model_fields[part] for m in models if part in m.model_fields]
            models = [found for item in fields for found in _models_in(item.annotation)]
        tags = {
            name: tag.value
            for name in ("kind", "rule")
            if isinstance(tag := find(given, (*path[: number + 1], name)), Given)
        }
        models = [model for model in models if _has_tags(model, tags)] or models
    return models


def _has_tags(model: type[BaseModel], tags: Mapping[str, Any]) -> bool:
    fields = model.model_fields
    return all(name not in fields or fields[name].default == tag for name, tag in tags.items())


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _known(path: Path, given: Tree) -> list[str]:
    """Names that may stand beside the last one of a path, without repeats."""
    return list(dict.fromkeys(name for m in _models(path[:-1], given) for name in m.model_fields))


def _instead(path: Path, known: list[str]) -> str:
    name = str(path[-1])
    if close := get_close_matches(name, known, 1):
        return f"Did you mean `{close[0]}`?"
    if len(path) == 1:
        nested = {key: f"recipe.{key}" for key in Recipe.model_fields} | {
            key: f"{group}.{key}"
            for group in ("sources", "split", "walk_forward")
            for model in _models((group,), {})
            for key in model.model_fields
        }
        if close := get_close_matches(name, nested, 1, 0.8):
            return f"Did you mean `{nested[close[0]]}`?"
    return f"Known here: {', '.join(known)}" if known else "Remove it"


def _quoted(allowed: str) -> list[str]:
    return [word for number, word in enumerate(allowed.split("'")) if number % 2]


def _add(path: Path, kind: str, given: Tree) -> str:
    if kind == "union_tag_not_found":
        kinds = dict.fromkeys(
            str(field.default)
            for model in _models(path, given)
            for name, field in model.model_fields.items()
            if name in ("kind", "rule")
        )
        return f"Add one of {', '.join(kinds)}"
    return f"Add `{path[-1]}: ...` to that group"


def _change(path: Path, kind: str, given: Tree) -> str:
    if kind.startswith("date_"):
        return "Write it as 2024-12-31"
    if kind.startswith("time_"):
        return "Write it as 10:30"
    if kind in _LISTS:
        needed = [f"{name}: ..." for name in _needed(path, given).split(" and ") if name]
        items = f"[{{{', '.join(needed)}}}]" if needed else "[first, second]"
        return f"Write a list: `{items}`"
    if kind in _GROUPS:
        return f"Write its settings below it, indented: {', '.join(_known((*path, ''), given))}"
    if kind == "string_type":
        return "Put it in quotes"
    fields = [m.model_fields.get(str(path[-1])) for m in _models(path[:-1], given)] if path else []
    default = next((f.default for f in fields if f is not None and not f.is_required()), None)
    return (
        "Change it" if default is None else f"Change it, or remove it for the default {default!r}"
    )
