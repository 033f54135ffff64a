"""What faults of services led to, as one table at the end of a test run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """What a fault of a service led to."""

    kind: str
    fault: str
    outcome: str


def table(cells: Sequence[Cell]) -> Iterator[str]:
    """Lines: faults by services."""
    kinds = list(dict.fromkeys(cell.kind for cell in cells))
    found = {(cell.kind, cell.fault): cell.outcome for cell in cells}
    yield f"{'':28}" + "".join(f"{kind[:11]:12}" for kind in kinds)
    for fault in dict.fromkeys(cell.fault for cell in cells):
        row = "".join(f"{found.get((kind, fault), ''):12}" for kind in kinds)
        yield f"{fault:28}{row}".rstrip()
