"""Code in Markdown: read it, and run its Python in order in one namespace."""

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: the heading above it, its language, its text and the line where that begins.

    ``language`` is empty where none is named.
    """

    heading: str
    language: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a document, in order."""
    found = []
    for match in FENCE.finditer(text):
        above = HEADING.findall(FENCE.sub("", text[: match.start()]))
        line = text[: match.start(2)].count("\n") + 1
        found.append(Block(above[-1] if above else "", match[1], match[2], line))
    return found


@dataclass
class Session:
    """Python blocks of one document, in one namespace and one working folder."""

    folder: Path
    source: Path
    namespace: dict[str, Any] = field(default_factory=dict)
    done: int = 0
    """Blocks that have run."""

    def run(self, code: str, line: int = 1) -> None:
        """Run code in the folder; a traceback names the document and its line."""
        padded = "\n" * (line - 1) + code
        with contextlib.chdir(self.folder):
            exec(compile(padded, str(self.source), "exec"), self.namespace)
