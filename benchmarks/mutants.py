"""Where mutants come from: places in a file, each with the mutations of cosmic-ray that fit it.

The operators are cosmic-ray's (``pip install cosmic-ray``), less those that can only end in a type
error: arithmetic is replaced by arithmetic, an order by an order, bits by bits. A place is a token
range; a sample takes each place at most once, and one of its mutations at random, so that an
operator with many replacements weighs no more than a number with two.

Left out is what cannot change what the code computes: annotations, aliases of types, members of
protocols, arguments of decorators and decorators that change speed alone, texts of messages. A
mutation that leaves the syntax tree as it was, or is no Python, is none.
"""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeGuard

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

FEATURES = Path("src/stocktrend/features")
KERNELS = FEATURES / "kernels"
OTHERS = ("targets.py", "model/losses.py", "dataset/scaling.py")

FAMILIES = (
    {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"},
    {"RShift", "LShift", "BitOr", "BitAnd", "BitXor"},
    {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"},
    {"Is", "IsNot"},
)
UNFIT = {"VariableReplacer", "VariableInserter", "ExceptionReplacer"}
"""The first two draw unseeded random numbers, the third knows no exception with a dot."""
OPERATORS = {
    name.removeprefix("Replace"): OperatorProvider()[name]
    for name in OperatorProvider()
    if name not in UNFIT
}
FOR_SPEED = {"compiled", "njit", "lru_cache"}

Position = tuple[int, int]


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        file: Path from the root of the repository.
        line: Where it is, from 1.
        operator: What is done there.
        before: The line as it is.
        after: The line as the mutant has it.
        source: The whole file as the mutant has it.
    """

    file: str
    line: int
    operator: str
    before: str
    after: str
    source: str


def draw(root: Path, count: int, seed: int) -> list[Mutant]:
    """Half of the mutants in kernels, half in the other features, targets, losses and scaling."""
    kernels = [file.relative_to(root) for file in (root / KERNELS).glob("*.py")]
    features = [file.relative_to(root) for file in (root / FEATURES).rglob("*.py")]
    rest = [file for file in features if file not in kernels]
    rest += [Path("src/stocktrend") / name for name in OTHERS]
    in_kernels = _sample(root, kernels, (count + 1) // 2, seed)
    return in_kernels + _sample(root, rest, count // 2, seed)


def _sample(root: Path, files: Sequence[Path], count: int, seed: int) -> list[Mutant]:
    """``count`` mutants of the files, at as many places; fewer where there are fewer places."""
    rng = random.Random(seed)
    sources = {file: (root / file).read_text() for file in sorted(files)}
    places = [(file, place) for file, source in sources.items() for place in _places(source)]
    rng.shuffle(places)
    found: list[Mutant] = []
    for file, mutations in places:
        if len(found) == count:
            break
        rng.shuffle(mutations)
        made = (_mutant(file, sources[file], *mutation) for mutation in mutations)
        found += islice(filter(None, made), 1)
    return found


def _places(source: str) -> list[list[tuple[str, int, int]]]:
    """Of each place its mutations, as operator, occurrence in the file and line."""
    tree = get_ast(source)
    excluded = list(_excluded(ast.parse(source)))
    places: dict[tuple[Position, Position], list[tuple[str, int, int]]] = {}
    for name, operator in OPERATORS.items():
        if not _in_a_family(name):
            continue
        positions = [
            place for node in ast_nodes(tree) for place in operator().mutation_positions(node)
        ]
        for occurrence, (start, end) in enumerate(positions):
            if not any(first <= start and end <= last for first, last in excluded):
                places.setdefault((start, end), []).append((name, occurrence, start[0]))
    return [places[place] for place in sorted(places)]


def _in_a_family(name: str) -> bool:
    """Whether an operator stays among its like; of unary ones only deletion does."""
    kind, *ends = name.split("_")
    if kind == "UnaryOperator":
        return ends in (["Delete", "USub"], ["Delete", "Not"], ["Delete", "Invert"])
    return not ends or any(family.issuperset(ends) for family in FAMILIES)


def _mutant(file: Path, source: str, name: str, occurrence: int, line: int) -> Mutant | None:
    mutated = mutate_code(source, OPERATORS[name](), occurrence)
    try:
        tree = ast.parse(mutated)
    except SyntaxError:
        return None
    if ast.dump(tree) == ast.dump(ast.parse(source)):
        return None
    before, after = source.splitlines(), mutated.splitlines()
    shown = after[line - 1].strip() if len(after) == len(before) else "(removed)"
    return Mutant(str(file), line, name, before[line - 1].strip(), shown, mutated)


def _excluded(tree: ast.Module) -> Iterator[tuple[Position, Position]]:
    """Ranges of the file that cannot change what it computes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                yield from _decorator(decorator)
        if isinstance(node, ast.FunctionDef):
            arguments = ast.walk(node.args)
            yield from (_range(a.annotation) for a in arguments if getattr(a, "annotation", None))
            yield from (_range(node.returns) for _ in [0] if node.returns)
        elif isinstance(node, ast.AnnAssign):
            yield _range(node.annotation)
        elif isinstance(node, ast.JoinedStr) or _is_protocol(node):
            yield _range(node)
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
            parts = {type(part) for part in ast.walk(node.value)}
            if parts <= {ast.BinOp, ast.BitOr, ast.Name, ast.Load, ast.Subscript, ast.Constant}:
                yield _range(node)


def _decorator(decorator: ast.expr) -> Iterator[tuple[Position, Position]]:
    """Its arguments; all of it, with its line, where it changes speed alone."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    start, end = _range(decorator)
    if name in FOR_SPEED:
        yield (start[0], 0), (end[0] + 1, 0)
    elif isinstance(decorator, ast.Call):
        yield start, end


def _is_protocol(node: ast.AST) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and any(
        isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases
    )


def _range(node: ast.expr | ast.stmt) -> tuple[Position, Position]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
