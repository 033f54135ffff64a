"""Which device the work runs on."""

import torch

from stocktrend.errors import ModelError


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The torch device of a name; ``auto`` is the GPU where there is one, else the CPU.

    Raises:
        ModelError: the name is not a device, or this machine has no GPU.

    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ModelError(
            f'device must be "cpu", "cuda", "cuda:<n>" or "auto", however: {device!r}'
        ) from error
    if resolved.type == "cuda" and not torch.cuda.is_available():
        raise ModelError(
            f"device={str(device)!r} needs a GPU that torch can use, and there is none here: "
            f'pass device="cpu" or device="auto"'
        )
    return resolved
