"""What the tests of storage faults tell at the end of the test run."""

from dataclasses import dataclass


@dataclass
class Fault:
    """A storage fault that a test injected, what the command said, and what was left."""

    name: str
    command: str
    said: str
    readable: bool = False
    nothing_lost: bool = False
