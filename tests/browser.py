"""Pages as Chromium holds them after their scripts ran."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

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


@dataclass(frozen=True)
class Opened:
    """A rendered page: its document and what the browser logged."""

    document: str
    log: str

    @property
    def plots(self) -> Plots:
        return Plots(self.document)

    @property
    def complaints(self) -> list[str]:
        """What scripts wrote to the console."""
        return [line for line in self.log.splitlines() if "CONSOLE" in line]

    @property
    def loaded(self) -> list[str]:
        """Where the page takes scripts, images and styles from, other than from itself."""
        pattern = r'<(?:script|img|iframe|link)[^>]+(?:src|href)="(?!data:)([^"#]+)'
        return re.findall(pattern, self.document)


def narrow_width(page: Path, profile: Path, width: int) -> int:
    """How wide a page's content is in a frame of ``width`` pixels, narrower than a window can be.

    The frame's page lies beside it; the same as ``width`` where nothing sticks out.
    """
    frame = page.with_name("frame.html")
    frame.write_text(
        f'<iframe src="{page.name}" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>addEventListener('load', () => setTimeout(() => {"
        "const inside = document.querySelector('iframe').contentDocument.documentElement;"
        "document.body.dataset.content = inside.scrollWidth; }, 3000));</script>"
    )
    opened = open_page(frame, profile, "--allow-file-access-from-files", "--hide-scrollbars")
    found = re.search(r'data-content="(\d+)"', opened.document)
    assert found, opened.log
    return int(found[1])


def open_page(page: Path, profile: Path, *flags: str) -> Opened:
    """Open a page in Chromium; the test is skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((found for name in names if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    done = subprocess.run(
        [browser, *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return Opened(done.stdout, done.stderr)
