"""How long work tells its caller where it stands. Nothing in the library prints."""

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on; the shell draws a bar from it."""

    def __call__(self, step: str, done: int, total: int | None, unit: str) -> None:
        """``done`` of ``total`` (None: unknown) ``unit`` of the step named ``step``."""


def silent(step: str, done: int, total: int | None, unit: str) -> None:
    """The default: says nothing."""
