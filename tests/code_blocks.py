"""Code in Markdown: read it, and run its Python in order in one namespace."""

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FENCE = re.compile(
    r"(?:<!-- needs (?P<needs>.*?) -->\n+)?^```(?P<language>\w*)\n(?P<code>.*?)^```$"
)
HEADING = re.compile(r"^#+ (.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: the heading above it, its language, what it needs, and its text."""

    heading: str
    language: str
    needs: str | None
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a document, in order.

    A comment ``<!-- needs market -->`` right above a block says what it needs prepared.
    """
    found = []
    pattern = re.compile(FENCE.pattern, re.MULTILINE | re.DOTALL)
    spans = []
    for match in pattern.finditer(text):
        spans.append(match.span())
        before = [h[1] for h in re.finditer(HEADING.pattern, text[: match.start()], re.MULTILINE)]
        line = text[: match.start("code")].count("\n") + 1
        found.append(
            Block(
                before[-1] if before else "", match["language"], match["needs"], match["code"], line
            )
        )
    return found


@dataclass
class Session:
    """Blocks of one document, run once each and in order, in one namespace and folder."""

    folder: Path
    source: Path
    namespace: dict[str, Any] = field(default_factory=dict)
    done: int = 0

    def run(self, code: str, line: int = 1) -> None:
        """Run code in the folder; a failure names the document and its line."""
        padded = "\n" * (line - 1) + code
        with contextlib.chdir(self.folder):
            exec(compile(padded, str(self.source), "exec"), self.namespace)
