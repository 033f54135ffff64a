"""Settings as they were given, each value with the place it came from.

YAML is read by the rules of YAML 1.2, not 1.1: ``ON`` and ``NO`` are tickers, not booleans, and
``10:00`` is a time of day, not 600.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

PREFIX = "STOCKTREND_"
NOT_SETTINGS = frozenset({"STOCKTREND_TEST_DATA"})
"""Variables with our prefix that are no settings."""
MOST_VALUES = 100_000
"""In one file, aliases written out: ten lines of aliases of aliases stand for billions."""
_PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True)
class Given:
    """A value that somebody set, and where: ``stocktrend.yaml:12``, ``argument``."""

    value: Any
    origin: str


Tree: TypeAlias = Given | dict[str, "Tree"] | list["Tree"]


class Group(dict[str, Tree]):
    """A mapping of a file, with the place of each key: its value may begin on a later line."""

    def __init__(self, values: Mapping[str, Tree], places: Mapping[str, str]) -> None:
        super().__init__(values)
        self.places = dict(places)


class _Loader(yaml.SafeLoader):
    """Safe YAML with the scalars of YAML 1.2 (and its dates)."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] in ("null", "timestamp", "merge")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tfTF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$"),
    list("-+.0123456789"),
)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def read_yaml(path: Path) -> tuple[dict[str, Tree], list[str]]:
    """The settings of a YAML file, and what is wrong with the file itself.

    Returns:
        The tree (origin of a value: file name and line) and the problems found.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree, problems = parse_yaml(text, path.name)
    except OSError as error:
        return {}, [
            f"the configuration file must be readable, however: {path}: {error.strerror}. "
            "Check its path and permissions"
        ]
    except UnicodeDecodeError as error:
        return {}, [f"{path.name} must be UTF-8 text, however: {error}. Save it as UTF-8"]
    if isinstance(tree, Given) and tree.value is None:
        return {}, problems
    if not isinstance(tree, dict):
        found = "a list" if isinstance(tree, list) else repr(tree.value)
        problems.append(
            f"{path.name} must hold settings as `name: value` lines, however: {found}. "
            "Write for example `seed: 1`"
        )
        return {}, problems
    return tree, problems


def parse_yaml(text: str, name: str, origin: str | None = None) -> tuple[Tree, list[str]]:
    """Text as a tree; values come from ``origin``, or else from ``name`` and their line."""
    problems: list[str] = []
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Given(None, origin or name), problems
        if _size(node, {}) > MOST_VALUES:
            problems.append(
                f"{name} must hold at most {MOST_VALUES:,} values, however it holds more, aliases "
                f"written out. Write it without aliases"
            )
            return Given(None, origin or name), problems
        return _tree(loader, node, name, origin, problems, ()), problems
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or str(error)
        problems.append(
            f"{where} must be valid YAML, however: {what}. "
            "Check the indentation, colons and quotes of that line"
        )
        return Given(None, origin or name), problems
    except RecursionError:
        problems.append(
            f"{name} must be nested as settings are, however it is too deep to read. "
            "Remove brackets and indentation that no setting has"
        )
        return Given(None, origin or name), problems
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Values that a node stands for, aliases written out; of one that contains itself, any."""
    if id(node) not in known:
        known[id(node)] = 1
        if isinstance(node, yaml.MappingNode):
            inner = [part for pair in node.value for part in pair]
        else:
            inner = node.value if isinstance(node, yaml.SequenceNode) else []
        known[id(node)] = 1 + sum(_size(part, known) for part in inner)
    return known[id(node)]


def _tree(
    loader: _Loader,
    node: yaml.Node,
    name: str,
    origin: str | None,
    problems: list[str],
    above: tuple[int, ...],
) -> Tree:
    line = f"{name}:{node.start_mark.line + 1}"
    if id(node) in above:
        problems.append(f"{line} must not contain itself, however: an alias does. Remove the alias")
        return Given(None, line)
    above = (*above, id(node))
    if isinstance(node, yaml.CollectionNode) and node.tag not in _PLAIN_TAGS:
        problems.append(
            f"{line} must be a plain list or group, however: it has the tag {node.tag!r}. "
            "Remove the tag"
        )
    if isinstance(node, yaml.SequenceNode):
        return [_tree(loader, item, name, origin, problems, above) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        try:
            return Given(loader.construct_object(node), origin or line)
        except ValueError:
            # A date such as 2020-02-30: as text, so that its setting's own check reports it.
            return Given(node.value, origin or line)
    loader.flatten_mapping(node)
    group: dict[str, Tree] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        number = key_node.start_mark.line + 1
        if key in lines:
            problems.append(
                f"{name}:{number} must set `{key}` once, however: line {lines[key]} sets it too. "
                "Remove one of the two"
            )
        lines[key] = number
        group[key] = _tree(loader, value_node, name, origin, problems, above)
    places = {key: origin or f"{name}:{number}" for key, number in lines.items()}
    return Group(group, places)


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Tree], list[str]]:
    """``STOCKTREND_...`` variables, nested with two underscores; values are read as YAML.

    A plain list needs no brackets: ``STOCKTREND_TICKERS=AAPL,MSFT``.
    """
    tree: dict[str, Tree] = {}
    problems: list[str] = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            value, wrong = parse_text(environ[name], f"environment {name}")
            problems.extend(wrong)
            keys = name.removeprefix(PREFIX).lower().split("__")
            tree = merge(tree, nest(keys, value))
    return tree, problems


def read_arguments(arguments: Mapping[str, Any]) -> dict[str, Tree]:
    """Arguments as a tree; ``recipe.epochs`` names a nested one, and null means not given."""
    tree: dict[str, Tree] = {}
    for name, value in arguments.items():
        if value is not None:
            tree = merge(tree, nest(name.split("."), _argument(value)))
    return tree


def _argument(value: Any) -> Tree:
    if isinstance(value, Mapping):
        return {str(key): _argument(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_argument(item) for item in value]
    return Given(value, "argument")


def parse_text(text: str, origin: str) -> tuple[Tree, list[str]]:
    """One value written on a command line or in the environment."""
    bare_list = "," in text and not text.lstrip().startswith(("[", "{", "'", '"'))
    return parse_yaml(f"[{text}]" if bare_list else text, origin, origin)


def nest(keys: list[str], value: Tree) -> dict[str, Tree]:
    """``["recipe", "epochs"], 5`` as ``{"recipe": {"epochs": 5}}``."""
    for key in reversed(keys):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def merge(weak: dict[str, Tree], strong: dict[str, Tree]) -> dict[str, Tree]:
    """Both trees; where both set a value, the strong one's. Lists are replaced, not joined."""
    merged = Group(weak, _places(weak))
    for key, value in strong.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
            merged.places.pop(key, None)
    merged.places.update(_places(strong))
    return merged


def _places(tree: Tree | None) -> Mapping[str, str]:
    return tree.places if isinstance(tree, Group) else {}


def plain(tree: Tree) -> Any:
    """The values alone."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [plain(value) for value in tree]
    return tree.value


def origin(tree: Tree) -> str:
    """Where a value, or the first value of a group, was set."""
    while not isinstance(tree, Given):
        inner = list(tree.values()) if isinstance(tree, dict) else tree
        if not inner:
            return "default"
        tree = inner[0]
    return tree.origin


def key_origin(tree: Tree, path: tuple[str | int, ...]) -> str:
    """Where the key at a path stands, or else its value; ``default`` where nothing was given."""
    found = find(tree, path)
    place = _places(find(tree, path[:-1])).get(str(path[-1])) if path else None
    return place or ("default" if found is None else origin(found))


def find(tree: Tree, path: tuple[str | int, ...]) -> Tree | None:
    """The part of the tree at a path of names and positions; null where nothing was given."""
    for part in path:
        if isinstance(tree, dict) and str(part) in tree:
            tree = tree[str(part)]
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree
