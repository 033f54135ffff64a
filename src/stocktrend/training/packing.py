"""State dictionaries as tensors and JSON, the two things that a safetensors file holds."""

import math
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor

from stocktrend.errors import ModelError

MAPPINGS: Final[Mapping[str, type[dict[Any, Any]]]] = {
    kind.__name__: kind for kind in (dict, OrderedDict, Counter)
}


def pack(value: Any, tensors: dict[str, Tensor], place: str = "") -> Any:
    """What JSON can hold of a value; ``unpack`` gives the value back, bit for bit.

    Texts, finite numbers, None and lists stand for themselves. A tensor goes to ``tensors`` under
    its place; it, tuples, dictionaries (whose keys may be numbers) and numbers that JSON lacks
    become an object of one entry that says which of them it was.

    Args:
        value: A state dictionary, or a part of one.
        tensors: Takes the tensors, copied to the CPU.
        place: Names of the value and of what it is a part of.

    Raises:
        ModelError: a part is of another type.

    >>> pack({"betas": (0.9, 0.99), "best": math.inf, 0: None}, {})
    {'dict': [['betas', {'tuple': [0.9, 0.99]}], ['best', {'float': 'inf'}], [0, None]]}
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, Tensor):
        tensors[place] = value.detach().cpu().clone().contiguous()
        return {"tensor": place}
    if kind in (list, tuple):
        items = [pack(item, tensors, f"{place}/{i}") for i, item in enumerate(value)]
        return items if kind is list else {"tuple": items}
    if kind in MAPPINGS.values():
        pairs = [[pack(k, {}), pack(v, tensors, f"{place}/{k}")] for k, v in value.items()]
        return {kind.__name__: pairs}
    raise ModelError(
        f"the state of a training must consist of tensors, numbers, texts, lists, tuples and "
        f"dictionaries, however {place or 'it'} is a {kind.__module__}.{kind.__qualname__}. "
        f"Leave it out of its state_dict, or train with checkpoint_dir=None, which keeps no state"
    )


def unpack(content: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The value that ``pack`` was given.

    >>> unpack({"dict": [["betas", {"tuple": [0.9, 0.99]}], [0, None]]}, {})
    {'betas': (0.9, 0.99), 0: None}
    """
    if isinstance(content, list):
        return [unpack(item, tensors) for item in content]
    if not isinstance(content, dict):
        return content
    [(kind, inner)] = content.items()
    if kind == "float":
        return float(inner)
    if kind == "tensor":
        return tensors[inner]
    if kind == "tuple":
        return tuple(unpack(item, tensors) for item in inner)
    return MAPPINGS[kind]({unpack(k, tensors): unpack(v, tensors) for k, v in inner})
