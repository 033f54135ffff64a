"""A small market that was updated once: files, FRED behind a server, a trained run."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from alfred import Alfred, Released
from server import Asked, Reply, Server

import stocktrend as st
from stocktrend.workflow.update import Update

NOW = datetime(2017, 7, 1, 12, 0, tzinfo=UTC)
KEY = "MARKED-fred/0123456789="
RECIPE = {"members": 1, "epochs": 1, "batch_size": 64, "min_steps": 0}
SESSIONS = 10
"""The last ones, whose bars come after the first update."""


def monthly(word: str, months: int) -> list[Released]:
    """A value a month, released on the twelfth of the month after."""
    firsts = [date(2014 + n // 12, n % 12 + 1, 1) for n in range(months)]
    return [
        (first, (first + timedelta(days=32)).replace(day=12), f"{word}.{n}")
        for n, first in enumerate(firsts)
    ]


@dataclass
class Updated:
    """A data root after its first update, whose last bars are in ``late``; FRED's server."""

    root: Path
    late: Path
    first: Update
    server: Server


@contextmanager
def updated_market(market: Path, folder: Path) -> Iterator[Updated]:
    """A copy of a simulated market in ``folder``, after its first update."""
    replays = Alfred({"UNRATE": monthly("5", 41), "CPIAUCSL": monthly("230", 41)})

    def answer(asked: Asked) -> Reply:
        query = {name: value for name, value in asked.query.items() if name != "api_key"}
        status, body = replays.answer(asked.path, query)
        return Reply(body, status=status)

    root = Path(shutil.copytree(market, folder / "market"))
    late = Path(shutil.copytree(root / "raw" / "prices", folder / "late"))
    shutil.rmtree(root / "lake")
    for file in (root / "raw" / "prices").glob("*.csv"):
        file.write_text("\n".join(file.read_text().splitlines()[:-SESSIONS]) + "\n")
    with Server() as server:
        server.script("/fred/*", answer)
        fred = {"kind": "fred", "base_url": server.base_url, "per_minute": 60_000}
        file = root / "stocktrend.yaml"
        settings = yaml.safe_load(file.read_text())
        settings["sources"]["macro"] = [{**fred, "series": ["UNRATE", "CPIAUCSL"]}]
        settings |= {"preset": "cross_sectional", "recipe": RECIPE}
        file.write_text(yaml.safe_dump(settings))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("FRED_API_KEY", KEY)
            first = st.update(root, now=NOW)
        yield Updated(root, late, first, server)
