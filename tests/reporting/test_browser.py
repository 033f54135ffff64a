"""The report opens in Chromium: plots are drawn, nothing is fetched, no script fails."""

import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from test_page import make

from stocktrend.reporting import write_report

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--enable-logging=stderr",
    "--window-size=1300,2000",
    "--virtual-time-budget=8000",
)


class Plots(HTMLParser):
    """How many plots a rendered page has, and how many of them hold a drawing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.plots = self.drawn = self.paths = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = (dict(attrs).get("class") or "").split()
        self.plots += "js-plotly-plot" in names
        self.drawn += tag == "svg" and "main-svg" in names
        self.paths += tag == "path"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The page as Chromium holds it after its scripts ran, and Chromium's log."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((found for name in names if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    folder = tmp_path_factory.mktemp("browser")
    page = folder / "report.html"
    write_report(page, make())
    done = subprocess.run(
        [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_every_plot_is_drawn(opened: tuple[str, str]) -> None:
    found = Plots(opened[0])
    assert found.plots >= 5
    assert found.drawn >= found.plots
    assert found.paths > 100


def test_no_script_fails(opened: tuple[str, str]) -> None:
    console = [line for line in opened[1].splitlines() if "CONSOLE" in line]
    assert console == []


def test_nothing_is_fetched(opened: tuple[str, str]) -> None:
    loaded = re.findall(
        r'<(?:script|img|iframe|link)[^>]+(?:src|href)="(?!data:)([^"#]+)', opened[0]
    )
    assert loaded == []
