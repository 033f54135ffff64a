"""A process for a library that may do anything: asked by lines of JSON, held to time and memory."""

import json
import os
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from stocktrend.errors import SourceError
from stocktrend.live.answers import LATER, shown

SECONDS: Final = 60.0
MEMORY: Final = 2**30
LONGEST_LINE: Final = 24 * 2**20
AFTER: Final = 5.0
"""Seconds after which a process that was not ended ends itself."""
STEP: Final = 2**16
REMEDY: Final = "Name another vendor in `sources: prices` of stocktrend.yaml, or ask again later"


@dataclass
class Child:
    """A module that answers lines of JSON; started when it is asked and does not run.

    Its environment has no keys of services. It ends with this program, at the latest when the
    question that it works on is over time.

    Attributes:
        module: Run as ``python -m module SECONDS BYTES``.
        seconds: For an answer, the process' start included.
        memory: Bytes of address space.
        longest: Bytes of an answer.
    """

    module: str
    seconds: float = SECONDS
    memory: int = MEMORY
    longest: int = LONGEST_LINE
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    def ask(self, question: Mapping[str, str], source: str) -> dict[str, Any]:
        """The answer to a question. One that says ``last`` is the process' last.

        Args:
            question: What the module takes.
            source: For messages.

        Raises:
            SourceError: there is none in time, or the process ended, or said something else.
        """
        try:
            process = self._started()
            line = self._exchange(process, json.dumps(question).encode() + b"\n", source)
        except SourceError:
            self.end()
            raise
        except OSError as error:
            self.end()
            raise SourceError(
                f"{source} must run in a process of its own, however: {error}. {REMEDY}"
            ) from error
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            self.end()
            said = shown(line[:500].decode("utf-8", "replace"))
            raise SourceError(
                f"{source} must answer in JSON, however its process said {said!r}. {REMEDY}"
            ) from error
        if not isinstance(answer, dict):
            self.end()
            raise SourceError(
                f"{source} must answer with an object, however: {shown(answer)!r}. {LATER}"
            )
        if answer.pop("last", False):
            self.end()
        return answer

    def end(self) -> None:
        """End the process, if it runs; it is started anew when asked again."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self.end()
        if self._process is None:
            kept = {name: v for name, v in os.environ.items() if not name.endswith("_API_KEY")}
            limits = [str(self.seconds + AFTER), str(self.memory)]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self.module, *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**kept, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},
            )
            weakref.finalize(self, _end, self._process)
        return self._process

    def _exchange(self, process: "subprocess.Popen[bytes]", line: bytes, source: str) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        until = time.monotonic() + self.seconds
        with suppress(OSError):  # it has ended: how is told below
            process.stdin.write(line)
            process.stdin.flush()
        answer = bytearray()
        while not answer.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise SourceError(
                    f"{source} must answer within {self.seconds:g} s, however it did not, and its "
                    f"process was ended. {REMEDY}"
                )
            some = os.read(process.stdout.fileno(), STEP)
            if not some:
                raise SourceError(
                    f"{source} must answer, however its process {_how_it_ended(process)}. {REMEDY}"
                )
            answer += some
            if len(answer) > self.longest:
                raise SourceError(
                    f"{source} must answer in {self.longest:,} bytes, however it says more, and "
                    f"its process was ended. {REMEDY}"
                )
        return bytes(answer)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # a question that it never read
                pipe.close()


def _how_it_ended(process: "subprocess.Popen[bytes]") -> str:
    try:
        code = process.wait(AFTER)
    except subprocess.TimeoutExpired:
        return "closed its answers"
    if code >= 0:
        return f"ended with code {code}"
    return f"was ended by {signal.Signals(-code).name}"
