"""The state of a training in one file, from which a stopped training goes on to the same bits.

The file is replaced whole after an epoch. Order of batches and dropout of an epoch follow from
the seeds and the epoch's number, so model, loss, optimizer, schedule and standing are all there is
to keep, and the state of the generators that a loader brings along.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stocktrend.atomic import write_bytes
from stocktrend.errors import ModelError
from stocktrend.training.packing import pack, unpack
from stocktrend.training.plan import plain

FILE: Final = "training.safetensors"
FORMAT: Final = 1
SHARE: Final = 0.02
"""Of the time that saves between the first and the last may take: a slow disk skips epochs."""
UNREADABLE: Final = (
    *(OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError),
    RuntimeError,  # what torch raises where a state is of other shapes
)


class Stateful(Protocol):
    """A part of the training that can be kept: model, loss, optimizer, schedule, standing."""

    def state_dict(self) -> dict[str, Any]:
        """What decides how the part goes on."""

    def load_state_dict(self, state: Any, /) -> Any:
        """Go on as another one would have."""


class TrainingState:
    """Saves and restores the parts of one training.

    Args:
        folder: Of the file ``training.safetensors``.
        plan: What the training is of, by name; another plan's state is refused.
        parts: By name; restored in this order.
        clock: Seconds, for the share of the time that saving takes.
    """

    def __init__(
        self,
        folder: Path,
        plan: Mapping[str, Any],
        parts: Mapping[str, Stateful],
        clock: Callable[[], float],
    ) -> None:
        self.path = folder / FILE
        self._plan = plain(plan)
        self._parts = parts
        self._clock = clock
        self._saved_at = self._cost = 0.0

    def save(self, *, at_once: bool = True) -> None:
        """Replace the file; if not ``at_once`` only where the last time is long enough ago.

        What a save at once takes does not count: the first one of a program also loads code, and
        none follows the last.

        Raises:
            ModelError: a part's state holds what neither safetensors nor JSON can.
        """
        start = self._clock()
        if not at_once and (start - self._saved_at) * SHARE < self._cost:
            return
        tensors: dict[str, Tensor] = {}
        content = {
            "format": FORMAT,
            "plan": self._plan,
            "parts": {n: pack(part.state_dict(), tensors, n) for n, part in self._parts.items()},
        }
        write_bytes(self.path, save(tensors, {"state": json.dumps(content, allow_nan=False)}))
        self._saved_at = self._clock()
        if not at_once:
            self._cost = self._saved_at - start

    def restore(self) -> bool:
        """Bring all parts to where the file says; whether there is one.

        Raises:
            ModelError: it is damaged, of another version, or of a training with another plan.
        """
        if not self.path.exists():
            return False
        try:
            with safe_open(self.path, framework="pt") as file:
                content = json.loads(file.metadata()["state"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            self._check(content)
            states = {n: unpack(content["parts"][n], tensors) for n in self._parts}
            for name, part in self._parts.items():
                part.load_state_dict(states[name])
        except UNREADABLE as error:
            raise ModelError(
                f"a training can only go on from a state that can be read, however {self.path}: "
                f"{error!r}. Remove it to start afresh"
            ) from error
        return True

    def _check(self, content: Mapping[str, Any]) -> None:
        if content.get("format") != FORMAT:
            raise ModelError(
                f"{self.path} must have format {FORMAT}, however: {content.get('format')!r}. "
                f"Remove it to start afresh"
            )
        changed = list(_differences(content["plan"], self._plan))
        if changed:
            raise ModelError(
                f"a training can only go on as it was started, however {'; '.join(changed)}. "
                f"Give what it was started with, or remove {self.path} to start afresh"
            )


def _differences(then: Any, now: Any, place: str = "") -> Iterator[str]:
    """Where two plans differ, and how."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted(then.keys() | now.keys()):
            yield from _differences(then.get(name), now.get(name), f"{place}/{name}".lstrip("/"))
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for number, pair in enumerate(zip(then, now, strict=True)):
            yield from _differences(*pair, f"{place}/{number}")
    elif then != now:
        yield f"{place} was {then} and is {now}"


class Generators:
    """The generators that a torch ``DataLoader`` or its sampler was given."""

    def __init__(self, *loaders: object) -> None:
        owners = [owner for x in loaders for owner in (x, getattr(x, "sampler", None))]
        found = [getattr(owner, "generator", None) for owner in owners]
        self._found = [g for g in found if isinstance(g, torch.Generator)]

    def state_dict(self) -> dict[str, Any]:
        """State of each."""
        return {"states": [generator.get_state() for generator in self._found]}

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Set them back."""
        for generator, kept in zip(self._found, state["states"], strict=True):
            generator.set_state(kept)
